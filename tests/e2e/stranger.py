"""A stranger with a bucket, an identity file and stock programs; nothing of akbot's is used."""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3

from tests.sandbox.fixture import Sandbox

CHECKSUM = r"""
SELECT format('SELECT %L, count(*),
                      coalesce(sum((''x'' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0)
               FROM %I.%I t', nspname || '.' || relname, nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'm') AND nspname <> 'information_schema' AND nspname !~ '^pg_'
ORDER BY nspname, relname
\gexec
"""
"""Of every table and materialized view: its name, its rows, and a sum over a hash of each row."""


def fetch(sandbox: Sandbox, store: str, prefix: str, folder: Path) -> list[Path]:
    """Download all objects below *prefix* with an ordinary S3 client."""
    url = urlsplit(store)
    s3 = boto3.client(
        "s3",
        endpoint_url=parse_qs(url.query)["endpoint"][0],
        region_name="us-east-1",
        aws_access_key_id=sandbox.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=sandbox.environment["AWS_SECRET_ACCESS_KEY"],
    )
    place = f"{url.path.strip('/')}/{prefix}"
    listed = s3.list_objects_v2(Bucket=url.netloc, Prefix=place).get("Contents", [])
    files: list[Path] = []
    for each in listed:
        files.append(folder / each["Key"].rpartition("/")[2])
        s3.download_file(url.netloc, each["Key"], str(files[-1]))
    s3.close()
    return files


def shell(command: str, *arguments: object, stdin: bytes = b"") -> bytes:
    """Run a line of the runbook, as a person would type it."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command, "bash", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
    return done.stdout


@dataclass(frozen=True)
class Elsewhere:
    """A container with nothing of the stack in it, from one of the stack's images."""

    name: str

    def run(self, *command: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["docker", "exec", "--interactive", self.name, *command],
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


@contextmanager
def postgres_elsewhere(sandbox: Sandbox, image: str) -> Iterator[Elsewhere]:
    """An empty PostgreSQL server, with a database to restore into."""
    options = ["--env=POSTGRES_USER=stranger", "--env=POSTGRES_PASSWORD=x", "--env=PGPASSWORD=x"]
    with _container(sandbox, image, options, []) as name:
        server = Elsewhere(name)
        _wait_for(name, ["psql", "-U", "stranger", "-h", "127.0.0.1", "-c", "SELECT 1"])
        server.run("createdb", "--username=stranger", "--template=template0", "restored")
        yield server


@contextmanager
def redis_elsewhere(sandbox: Sandbox, image: str, rdb: bytes) -> Iterator[Elsewhere]:
    """A Redis server that started from *rdb*."""
    with _container(sandbox, image, ["--entrypoint", "sleep"], ["600"]) as name:
        server = Elsewhere(name)
        server.run("sh", "-c", "cat > /tmp/dump.rdb", stdin=rdb)
        server.run("redis-server", "--dir", "/tmp", "--save", "", "--daemonize", "yes")
        _wait_for(name, ["redis-cli", "ping"])
        yield server


@contextmanager
def _container(
    sandbox: Sandbox, image: str, options: Sequence[str], command: Sequence[str]
) -> Iterator[str]:
    name = sandbox.docker(
        "run", "--detach", "--label", sandbox.label, *options, image, *command
    ).strip()
    try:
        yield name
    finally:
        sandbox.docker("rm", "--force", "--volumes", name)


def _wait_for(name: str, command: Sequence[str]) -> None:
    end = time.monotonic() + 60
    while subprocess.run(["docker", "exec", name, *command], capture_output=True).returncode:  # noqa: PLW1510
        assert time.monotonic() < end, f"{command[0]} does not answer"
        time.sleep(0.1)


def table_checksums(psql_output: str) -> dict[str, tuple[int, str]]:
    rows = [line.split("|") for line in psql_output.splitlines() if line]
    return {name: (int(count), checksum) for name, count, checksum in rows}


PSQL = ("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1")


def source_checksums(sandbox: Sandbox) -> dict[str, tuple[int, str]]:
    output = sandbox.docker(
        *("exec", "--interactive", "authentik-postgresql"),
        *PSQL,
        *("-U", "authentik", "-d", "authentik"),
        stdin=CHECKSUM,
    )
    return table_checksums(output)


def restored_checksums(server: Elsewhere) -> dict[str, tuple[int, str]]:
    arguments = ("-U", "stranger", "-d", "restored")
    return table_checksums(server.run(*PSQL, *arguments, stdin=CHECKSUM.encode()))


REDIS_DIGEST = """
local keys = redis.call('keys', '*')
table.sort(keys)
for i, key in ipairs(keys) do keys[i] = key .. ' ' .. redis.sha1hex(redis.call('dump', key)) end
return keys
"""


def redis_keys(run: "Elsewhere | Sandbox") -> list[str]:
    """Every key with a hash of its content."""
    if isinstance(run, Elsewhere):
        return run.run("redis-cli", "eval", REDIS_DIGEST, "0").splitlines()
    return run.redis("eval", REDIS_DIGEST, "0").splitlines()


Entry = tuple[str, int, int, int, str]


def tree(folder: Path) -> dict[str, Entry]:
    """Content (or target), mode, owner and kind of everything below *folder*."""
    return {str(path.relative_to(folder)): _entry(path) for path in sorted(folder.rglob("*"))}


def itself(folder: Path) -> dict[str, Entry]:
    """The same of *folder* alone."""
    return {".": _entry(folder)}


def _entry(path: Path) -> Entry:
    status = path.lstat()
    kind, content = "folder", ""
    if path.is_symlink():
        kind, content = "link", str(path.readlink())
    elif path.is_file():
        kind, content = "file", path.read_bytes().hex()
    return (kind, status.st_mode & 0o7777, status.st_uid, status.st_gid, content)


def read_json(path: Path) -> dict[str, object]:
    value: dict[str, object] = json.loads(path.read_bytes())
    return value
