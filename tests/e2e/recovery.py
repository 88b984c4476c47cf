"""Somebody who follows the runbook on the sandbox's stack, and what must come back of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.age import programs
from tests.e2e import stranger
from tests.e2e.akbot import Akbot
from tests.runbook import INSIDE, Reader
from tests.sandbox.fixture import Sandbox

OPEN = "Get a backup and open it"
STACK = ("postgresql", "redis", "authentik", "worker")
UP = ("up", "--detach", "--wait", "--no-recreate")
FILES = ("media", "templates", "certs")


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
            "PART": "media",
            **INSIDE,
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
