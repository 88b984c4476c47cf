"""Backup, drill and restore of a real Authentik's database: every row of every table comes back.

`tests/soak` has the other databases. The stack's own database is put aside meanwhile.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contracts.test_database import REAL
from tests.e2e import stranger
from tests.e2e.akbot import Akbot
from tests.e2e.test_backup import wait_until
from tests.e2e.test_restore import answers, forget_kept, served, to_folder
from tests.sandbox.fixture import HERE, Sandbox
from tests.thorough import THOROUGH

__all__ = ["to_folder"]

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(not REAL.is_dir(), reason=f"no dumps of real databases in {REAL}"),
]

ASIDE = "test_aside"
WRITTEN_BY_IT = {"public.authentik_version_history", "public.authentik_install_id"}
"""What a server writes when it starts, and so is another one than in the backup by then."""
HEARTBEATS = {"public.authentik_tasks_workerstatus"}
APPLICATION = ("authentik", "worker")


@THOROUGH
def test_every_row_of_a_real_database_comes_back(sandbox: Sandbox, to_folder: Akbot) -> None:
    every_row_comes_back(sandbox, to_folder, "2025.6.4")


def every_row_comes_back(sandbox: Sandbox, akbot: Akbot, version: str) -> None:
    sandbox.stand_ins(f"goauthentik/server:{version}")
    with serving(sandbox, version):
        sandbox.compose("stop", *APPLICATION)  # so that nobody writes between backup and look
        then, added_to = stranger.source_checksums(sandbox), rows_added_to(sandbox)
        assert sum(rows for rows, _ in then.values()) > 20_000
        manifest = akbot.backup()
        assert {name: rows for name, (rows, _) in then.items()} == manifest["database"]["rows"]
        assert stranger.source_checksums(sandbox) == then, "nobody has written meanwhile"
        sandbox.run("docker", "compose", "up", "--detach", "--wait", *APPLICATION, timeout=300)

        report = json.loads(akbot.ok("drill", "--json"))
        assert (report["verdict"], report["reasons"]) == ("pass", [])
        assert report["rows"] == sum(rows for rows, _ in then.values())

        spoil(sandbox)
        akbot.ok("restore", manifest["id"], "--yes", "--no-safety-backup", "--keep-queue")

        assert served(sandbox) == (200, version)
        sandbox.compose("stop", *APPLICATION)
        now = stranger.source_checksums(sandbox)
        assert now.keys() == then.keys()
        others = {name for name in then if now[name] != then[name]}
        assert others <= WRITTEN_BY_IT | HEARTBEATS
        assert added_to <= rows_added_to(sandbox)


def rows_added_to(sandbox: Sandbox) -> set[tuple[str, ...]]:
    """Every row of the tables that a server adds to."""
    return {
        (name, *row)
        for name in WRITTEN_BY_IT
        for row in sandbox.psql(f"SELECT t::text FROM {name} t")
    }


def spoil(sandbox: Sandbox) -> None:
    """Rows changed, deleted and added, and a table gone."""
    sandbox.psql(
        """
        UPDATE authentik_core_user SET name = 'changed' WHERE id % 3 = 0;
        DELETE FROM authentik_events_event WHERE ctid IN
          (SELECT ctid FROM authentik_events_event LIMIT 5000);
        CREATE TABLE test_added (id int);
        DROP TABLE authentik_install_id CASCADE;
        """
    )


@contextmanager
def serving(sandbox: Sandbox, version: str) -> Iterator[None]:
    """Let that real database serve, by a stand-in of its version; then what served before."""
    env = sandbox.project / ".env"
    text = env.read_text()
    forget_kept(sandbox)
    sandbox.compose("rm", "--stop", "--force", *APPLICATION)
    rename(sandbox, "authentik", ASIDE)
    try:
        sandbox.psql("CREATE DATABASE authentik", database="postgres")
        load(sandbox, REAL / f"authentik-{version}.dump")
        own_migrations_are_done(sandbox)
        env.write_text(re.sub("(?m)^AUTHENTIK_TAG=.*$", f"AUTHENTIK_TAG={version}", text))
        sandbox.run("docker", "compose", "up", "--detach", "--wait", *APPLICATION, timeout=300)
        wait_until(lambda: answers(sandbox), "the login page is served")
        yield
    finally:
        sandbox.compose("rm", "--stop", "--force", *APPLICATION)
        forget_kept(sandbox)
        env.write_text(text)
        sandbox.psql("DROP DATABASE IF EXISTS authentik WITH (FORCE)", database="postgres")
        rename(sandbox, ASIDE, "authentik")
        sandbox.run("docker", "compose", "up", "--detach", "--wait", *APPLICATION, timeout=300)


def rename(sandbox: Sandbox, old: str, new: str) -> None:
    sandbox.psql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{old}';"
        f" ALTER DATABASE {old} RENAME TO {new}",
        database="postgres",
    )


def load(sandbox: Sandbox, dump: Path) -> None:
    """As a person would, with stock `pg_restore`."""
    restore = ("pg_restore", "--no-owner", "--single-transaction", "--exit-on-error")
    with dump.open("rb") as file:
        subprocess.run(
            [
                *("docker", "exec", "--interactive", "authentik-postgresql", *restore),
                *("--username=authentik", "--dbname=authentik"),
            ],
            stdin=file,
            check=True,
            timeout=300,
            env=dict(sandbox.environment),
        )


def own_migrations_are_done(sandbox: Sandbox) -> None:
    """The real one has all that the stand-in's are about, under partly other names."""
    names = [
        name.partition(".")
        for file in (HERE / "authentik" / "lifecycle" / "schema").glob("*.sql")
        for name in re.findall(r"(?m)^-- migration: (\S+)$", file.read_text())
    ]
    rows = ", ".join(f"('{app}', '{name}', now())" for app, _, name in names)
    sandbox.psql(
        "INSERT INTO django_migrations (app, name, applied)"
        f" SELECT * FROM (VALUES {rows}) AS own (app, name, applied)"
        " WHERE (app, name) NOT IN (SELECT app, name FROM django_migrations)"
    )
