"""The runbook is followed as it is printed, on the real stack: no program of ours takes part.

What comes back is compared with the moment of the backup: a hash of every row of every table,
every file's content, mode and owner.
"""

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.age import programs
from tests.e2e import stranger
from tests.e2e.akbot import Akbot
from tests.runbook import Reader
from tests.sandbox.fixture import Sandbox, script

pytestmark = pytest.mark.docker

OPEN = "Get a backup and open it"
LIVE = "Restore on the live stack"
EMPTY = "Restore on an empty host"
COMPONENT = "Restore one component"
ROW = "A row that was deleted"
TABLE = "A table that was deleted"
RENAMES = "Half-done renames"
KEY = "The key is lost"
MAJOR = "PostgreSQL's next major version"
CHAPTERS = (OPEN, LIVE, EMPTY, COMPONENT, ROW, TABLE, RENAMES, KEY, MAJOR)

STACK = ("postgresql", "redis", "authentik", "worker")
UP = ("up", "--detach", "--wait", "--no-recreate")
FILES = ("media", "templates", "certs")


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


@dataclass(frozen=True)
class State:
    """All that a backup must bring back."""

    tables: dict[str, tuple[int, str]]
    files: dict[str, dict[str, tuple[str, int, int, int, str]]]
    env: tuple[str, int, int, int]

    @classmethod
    def of(cls, sandbox: Sandbox) -> "State":
        folder = sandbox.mounts / "authentik"
        env = sandbox.project / ".env"
        status = env.stat()
        return cls(
            stranger.source_checksums(sandbox),
            {each: stranger.tree(folder / each) | stranger.itself(folder / each) for each in FILES},
            (env.read_text(), status.st_mode & 0o7777, status.st_uid, status.st_gid),
        )


def damage(sandbox: Sandbox) -> State:
    """Rows and files deleted, changed and added."""
    sandbox.psql("""
        DELETE FROM authentik_core_user_ak_groups;
        UPDATE authentik_core_user SET name = 'changed', password = 'changed';
        INSERT INTO authentik_core_group (group_uuid, name, is_superuser, attributes)
          VALUES (gen_random_uuid(), 'written since', false, '{}');
        CREATE TABLE written_since (id int);
    """)
    media = sandbox.mounts / "authentik" / "media"
    first, second, *_ = sorted(path for path in media.rglob("*") if path.is_file())
    first.unlink()
    second.chmod(0o777)
    second.write_text("changed")
    (media / "written since").write_text("x")
    (sandbox.mounts / "authentik" / "certs" / "written since").mkdir()
    sandbox.redis("set", "test:since", "x")
    env = sandbox.project / ".env"
    env.write_text(
        env.read_text().replace("\nAUTHENTIK_TAG=2025.2.1\n", "\nAUTHENTIK_TAG=2025.2.4\n")
    )
    return State.of(sandbox)


def without_versions(state: State) -> State:
    """But for the row that a newer version writes as it starts."""
    history = "public.authentik_version_history"
    return replace(state, tables={k: v for k, v in state.tables.items() if k != history})


def databases(sandbox: Sandbox) -> list[str]:
    rows = sandbox.psql(
        "SELECT datname FROM pg_database WHERE NOT datistemplate", database="postgres"
    )
    return sorted(row[0] for row in rows)


def left_over(sandbox: Sandbox) -> list[str]:
    """Databases and folders that an untouched stack does not have."""
    own = {"akbot", "certs", "database", "media", "redis", "templates"}
    folders = {path.name for path in (sandbox.mounts / "authentik").iterdir()} - own
    return sorted({*databases(sandbox), *folders} - {"authentik", "postgres"})


def mended(sandbox: Sandbox) -> bool:
    """Bring all of the stack up; whether that went well and nothing else lies about."""
    up = sandbox.run("docker", "compose", *UP, *STACK, check=False)
    return up.returncode == 0 and not left_over(sandbox)


@pytest.fixture
def stack(filled: Sandbox) -> Iterator[Sandbox]:
    """The stack, which every test leaves as it found it."""
    for program in ("aws", "age", "zstd", "openssl", "curl"):
        programs.find(program)
    before = State.of(filled)
    yield filled
    assert mended(filled), "the stack is left in pieces: tests/sandbox/up --fresh makes a new one"
    assert State.of(filled) == before


