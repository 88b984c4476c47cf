"""The runbook's chapters that need no backup: names, a lost key, PostgreSQL's next version."""

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e import stranger
from tests.e2e.akbot import Akbot
from tests.e2e.recovery import OPEN, UP, State, databases, reader_of
from tests.sandbox.fixture import Sandbox, script
from tests.thorough import THOROUGH

pytestmark = pytest.mark.docker

RENAMES = "Half-done renames"
KEY = "The key is lost"
MAJOR = "PostgreSQL's next major version"
CHAPTERS = (RENAMES, KEY, MAJOR)

SMALL_PROJECT = """
services:
  postgresql:
    image: akbot-sandbox/postgres:15
    restart: unless-stopped
    environment:
      POSTGRES_PASSWORD: unsafe
      POSTGRES_USER: authentik
      POSTGRES_DB: authentik
    volumes: [database:/var/lib/postgresql/data]
    healthcheck: {test: [CMD, pg_isready, -h, 127.0.0.1, -U, authentik], interval: 1s}
    labels: [LABEL]
  redis:
    image: akbot-sandbox/redis:7
    restart: unless-stopped
    volumes: [redis:/data]
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s}
    labels: [LABEL]
  server: &server
    image: REGISTRY/goauthentik/server:2025.2.1
    restart: unless-stopped
    command: server
    environment:
      AUTHENTIK_REDIS__HOST: redis
      AUTHENTIK_POSTGRESQL__HOST: postgresql
      AUTHENTIK_POSTGRESQL__USER: authentik
      AUTHENTIK_POSTGRESQL__NAME: authentik
      AUTHENTIK_POSTGRESQL__PASSWORD: unsafe
      AUTHENTIK_SECRET_KEY: unsafe
    ports: ["127.0.0.1:PORT:9000"]
    depends_on:
      postgresql: {condition: service_healthy}
      redis: {condition: service_healthy}
    healthcheck: {interval: 2s}
    labels: [LABEL]
  worker:
    <<: *server
    command: worker
    ports: []
volumes: {database: {labels: [LABEL]}, redis: {labels: [LABEL]}}
networks: {default: {labels: [LABEL]}}
"""
"""A stack as Authentik's own compose file has it: named volumes, no bot."""


FENCED = 'ALTER DATABASE "authentik" ALLOW_CONNECTIONS false;'
AWAY = 'ALTER DATABASE "authentik" RENAME TO "authentik_before_hand";'
HALF_LOADED = 'CREATE DATABASE "authentik_restore_hand";'
ANOTHER = """
CREATE DATABASE "authentik_restore_hand" TEMPLATE "authentik_before_hand";
ALTER DATABASE "authentik_restore_hand" RENAME TO "authentik";
"""


def half_swap_files(swapped: Path, moving: Path) -> None:
    """Two folders as a killed swap leaves them: all exchanged, and on the way out."""
    for own, name in ((swapped, "old"), (moving, "moving")):
        status = own.parent.stat()
        content = sorted(own.parent.iterdir())
        (place := own / name).mkdir(parents=True)
        os.chown(place, status.st_uid, status.st_gid)
        place.chmod(status.st_mode & 0o7777)
        for each in content if own is swapped else content[:1]:
            each.rename(place / each.name)
    (swapped.parent / "restored").touch()
    swapped.parent.chmod(0o700)


@pytest.mark.parametrize(
    ("left", "good"),
    [
        pytest.param(
            FENCED + HALF_LOADED, "authentik", marks=THOROUGH, id="fenced, before the swap"
        ),
        pytest.param(FENCED + AWAY + HALF_LOADED, "authentik_before_hand", id="between renames"),
        pytest.param(
            FENCED + AWAY + ANOTHER, "authentik_before_hand", marks=THOROUGH, id="after the swap"
        ),
    ],
)
def test_half_done_renames(
    stack: Sandbox, akbot: Akbot, tmp_path: Path, left: str, good: str
) -> None:
    before = State.of(stack)
    newest = "SELECT count(*), max(created) FROM authentik_events_event"
    [[_, newest_event]] = stack.psql(newest)
    reader = reader_of(stack, akbot, tmp_path).with_values(GOOD=good, OWN=".akbot-hand")
    swapped, moving = (
        stack.mounts / "authentik" / each / ".akbot-hand" for each in ("media", "certs")
    )
    half_swap_files(swapped, moving)
    stack.compose("stop", "authentik", "worker")
    for command in left.strip().split(";"):
        stack.psql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            f" WHERE datname = 'authentik'; {command};",
            database="postgres",
        )

    reader.follow(RENAMES, "Nobody writes now")
    assert good in reader.follow(RENAMES, "Which is which")
    said = reader.follow(RENAMES, "Look inside")
    assert newest_event in said
    assert f"{swapped}/old" in said
    reader.follow(RENAMES, "Files of a restore by akbot")
    assert [path.name for path in (swapped / "new").iterdir()] == ["restored"]
    for folder in (swapped, moving):
        shutil.rmtree(folder)
    reader.follow(RENAMES, "Give it the name", "Tag, sessions, start")

    assert State.of(stack) == before
    assert reader.left(RENAMES) == []
    for name in set(databases(stack)) - {"authentik", "postgres"}:
        stack.psql(f'DROP DATABASE "{name}"', database="postgres")


