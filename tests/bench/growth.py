"""Growth: time and memory beside what lies in the store, the media folder and the journal."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.adapters.keyfiles import SIGNING_KEY, read_signing_key
from bot.domain.backup_id import BackupId, is_backup_id, make_backup_id
from bot.domain.manifest import Manifest, decode_manifest, encode_manifest
from bot.domain.signature import sign
from tests.bench import stack
from tests.bench.machine import Conditions
from tests.bench.measuring import SANDBOX
from tests.bench.parts import Found, Options, part_of
from tests.bench.pipeline import Meter, Used
from tests.bench.results import Part

NAME = "growth"
ABOUT = (
    "The backups are copies of one, an hour apart, each with a manifest of its own that is signed"
    " by the host's key, on the S3 server; the first look reads them all. Media files are small."
    " The journal's rows are backups that went well. The memory at two sizes of the database stands"
    " in the part backup."
)
BACKUPS = (10, 1_000, 10_000)
MEDIA = (10, 100_000)
JOBS = (10, 1_000_000)
FIRST = "akbot backups, the first time"
LOOKING = ("akbot backups", "akbot prune --dry-run", "akbot status")
STACK = "authentik"
MORE_JOBS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO jobs SELECT {columns} FROM n, (SELECT * FROM jobs ORDER BY number LIMIT 1) AS model
"""


def measure(options: Options) -> Part:
    """Let each thing grow while the rest stays small."""
    conditions, found = Conditions(), Found()
    environment = stack.up()
    with stack.turn(environment) as turn:
        served = turn.keep / "served"
        folder = served / "akbot/backups"
        state = {**turn.environment, "AKBOT_STATE": f"{turn.keep}/state"}
        here = Meter({**state, "AKBOT_STORE": f"file://{folder}"}, ())
        here.run("akbot backup")
        small = Meter(
            {
                **turn.environment,
                "AKBOT_STATE": f"{turn.keep}/small-state",
                "AKBOT_STORE": f"file://{turn.keep}/small",
            },
            (),
        )
        small.run("akbot backup")
        for count in BACKUPS:
            stack.say(f"{count} backups")
            copy_backups(folder, turn.keep / "state", count)
            with stack.sink(served) as address:
                store = f"s3://akbot/backups?endpoint={address}&region=us-east-1"
                there = Meter({**state, "AKBOT_STORE": store}, ())
                case = f"{count:,} backups"
                _note(found, case, FIRST, there.run("akbot backups"))  # all is read, and remembered
                _look(there, case, LOOKING, options, found)
            conditions.look()
        for count in MEDIA:
            stack.say(f"{count} media files")
            small.run(f"'{SANDBOX}/fill' 1MiB --media {count}")
            case, command = f"{count:,} media files", "akbot backup --component media"
            _look(small, case, (command,), options, found)
            conditions.look()
        for count in JOBS:
            stack.say(f"{count} jobs in the journal")
            add_jobs(turn.keep / "small-state/journal.db", count)
            case = f"{count:,} jobs in the journal"
            _look(small, case, ("akbot jobs", "akbot status", "akbot report"), options, found)
            conditions.look()
    return part_of(NAME, ABOUT, conditions.seen(environment), found, options)


def _look(
    meter: Meter, case: str, commands: tuple[str, ...], options: Options, found: Found
) -> None:
    for _ in range(options.runs):
        for command in commands:
            _note(found, case, command, meter.run(command))


def _note(found: Found, case: str, command: str, used: Used) -> None:
    found.add(case, command, "wall", "s", used.wall)
    found.add(case, command, "CPU", "s", used.here)
    found.add(case, command, "memory", "MiB", used.peak)


def copy_backups(store: Path, state: Path, count: int) -> None:
    """Have that many backups in a directory: the newest's files linked, its manifest rewritten."""
    folder = store / STACK
    present = sorted(each.name for each in folder.iterdir() if is_backup_id(each.name))
    newest = BackupId(present[-1])
    model = decode_manifest(
        (folder / newest / "manifest.json").read_bytes(), stack=STACK, backup_id=newest
    )
    key = read_signing_key(state / SIGNING_KEY)
    assert key is not None
    for number in range(len(present), count):
        manifest = encode_manifest(_older(model, number))
        target = folder / _older(model, number).id
        target.mkdir()
        for name in _files(folder / newest):
            os.link(folder / newest / name, target / name)
        (target / "manifest.json.sig").write_bytes(sign(manifest, key))
        (target / "manifest.json").write_bytes(manifest)


def _files(folder: Path) -> Iterator[str]:
    return (each.name for each in folder.iterdir() if not each.name.startswith("manifest"))


def _older(model: Manifest, hours: int) -> Manifest:
    created: datetime = model.created - timedelta(hours=hours)
    backup_id = make_backup_id(created, "aaaa")
    components = tuple(
        replace(each, key=each.key.replace(model.id, backup_id)) for each in model.components
    )
    return replace(model, id=backup_id, created=created, components=components)


def add_jobs(journal: Path, count: int) -> None:
    """Have that many rows more of jobs, like the first one."""
    with closing(sqlite3.connect(journal)) as database, database:
        names = [row[1] for row in database.execute("PRAGMA table_info(jobs)")]
        own = {"number": "NULL", "id": "'bench-' || :count || '-' || i"}
        columns = ", ".join(own.get(name, f"model.{name}") for name in names)
        database.execute(MORE_JOBS.format(columns=columns), {"count": count})
