"""The runbook where PostgreSQL is outside of the project, and Authentik's role no superuser."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.age import programs
from tests.e2e.beside import Beside, beside
from tests.e2e.recovery import OPEN, signer_in
from tests.e2e.test_outside import OUTSIDE
from tests.e2e.test_restore import served
from tests.e2e.test_runbook import EMPTY, LIVE
from tests.runbook import Reader
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.docker, THOROUGH]

CHAPTER = "A PostgreSQL outside of the project"
CHAPTERS = (CHAPTER,)
SWAPPED = ("Load beside what runs", "Make the files ready", "Take Authentik down", "Swap")


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox) -> Iterator[Beside]:
    for program in ("age", "zstd", "openssl", "curl"):
        programs.find(program)
    with beside(sandbox, OUTSIDE) as stack:
        stack.write_media("as it was")
        yield stack


def reader_of(stack: Beside, folder: Path, **values: str) -> Reader:
    """With the bot's own store, which is a folder, and what the server is told of the database."""
    environment: Mapping[str, str] = stack.sandbox.environment
    user, database = OUTSIDE.login
    _, redis, server, worker = OUTSIDE.services
    return Reader(
        folder,
        {
            name: value
            for name, value in environment.items()
            if not name.startswith(("AKBOT_", "AWS_", "SANDBOX_"))
        },
        {
            **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ""),
            **dict.fromkeys(("ENDPOINT", "REGION", "BOT", "DATABASE", "ID"), ""),
            "STORE": str(stack.state / "backups"),
            "STACK": OUTSIDE.project,
            "SIGNER": signer_in(stack.state / "identity.txt"),
            "IDENTITY": str(stack.state / "identity.txt"),
            "PROJECT": str(stack.folder),
            "WORK": str(folder / "recovery"),
            "REDIS": redis,
            "SERVER": server,
            "WORKER": worker,
            "DB": database,
            "URL": stack.sandbox.server,
            "PGHOST": OUTSIDE.outside,
            "PGPORT": "5432",
            "PGUSER": user,
            "PGPASSWORD": OUTSIDE.env["DB_SECRET"],
            "NETWORK": OUTSIDE.networks[-1],
            "CLIENT": OUTSIDE.settings["AKBOT_DATABASE_IMAGE"],
            "JOB": "hand",
            "TAG": "2025.2.1",
            **values,
        },
    )


def databases(stack: Beside) -> set[str]:
    return {*stack.psql("SELECT datname FROM pg_database WHERE NOT datistemplate;").split()}


def test_a_backup_by_hand_serves_again_and_is_taken_back(stack: Beside, tmp_path: Path) -> None:
    reader, then = reader_of(stack, tmp_path), stack.rows()

    said = reader.follow(CHAPTER, "Is it reached")
    assert "PostgreSQL 17." in said
    assert "owner of the database: true\nmay make databases: true\nIT IS REACHED" in said
    assert "BACKED UP" in reader.follow(CHAPTER, "Back it up by hand")
    stack.psql("CREATE TABLE test_added (id int)")
    now = stack.rows()
    assert "IT IS OPEN" in reader.follow(CHAPTER, "Open what was backed up by hand")
    reader.follow(LIVE, *SWAPPED)
    assert stack.rows() == then
    assert "AUTHENTIK ANSWERS" in reader.follow(LIVE, "Start")

    assert "AS IT WAS BEFORE" in reader.follow(LIVE, "The way back")

    assert stack.rows() == now
    reader.follow(LIVE, "Tidy up")
    assert databases(stack) == {"postgres", OUTSIDE.login[1]}
    assert reader.left(CHAPTER) == []
    stack.psql("DROP TABLE test_added")


def test_a_role_that_may_make_no_database_is_told_so(stack: Beside, tmp_path: Path) -> None:
    stack.as_owner("ALTER ROLE idp NOCREATEDB")
    try:
        said = reader_of(stack, tmp_path).follow(CHAPTER, "Is it reached")
    finally:
        stack.as_owner("ALTER ROLE idp CREATEDB")

    assert "may make databases: false" in said


def test_an_empty_host_and_a_new_server(stack: Beside, tmp_path: Path) -> None:
    backup = stack.told("backup")["id"]
    then = stack.rows()
    reader = reader_of(stack, tmp_path, ID=backup)
    stack.bot("stop")
    stack.compose("down", "--volumes", "--timeout", "5")
    shutil.rmtree(stack.folder)
    stack.folder.mkdir()
    user, name = OUTSIDE.login
    stack.as_owner(f"DROP DATABASE {name} WITH (FORCE)")
    stack.as_owner(f"CREATE DATABASE {name} OWNER {user}")

    reader.follow(OPEN, "Fetch it", "Is it yours?", "Open it")
    reader.follow(EMPTY, "Compose files and settings", "Folders and containers", "Files")
    assert "TABLES AGREE" in reader.follow(EMPTY, "Database")
    assert stack.rows() == then
    assert "AUTHENTIK ANSWERS" in reader.follow(EMPTY, "Start")

    assert served(stack.sandbox) == (200, "2025.2.1")
    assert (stack.rows(), stack.media()) == (then, "as it was")