def test_what_is_set_aside_can_be_had_again(stack: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    before = State.of(stack)
    reader = reader_of(stack, akbot, tmp_path).with_values(OWN=".akbot-none")
    stack.psql('CREATE DATABASE "authentik_undone_hand"', database="postgres")

    wrong = reader.with_values(GOOD="authentik_undone_hand")
    wrong.follow(RENAMES, "Nobody writes now", "Give it the name")
    assert stack.psql("SELECT to_regclass('authentik_core_user') IS NULL") == [["t"]]
    [aside] = set(databases(stack)) - {"authentik", "postgres"}
    right = reader.with_values(GOOD=aside)
    right.follow(RENAMES, "Nobody writes now", "Give it the name", "Tag, sessions, start")

    assert State.of(stack) == before
    [aside] = set(databases(stack)) - {"authentik", "postgres"}
    stack.psql(f'DROP DATABASE "{aside}"', database="postgres")


def test_the_key_is_looked_for_and_a_new_one_made(
    stack: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    backup = akbot.backup("--component", "globals")["id"]
    other = tmp_path / "other.txt"
    stranger.shell('age-keygen -o "$1"', other)
    reader = reader_of(stack, akbot, tmp_path).with_values(
        ID=backup, KEYS=f"{other} {akbot.identity}", NEW_KEY=str(tmp_path / "new.txt")
    )
    reader.follow(OPEN, "Fetch it")

    assert f"{akbot.identity}: THIS IS THE KEY" in reader.follow(KEY, "Is it one of these?")

    reader.follow(KEY, "A new key, and a backup with it at once")

    work = Path(reader.values["WORK"])
    with stranger.postgres_elsewhere(stack, "akbot-sandbox/postgres:17") as server:
        dump = stranger.shell(
            'age -d -i "$1" "$2"', tmp_path / "new.txt", work / "emergency.dump.age"
        )
        restore = ("pg_restore", "-U", "stranger", "-d", "restored", "--no-owner", "-1", "-e")
        server.run(*restore, stdin=dump)
        assert stranger.restored_checksums(server) == stranger.source_checksums(stack)
    assert reader.left(KEY) == []


@pytest.fixture
def small(sandbox: Sandbox, tmp_path: Path) -> Iterator[Sandbox]:
    """A stack of its own, beside the sandbox's, on PostgreSQL 15."""
    script("images", "postgres:15", "redis:7")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    project = tmp_path / "project"
    project.mkdir()
    text = SMALL_PROJECT.replace("PORT", str(port)).replace("REGISTRY", sandbox.registry)
    (project / "docker-compose.yml").write_text(text.replace("LABEL", sandbox.label))
    (project / ".env").write_text(f"COMPOSE_PROJECT_NAME=small-{port}\n")
    stack = replace(sandbox, project=project, server=f"http://127.0.0.1:{port}")
    try:
        stack.compose(*UP)
        yield stack
    finally:
        stack.compose("down", "--volumes")


def checksums_of(stack: Sandbox) -> dict[str, tuple[int, str]]:
    output = stack.run(
        *("docker", "compose", "exec", "-T", "postgresql"),
        *stranger.PSQL,
        *("-U", "authentik", "-d", "authentik"),
        stdin=stranger.CHECKSUM,
    ).stdout
    return stranger.table_checksums(output)


@THOROUGH
def test_the_next_major_version_of_postgresql(small: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    compose = small.project / "docker-compose.yml"
    reader = reader_of(small, akbot, tmp_path).with_values(
        BOT="",
        SERVER="server",
        JOB="major",
        IMAGE_FILE=str(compose),
        OLD_IMAGE="postgres:15",
        NEW_IMAGE="postgres:17",
    )
    written = compose.read_text()

    reader.follow(MAJOR, "Dump with the old server")
    before = checksums_of(small)
    assert "(PostgreSQL) 17." in reader.follow(MAJOR, "Change")
    assert f"ALL {len(before) - 1} TABLES AGREE" in reader.follow(MAJOR, "Load")
    assert checksums_of(small) == before
    assert "AUTHENTIK ANSWERS" in reader.follow(MAJOR, "Start")

    reader.follow(MAJOR, "The way back")
    assert compose.read_text() == written
    version = small.compose("exec", "-T", "postgresql", "postgres", "--version")
    assert "(PostgreSQL) 15." in version
    assert set(checksums_of(small)) == set(before)
    assert reader.left(MAJOR) == []