def reader_of(sandbox: Sandbox, akbot: Akbot, folder: Path) -> Reader:
    """With the sandbox's values, and those of the chapters where a test has no others."""
    return Reader(
        folder,
        {
            name: value
            for name, value in sandbox.environment.items()
            if not name.startswith(("AKBOT_", "AWS_", "SANDBOX_"))
        },
        {
            "AWS_ACCESS_KEY_ID": sandbox.environment["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": sandbox.environment["AWS_SECRET_ACCESS_KEY"],
            "STORE": akbot.environment["AKBOT_STORE"].partition("?")[0],
            "ENDPOINT": sandbox.s3,
            "REGION": "us-east-1",
            "STACK": akbot.environment["AKBOT_STACK"],
            "ID": "",
            "SIGNER": signer_in(akbot.identity),
            "IDENTITY": str(akbot.identity),
            "PROJECT": str(sandbox.project),
            "WORK": str(folder / "recovery"),
            "DATABASE": "postgresql",
            "REDIS": "redis",
            "SERVER": "authentik",
            "WORKER": "worker",
            "BOT": "bot",
            "DB": "authentik",
            "URL": sandbox.server,
            "JOB": "hand",
            "TAG": "2025.2.1",
        },
    )


def signer_in(identity: Path) -> str:
    """The signing key that the bot noted in its identity file, if there is one yet."""
    lines = identity.read_text().splitlines() if identity.exists() else []
    return "".join(line.rpartition(" ")[2] for line in lines if "akbot signing key" in line)


def opened(sandbox: Sandbox, akbot: Akbot, folder: Path) -> Reader:
    """A reader who has just opened a backup of this moment."""
    backup = akbot.backup()["id"]
    reader = reader_of(sandbox, akbot, folder).with_values(ID=backup)
    assert backup in reader.follow(OPEN, "Which backups there are")
    assert "IT IS YOURS" in reader.follow(OPEN, "Fetch it", "Is it yours?")
    assert "IT IS OPEN" in reader.follow(OPEN, "Open it")
    assert '"authentik": "2025.2.1"' in reader.follow(OPEN, "What it says about itself")
    assert reader.left(OPEN) == []
    return reader


def test_the_live_stack_comes_back_and_there_is_a_way_back(
    stack: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    before = State.of(stack)
    reader = opened(stack, akbot, tmp_path)
    damaged = damage(stack)
    sessions = stranger.redis_keys(stack)

    said = reader.follow(LIVE, "Load beside what runs", "Compare with the manifest")
    assert f"ALL {len(before.tables) - 1} TABLES AGREE" in said  # and a materialized view
    assert State.of(stack) == damaged
    reader.follow(
        LIVE,
        "Optional: forget the task queue",
        "Pull the image",
        "Make the files ready",
        "Take Authentik down",
    )
    reader.follow(LIVE, "Swap")
    assert State.of(stack) == before
    assert stranger.redis_keys(stack) == []
    assert "AUTHENTIK ANSWERS" in reader.follow(LIVE, "Start")
    assert State.of(stack) == before
    running = stack.compose("ps", "--quiet")
    stack.compose(*UP[:3], *STACK)
    assert stack.compose("ps", "--quiet") == running

    assert "AS IT WAS BEFORE" in reader.follow(LIVE, "The way back")
    assert without_versions(State.of(stack)) == without_versions(damaged)
    assert set(sessions) <= set(stranger.redis_keys(stack))
    reader.follow(LIVE, "Tidy up")
    assert left_over(stack) == []
    assert not Path(reader.values["WORK"]).exists()

    # and once more, to stay: what is tidied up can be done again
    again = reader.with_values(JOB="again")
    again.follow(OPEN, "Fetch it", "Is it yours?", "Open it")
    again.follow(
        LIVE,
        "Load beside what runs",
        "Pull the image",
        "Make the files ready",
        "Take Authentik down",
        "Swap",
        "Start",
    )
    again.follow(LIVE, "Tidy up")
    assert State.of(stack) == before
    assert reader.left(LIVE) == []


def test_an_empty_host(stack: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    before = State.of(stack)
    reader = opened(stack, akbot, tmp_path)
    everything = set(stack.project.iterdir())
    stack.compose("down", "--volumes")
    for folder in (stack.project, stack.mounts):
        shutil.rmtree(folder)

    reader.follow(EMPTY, "Compose files and settings")
    assert everything == set(stack.project.iterdir())
    reader.follow(EMPTY, "Folders and containers", "Files")
    said = reader.follow(EMPTY, "Database")
    assert f"ALL {len(before.tables) - 1} TABLES AGREE" in said
    assert State.of(stack) == before
    reader.follow(EMPTY, "Start")

    assert State.of(stack) == before
    assert reader.left(EMPTY) == []


def test_one_component(stack: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    before = State.of(stack)
    reader = opened(stack, akbot, tmp_path).with_values(JOB="files", COMPONENT="media")
    media = stack.mounts / "authentik" / "media"
    shutil.rmtree(media / "public")
    (media / "written since").write_text("x")
    damaged = State.of(stack)

    reader.follow(COMPONENT, "Make it ready", "Swap")
    assert State.of(stack) == before
    reader.follow(COMPONENT, "The way back")
    assert State.of(stack) == damaged

    again = reader.with_values(JOB="again")
    again.follow(COMPONENT, "Make it ready", "Swap")
    for folder in media.parent.glob("media.*"):
        shutil.rmtree(folder)
    assert reader.left(COMPONENT) == []


def test_a_deleted_row(stack: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    member = "(SELECT user_id FROM authentik_core_user_ak_groups ORDER BY 1 LIMIT 1)"
    [[number, name]] = stack.psql(
        f"SELECT id, username FROM authentik_core_user WHERE id = {member}"
    )
    before = State.of(stack)
    reader = opened(stack, akbot, tmp_path)
    referring = stack.psql("""
        SELECT conrelid::regclass, attname FROM pg_constraint JOIN pg_attribute
          ON attrelid = conrelid AND attnum = conkey[1]
        WHERE contype = 'f' AND confrelid = 'authentik_core_user'::regclass ORDER BY 1, 2
    """)
    lost = [f"authentik_core_user|username = '{name}'"]
    lost += [f"{table}|{column} = {number}" for table, column in referring]
    deleting = [f"DELETE FROM {each.replace('|', ' WHERE ')};" for each in reversed(lost)]
    stack.psql(f"BEGIN; {' '.join(deleting)} COMMIT;")
    damaged = State.of(stack)
    gone = sum(rows for rows, _ in before.tables.values())
    assert gone - sum(rows for rows, _ in damaged.tables.values()) >= 2

    reader = reader.with_values(SCHEMA="public", LOST="\n".join(lost))
    reader.follow(ROW, "Load only those tables into a side database")
    assert name in reader.follow(ROW, "Look")
    assert State.of(stack) == damaged
    reader.follow(ROW, "Bring them back")
    assert State.of(stack) == before
    assert "duplicate key" in reader.fails(ROW, "Bring them back")
    assert State.of(stack) == before
    reader.follow(ROW, "The way back")
    assert State.of(stack) == damaged
    reader.follow(ROW, "Bring them back", "Tidy up")
    assert reader.left(ROW) == []


def schema(sandbox: Sandbox) -> list[str]:
    """All that pg_dump says of the schema, but for the order and its one-time word."""
    text = sandbox.docker(
        "exec", "authentik-postgresql", "pg_dump", "-s", "-U", "authentik", "authentik"
    )
    return sorted(line for line in text.splitlines() if not line.startswith("\\"))


def test_a_deleted_table(stack: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    before, built = State.of(stack), schema(stack)
    reader = opened(stack, akbot, tmp_path).with_values(TABLE="public.authentik_flows_flow")
    stack.psql("DROP TABLE authentik_flows_flow CASCADE")
    damaged = State.of(stack)

    said = reader.follow(TABLE, "Load the backup into a side database", "What is missing")
    assert "r|authentik_flows_flow" in said
    assert "i|authentik_flows_flow_pkey" in said
    assert "v|" not in said
    reader.follow(TABLE, "Bring it back")
    assert (State.of(stack), schema(stack)) == (before, built)
    assert reader.follow(TABLE, "What is missing") == ""
    reader.follow(TABLE, "The way back")
    assert State.of(stack) == damaged
    reader.follow(TABLE, "Bring it back", "Tidy up")
    assert (State.of(stack), schema(stack)) == (before, built)
    assert reader.left(TABLE) == []


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
        pytest.param(FENCED + HALF_LOADED, "authentik", id="fenced, before the swap"),
        pytest.param(FENCED + AWAY + HALF_LOADED, "authentik_before_hand", id="between renames"),
        pytest.param(FENCED + AWAY + ANOTHER, "authentik_before_hand", id="after the swap"),
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
