"""`deploy/bootstrap`: a host that has nothing of the stack becomes the one that was backed up."""

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.domain.pause import PAUSED
from tests.e2e import stranger
from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import Akbot, Ended
from tests.e2e.filled import fill_redis
from tests.e2e.test_backup import wait_until
from tests.e2e.test_restore import (
    containers,
    files,
    flip,
    own_databases,
    own_folders,
    rows,
    served,
)
from tests.sandbox.fixture import HERE, Sandbox
from tests.thorough import THOROUGH

pytestmark = pytest.mark.docker

IN_BOT = ("docker", "compose", "exec", "--no-TTY", "bot")
CSS = ".pf-c-page { color: red }"
STACK = f"bootstrapped-{secrets.token_hex(3)}"  # the store may have those of an earlier run
ROLE = """
DROP ROLE IF EXISTS "a reader"; CREATE ROLE "a reader" LOGIN PASSWORD 'planted';
GRANT pg_read_all_data TO "a reader";
"""


@dataclass(frozen=True)
class Before:
    """The stack at the moment of its backup, and all that is left of it: store and key."""

    sandbox: Sandbox
    identity: Path
    backup: str
    rows: Mapping[str, object]
    files: Mapping[str, object]
    served: tuple[int, str]
    environment: Mapping[str, str]

    @property
    def store(self) -> str:
        return self.environment["AKBOT_STORE"]

    def akbot(self, folder: Path, **settings: str) -> Akbot:
        kept = {
            name: value for name, value in self.environment.items() if not name.startswith("AKBOT_")
        }
        quick = {"AKBOT_GATE_STABLE": "2", "AKBOT_GATE_TIMEOUT": "240"}
        return Akbot(folder, {**kept, **quick, **settings})

    def arguments(self, place: Path, *more: str) -> tuple[str, ...]:
        where = ("--from", self.store, "--identity", str(self.identity), "--stack", STACK)
        return ("restore", "--bootstrap", *where, "--project-dir", str(place), *more)

    def is_whole(self, place: Path) -> None:
        assert rows(self.sandbox) == self.rows
        assert files(self.sandbox) == self.files
        assert served(self.sandbox) == self.served
        assert (place / "custom.css").stat().st_mode & 0o777 == 0o604
        assert self.sandbox.docker("exec", "authentik", "cat", "/web/custom.css") == CSS
        assert own_databases(self.sandbox) == own_folders(self.sandbox) == []
        assert not throw_aways(self.sandbox)
        assert not (place / ".akbot-bootstrap").exists()


