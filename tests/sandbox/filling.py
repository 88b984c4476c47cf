"""Fill the sandbox's database and media folder with Authentik-like content, the same on every run.

Every value comes from a hash of (seed, kind, row number) or from the row number itself, so the same
size and seed give the same rows. Rows come in batches of about `BATCH_BYTES`; a batch is complete
or absent, and filling a database further continues where it stopped.
"""

import hashlib
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .filling_rows import TABLES, USER_PATH, USERS, Table

# What an empty schema has and a batch adds, at least; the plan must not depend on a measured size.
EMPTY_BYTES = 8 * 1024**2
BATCH_BYTES = int(4.1 * 1024**2)
# Batches that one transaction writes.
STEP = 8
UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}

MEDIA_NAMES = (
    "public/application-icons/icon-{n:06}.png",
    "public/application-icons/with space {n:06}.svg",
    "public/flow-backgrounds/größe-{n:06}.jpg",
    "public/user-avatars/логотип {n:06}.webp",
)
MEDIA_MODES = (0o644, 0o640, 0o600, 0o755)
MEDIA_OWNERS = ((1000, 1000), (0, 0), (1026, 100))
MEDIA_TIME = 1_735_689_600  # 2025-01-01


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one run has written, and how large the database is now."""

    rows: dict[str, int]
    size: int
    seconds: float


@dataclass(frozen=True)
class Database:
    """The database inside the container, reached through its own `psql`."""

    container: str
    user: str
    name: str

    def run(self, sql: str) -> str:
        """Run *sql*, stop at the first error, and return the rows without any decoration."""
        done = subprocess.run(
            (
                *("docker", "exec", "-i", self.container, "psql", "-X", "-q", "-A", "-t"),
                *("-v", "ON_ERROR_STOP=1", "-U", self.user, "-d", self.name),
            ),
            input=sql,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"psql in {self.container!r}: {done.stderr.strip()}")
        return done.stdout.strip()

    def size(self) -> int:
        """Return ``pg_database_size``."""
        return int(self.run("SELECT pg_database_size(current_database())"))


def parse_size(text: str) -> int:
    """Turn ``64MiB`` into bytes."""
    found = re.fullmatch(r"(\d+)(\w*)", text)
    if found is None or found[2] not in UNITS:
        raise ValueError(f"not a size: {text!r}; write it like 256MiB or 1GiB")
    return int(found[1]) * UNITS[found[2]]


def open_database(container: str) -> Database:
    """Read user and database from the environment of *container*."""
    lines = _docker("inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", container)
    environment = dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)
    user = environment.get("POSTGRES_USER", "postgres")
    return Database(container, user, environment.get("POSTGRES_DB", user))


def fill_database(database: Database, size: int, seed: int = 0) -> Report:
    """Add rows until the database has *size* bytes at least; none when it has them already."""
    started = time.monotonic()
    columns = _read_columns(database)
    rows: dict[str, int] = {}
    done = _count_batches(database, seed)
    planned = -((EMPTY_BYTES - size) // BATCH_BYTES) if database.size() < size else 0
    # The plan falls short only where rows take less room than expected: then batch after batch.
    while done < planned or database.size() < size:
        until = min(done + STEP, planned) if done < planned else done + 1
        _write_batches(database, columns, seed, range(done, until), rows)
        done = until
    if rows:
        database.run(_finish(columns))
    return Report(rows=rows, size=database.size(), seconds=time.monotonic() - started)


def fill_media(folder: Path, count: int, seed: int = 0) -> int:
    """Write *count* small files and one symlink below *folder*, and return the bytes written.

    Owners are set when root runs this, and left alone otherwise.
    """
    written = 0
    for number in range(1, count + 1):
        path = folder / MEDIA_NAMES[number % len(MEDIA_NAMES)].format(n=number)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = _content(seed, number)
        path.write_bytes(content)
        path.chmod(MEDIA_MODES[number // len(MEDIA_NAMES) % len(MEDIA_MODES)])
        if os.geteuid() == 0:
            os.chown(path, *MEDIA_OWNERS[number % len(MEDIA_OWNERS)])
        os.utime(path, (MEDIA_TIME + number, MEDIA_TIME + number))
        written += len(content)
    if count:
        link = folder / "public" / "newest icon"
        link.unlink(missing_ok=True)
        link.symlink_to(
            Path(MEDIA_NAMES[count % len(MEDIA_NAMES)].format(n=count)).relative_to("public")
        )
    return written


def find_mount(container: str, target: str) -> Path:
    """Return the host's folder that *container* has mounted at *target*."""
    mounts = json.loads(_docker("inspect", "--format", "{{json .Mounts}}", container))
    for mount in mounts:
        if mount["Destination"] == target:
            return Path(mount["Source"])
    raise RuntimeError(f"container {container!r} has nothing mounted at {target}")


def _docker(*arguments: str) -> str:
    done = subprocess.run(("docker", *arguments), text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def _read_columns(database: Database) -> dict[str, set[str]]:
    """Return the columns of each table, because a newer schema has more of them."""
    lines = database.run(
        "SELECT table_name || '.' || column_name FROM information_schema.columns"
        " WHERE table_schema = 'public'"
    ).splitlines()
    columns: dict[str, set[str]] = {}
    for line in lines:
        table, column = line.split(".", 1)
        columns.setdefault(table, set()).add(column)
    if USERS.name not in columns:
        raise RuntimeError(f"the database has no table {USERS.name!r} yet: start Authentik first")
    return columns


def _count_batches(database: Database, seed: int) -> int:
    path = USER_PATH.format(seed=seed)
    return (
        int(database.run(f"SELECT count(*) FROM {USERS.name} WHERE path = '{path}'"))
        // USERS.per_batch
    )


def _write_batches(
    database: Database,
    columns: dict[str, set[str]],
    seed: int,
    batches: range,
    rows: dict[str, int],
) -> None:
    present = [table for table in TABLES if table.name in columns]
    inserts = [_insert(table, columns[table.name], seed, batches) for table in present]
    database.run("\n".join(("BEGIN;", "SET LOCAL synchronous_commit = off;", *inserts, "COMMIT;")))
    for table in present:
        rows[table.name] = rows.get(table.name, 0) + table.per_batch * len(batches)


def _insert(table: Table, columns: set[str], seed: int, batches: range) -> str:
    values = {name: value for name, value in table.columns.items() if name in columns}
    names = ", ".join(f'"{name}"' for name in values)
    first, last = batches.start * table.per_batch + 1, batches.stop * table.per_batch
    expressions = ", ".join(values.values()).replace("{seed}", str(seed))
    numbers = f"generate_series({first}, {last}) AS n"
    return f"INSERT INTO {table.name} ({names}) SELECT {expressions} FROM {numbers};"


def _finish(columns: dict[str, set[str]]) -> str:
    """Move each sequence to the highest id, as if rows had come through it; vacuum, analyze."""
    moves = [
        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name};"
        for table in TABLES
        if "id" in table.columns and table.name in columns
    ]
    return "\n".join((*moves, "VACUUM (ANALYZE);"))


def _content(seed: int, number: int) -> bytes:
    """Return between 64 bytes and 8 KiB that compress badly."""
    first = hashlib.sha512(f"{seed}/media/{number}".encode()).digest()
    parts = 1 + int.from_bytes(first[:2], "big") % 128
    return b"".join(
        hashlib.sha512(first + part.to_bytes(2, "big")).digest() for part in range(parts)
    )