@pytest.fixture(scope="module")
def before(filled: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    """A stack with its bot that is wholly in the store; at the end the sandbox is as ever."""
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    filled.psql(ROLE)
    compose = (filled.project / "sandbox.yml").read_text()
    mount_alone(filled)
    filled.bot_up(
        AKBOT_STORE=filled.store_inside,
        AKBOT_STACK=STACK,
        AKBOT_BACKUP_SCHEDULE="0 0 1 1 *",
        **{key: filled.environment[key] for key in keys},
    )
    then = (rows(filled), files(filled), served(filled))
    password = password_in(filled)
    filled.psql("ALTER ROLE authentik PASSWORD 'another one then'")
    made = json.loads(filled.run(*IN_BOT, "akbot", "backup", "--json", timeout=300).stdout)
    filled.psql(f"ALTER ROLE authentik PASSWORD '{password}'")
    folder = tmp_path_factory.mktemp("kit")
    identity = folder / "identity.txt"
    shutil.copy(filled.bot_state / "identity.txt", identity)
    found = Before(filled, identity, made["id"], *then, filled.environment)
    yield found
    if not (filled.project / ".env").exists():  # a test has left the host empty
        empty(filled)
        ended = found.akbot(folder)(*found.arguments(filled.project, "--yes"))
        assert ended.code == 0, ended.err
    filled.bot_down()
    (filled.project / "sandbox.yml").write_text(compose)
    (filled.project / "custom.css").unlink()
    filled.compose("up", "--detach", "--wait", "authentik")
    filled.psql('DROP ROLE "a reader"')
    (filled.bot_state / PAUSED).unlink(missing_ok=True)  # other tests start the bot as well
    fill_redis(filled)


def mount_alone(sandbox: Sandbox) -> None:
    """Let the server have a single file of the project's folder."""
    css, compose = sandbox.project / "custom.css", sandbox.project / "sandbox.yml"
    css.write_text(CSS)
    css.chmod(0o604)
    text, quick = compose.read_text(), "  authentik:\n    healthcheck: *quick\n"
    volumes = "    volumes: [./custom.css:/web/custom.css:ro]\n"
    compose.write_text(text.replace(quick, quick + volumes))
    sandbox.compose("up", "--detach", "--wait", "authentik")


def password_in(sandbox: Sandbox) -> str:
    """The one that the stack's .env has."""
    text = (sandbox.project / ".env").read_text()
    return text.partition("PG_PASS=")[2].partition("\n")[0]


def empty(sandbox: Sandbox, *places: Path) -> None:
    """Remove everything: containers, networks, volumes, data, settings."""
    for place in (sandbox.project, *places):
        if (place / ".env").exists():
            down = ("docker", "compose", "down", "--volumes", "--timeout", "5")
            environment = dict(sandbox.environment)
            subprocess.run(down, cwd=place, env=environment, check=True, capture_output=True)
    left = sandbox_docker(sandbox, "ps", "--all", "--quiet", "--filter", f"label={PROJECT}")
    if left:
        sandbox_docker(sandbox, "rm", "--force", *left.split())
    for folder in (sandbox.mounts / "authentik", sandbox.project, *places):
        shutil.rmtree(folder, ignore_errors=True)
        assert not folder.exists()
    sandbox.project.mkdir()


PROJECT = "com.docker.compose.project=authentik"


def sandbox_docker(sandbox: Sandbox, *arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments],
        env=dict(sandbox.environment),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def script(before: Before, *arguments: str) -> Ended:
    """`deploy/bootstrap` as a person runs it, in the folder that shall be the project's."""
    image = sandbox_docker(
        before.sandbox, "image", "ls", "--quiet", "--filter", "reference=akbot-sandbox/bot:checkout"
    )
    kept = {
        name: value
        for name, value in before.environment.items()
        if not name.startswith("AKBOT_") and name != "DOCKER_HOST"
    }
    done = subprocess.run(
        [HERE.parents[1] / "deploy" / "bootstrap", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=before.sandbox.project,
        env={**kept, "AKBOT_IMAGE": image, "AKBOT_GATE_STABLE": "2"},
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def in_bot(sandbox: Sandbox, *arguments: str) -> str:
    return sandbox.run(*IN_BOT, *arguments, timeout=300).stdout


def health(sandbox: Sandbox) -> dict[str, Any]:
    code = "from urllib.request import urlopen as u; print(u('http://127.0.0.1:9180/healthz').read().decode())"
    found: dict[str, Any] = json.loads(in_bot(sandbox, "python", "-c", code))
    return found


def test_one_command_makes_the_stack_again(before: Before) -> None:
    sandbox = before.sandbox
    env = (sandbox.project / ".env").read_text()
    password = password_in(sandbox)
    empty(sandbox)

    ended = script(
        before,
        "--from",
        before.store,
        "--identity",
        str(before.identity),
        "--stack",
        STACK,
        "--yes",
    )

    assert ended.code == 0, ended.err
    before.is_whole(sandbox.project)
    assert f"Backup {before.backup} serves on this host" in ended.out
    for secret in (password, before.environment["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in ended.out + ended.err
    assert (sandbox.project / ".env").read_text() == env
    assert (sandbox.project / ".env").stat().st_mode & 0o777 == 0o600
    # The roles are there, and the password is .env's, also over the network.
    client = ("exec", "--env", f"PGPASSWORD={password}", "authentik-postgresql", "psql")
    where = ("-h", "authentik-postgresql", "-U", "authentik", "-Atc")
    query = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'a reader'"
    assert sandbox.docker(*client, *where, query).strip() == "t"

    four = containers(sandbox)
    sandbox.compose("up", "--detach", "--wait")
    after = containers(sandbox).split()
    assert set(four.split()) < set(after), "Compose made one of them anew"
    assert len(after) == len(four.split()) + 1, "the bot"

    assert "was restored on a new host" in health(sandbox)["paused"]
    assert "Paused: " in in_bot(sandbox, "akbot", "status")
    assert health(sandbox)["next_backup"] == ""
    in_bot(sandbox, "akbot", "resume")
    wait_until(lambda: health(sandbox)["next_backup"], "the schedule goes on")
    listed = json.loads(in_bot(sandbox, "akbot", "backups", "--json"))
    assert {each["id"]: each["state"] for each in listed}[before.backup] == "good"
    signers = (sandbox.bot_state / "identity.txt").read_text().count("akbot signing key")
    assert signers > before.identity.read_text().count("akbot signing key")
    newer = json.loads(in_bot(sandbox, "akbot", "backup", "--json"))
    assert newer["stack"] == STACK
    again = json.loads(in_bot(sandbox, "akbot", "verify", newer["id"], "--json"))
    assert again[0]["decrypted"], "the key that it seals for is the one that it was given"


def test_what_is_there_is_never_written_over(before: Before, tmp_path: Path) -> None:
    sandbox, place = before.sandbox, tmp_path / "project"
    akbot = before.akbot(tmp_path)
    there = place / "mine.txt"
    place.mkdir()

    ended = akbot(*before.arguments(place, "--yes"))
    assert ended.code == 3, ended.err
    assert "this host is not empty: there is a container" in ended.err
    assert list(place.iterdir()) == []
    assert served(sandbox)[0] == 200

    empty(sandbox)
    there.write_text("mine")
    ended = akbot(*before.arguments(place, "--yes"))
    assert ended.code == 3, ended.err
    assert '"mine.txt" is in it' in ended.err
    assert [each.name for each in place.iterdir()] == ["mine.txt"]
    there.unlink()

    data = sandbox.mounts / "authentik" / "database"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    ended = akbot(*before.arguments(place, "--yes"))
    assert ended.code == 3, ended.err
    assert f'"{data}" is not empty' in ended.err
    assert [each.name for each in data.iterdir()] == ["PG_VERSION"]
    assert list(place.iterdir()) == []
    shutil.rmtree(data)

    ended = akbot(*before.arguments(place))  # and nobody agreed
    assert ended.code == 3, ended.err
    assert "the restore was not confirmed" in ended.err
    assert list(place.iterdir()) == []
    assert not sandbox_docker(sandbox, "ps", "--all", "--quiet", "--filter", f"label={PROJECT}")
    sandbox.project.rmdir()


def test_what_is_not_ours_is_not_opened(before: Before, tmp_path: Path) -> None:
    empty(before.sandbox)
    place = tmp_path / "project"
    akbot = before.akbot(tmp_path)
    akbot.ok("keygen", "-o", str(tmp_path / "other.txt"))
    text = before.identity.read_text()
    signer = text.partition("akbot signing key: ")[2].partition("\n")[0]
    (tmp_path / "bare.txt").write_text(text.replace(signer, "").replace("signing key", ""))
    (tmp_path / "bare.txt").chmod(0o600)

    def refused(identity: Path, code: int, words: str, *more: str, source: str = "") -> None:
        where = ("--from", source or before.store, "--identity", str(identity))
        ended = akbot("restore", "--bootstrap", *where, "--project-dir", str(place), "--yes", *more)
        assert ended.code == code, ended.err
        assert words in ended.err
        assert not [each for each in place.glob("*") if each.name != ".akbot-bootstrap"]

    stack = ("--stack", STACK)
    refused(tmp_path / "other.txt", 3, "signed by the unknown key", *stack)
    refused(tmp_path / "other.txt", 1, "decrypt", *stack, "--trust", signer)
    refused(tmp_path / "bare.txt", 3, "--trust KEY", *stack)
    refused(before.identity, 2, "--stack", "--stack", "nobody")

    copied = tmp_path / "store" / STACK / before.backup
    copied.mkdir(parents=True)
    stranger.fetch(before.sandbox, before.store, f"{STACK}/{before.backup}/", copied)
    flip(copied / "manifest.json")
    refused(before.identity, 3, "was changed", source=f"file://{tmp_path / 'store'}")
    before.sandbox.project.rmdir()


@THOROUGH
def test_killed_three_times_the_same_command_makes_it_whole(before: Before, tmp_path: Path) -> None:
    sandbox, place = before.sandbox, tmp_path / "elsewhere"
    empty(sandbox)
    sandbox.project.rmdir()
    akbot = before.akbot(tmp_path)
    command = before.arguments(place, "--yes")
    for step in ("creating", "swapping the files", "waiting until it holds"):
        log = tmp_path / "log"
        with log.open("w") as output:
            process = akbot.start(*command, output=output)
            wait_until(lambda: step in log.read_text(), step, seconds=240)  # noqa: B023 - at once
            process.kill()
            process.wait()
        assert "was begun on this new host" in (sandbox.bot_state / "paused").read_text()

    ended = akbot(*command)

    assert ended.code == 0, ended.err
    sandbox.project.symlink_to(place)  # where the sandbox's own commands look
    before.is_whole(place)
    text = (place / ".env").read_text()
    assert f"AKBOT_PROJECT_DIR='{place}'" in text
    found = containers(sandbox)
    sandbox.compose("up", "--detach", "postgresql", "redis", "authentik", "worker")
    assert containers(sandbox) == found
    assert "was restored on a new host" in (sandbox.bot_state / "paused").read_text()
    sandbox.project.unlink()
    empty(sandbox, place)
    sandbox.project.rmdir()
