"""Stacks that other people have written, and akbot beside them by deploy/compose.bot.yml."""

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.e2e import stranger
from tests.e2e.test_backup import wait_until
from tests.e2e.test_restore import RESTLESS, served
from tests.sandbox.fixture import Sandbox, script

LAYOUTS = Path(__file__).with_name("layouts")
BOT_FILE = Path(__file__).resolve().parents[2] / "deploy" / "compose.bot.yml"
IMAGE = "akbot-sandbox/bot:checkout"
UP = ("up", "--detach", "--wait", "--wait-timeout", "180")


@dataclass(frozen=True)
class Layout:
    """A folder of LAYOUTS, and what akbot has to be told of it.

    *services* are PostgreSQL's, Redis', the server's and the worker's, *login* the database's user
    and name; *options* are what its owner gives Compose, *networks* those that must exist before.
    Where PostgreSQL is *outside*, by that name in the last of them, its service is the container.
    *follow_env* are those that Compose makes anew after every change of `.env`: PostgreSQL where it
    has all of that for variables, and what depends on it.
    """

    name: str
    project: str
    services: tuple[str, str, str, str]
    login: tuple[str, str]
    port: int
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    follow_env: frozenset[str] = frozenset()
    outside: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def network(self) -> str:
        """Where its PostgreSQL is."""
        return f"{self.project}_default"


@dataclass(frozen=True)
class Beside:
    """A stack in *folder*, and a bot in another Compose project."""

    sandbox: Sandbox
    layout: Layout
    folder: Path

    @property
    def env(self) -> list[str]:
        return (self.folder / ".env").read_text().splitlines()

    @property
    def state(self) -> Path:
        """The bot's state folder."""
        return self.folder.with_name(f"{self.folder.name}-state")

    def compose(self, *arguments: str, stdin: str = "") -> str:
        """Compose as the stack's owner calls it."""
        command = ("docker", "compose", *self.layout.options, *arguments)
        return self.sandbox.run(*command, stdin=stdin, timeout=300).stdout

    def bot(self, *arguments: str) -> str:
        """Compose on the bot's own project."""
        return self._bot(*arguments).stdout

    def _bot(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        files = (BOT_FILE, LAYOUTS / "beside.yml")
        words = [word for file in files for word in ("--file", str(file))]
        given = self.state.with_name(f"{self.state.name}.env")
        command = ("docker", "compose", "--project-name", f"akbot-{self.layout.name}")
        options = ("--env-file", str(given), *words)
        return self.sandbox.run(*command, *options, *arguments, timeout=300, check=check)

    def akbot(self, *arguments: str) -> str:
        return self.bot("exec", "--no-TTY", "bot", "akbot", *arguments)

    def ended(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """akbot, whatever comes of it."""
        return self._bot("exec", "--no-TTY", "bot", "akbot", *arguments, check=False)

    def told(self, *arguments: str) -> Any:
        """What akbot prints for programs."""
        return json.loads(self.akbot(*arguments, "--json"))

    def containers(self) -> dict[str, str]:
        """The id of each service's, and of the bot's."""
        line = "{{.Service}} {{.ID}}"
        listed = self.compose("ps", "--all", "--no-trunc", "--format", line)
        listed += self.bot("ps", "--no-trunc", "--format", line)
        return dict(each.split() for each in listed.splitlines())

    def psql(self, sql: str) -> str:
        user, name = self.layout.login
        login = ("--username", user, "--dbname", name)
        service = self.layout.services[0]
        if self.layout.outside:
            command = ("exec", "--interactive", service, *stranger.PSQL, *login)
            return self.sandbox.docker(*command, stdin=sql)
        return self.compose("exec", "--no-TTY", service, *stranger.PSQL, *login, stdin=sql)

    def as_owner(self, sql: str) -> None:
        """As the superuser of a server that is outside."""
        server = self.layout.services[0]
        self.sandbox.docker("exec", server, "psql", "--username", "postgres", "--command", sql)

    def rows(self) -> dict[str, tuple[int, str]]:
        """Every table's checksum, but for what the stack itself writes meanwhile."""
        found = stranger.table_checksums(self.psql(stranger.CHECKSUM))
        return {
            name: each for name, each in found.items() if not any(part in name for part in RESTLESS)
        }

    def write_media(self, text: str) -> None:
        command = ("sh", "-c", "cat >/media/note.txt")
        self.compose("exec", "--no-TTY", self.layout.services[3], *command, stdin=text)

    def media(self) -> str:
        return self.compose("exec", "--no-TTY", self.layout.services[3], "cat", "/media/note.txt")

    def remade(self) -> set[str]:
        """What its owner's `up`, with all that it takes away, makes anew."""
        before = self.containers()
        self.compose("up", "--detach", "--wait", "--remove-orphans")
        after = self.containers()
        assert after.keys() == before.keys()
        return {name for name in after if after[name] != before[name]}


@contextmanager
def alone(sandbox: Sandbox, layout: Layout) -> Iterator[Beside]:
    """The stack of *layout*, up and well, before it has a bot; afterwards there is neither."""
    folder = sandbox.mounts / "layouts" / layout.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(LAYOUTS / layout.name, folder)
    own = replace(sandbox, project=folder, server=f"http://127.0.0.1:{layout.port}")
    stack = Beside(own, layout, folder)
    shared = {
        "AUTHENTIK_IMAGE": f"{sandbox.registry}/goauthentik/server",
        "AUTHENTIK_TAG": "2025.2.1",
        "AUTHENTIK_SECRET_KEY": secrets.token_hex(20),
        "AUTHENTIK_BOOTSTRAP_PASSWORD": secrets.token_hex(20),
        "AUTHENTIK_STANDIN_START_SECONDS": "2",
        "SANDBOX_POSTGRES": "akbot-sandbox/postgres:17",
        "SANDBOX_REDIS": "akbot-sandbox/redis:8",
        "SANDBOX_STATE": str(sandbox.state),
    }
    write(folder / ".env", {**shared, **layout.env})
    script("bot-image")
    try:
        for network in layout.networks:
            own.docker("network", "create", "--label", sandbox.label, network)
        if layout.outside:
            start_database(stack)
        stack.compose(*UP)
        yield stack
    finally:
        stack.compose("down", "--timeout", "5", "--volumes")
        if layout.outside:
            own.docker("rm", "--force", "--volumes", layout.services[0])
        for network in layout.networks:
            own.docker("network", "rm", network)


@contextmanager
def beside(sandbox: Sandbox, layout: Layout) -> Iterator[Beside]:
    """The stack of *layout*, up and well, and the bot beside it; afterwards there is neither."""
    with alone(sandbox, layout) as stack:
        write(stack.folder / "akbot.env", settings(sandbox, layout))
        bot = {
            "AKBOT_IMAGE": IMAGE,
            "AKBOT_PROJECT_DIR": str(stack.folder),
            "AKBOT_NETWORK": layout.network,
            "AKBOT_STATE_DIR": str(stack.state),
            "SANDBOX_STATE": str(sandbox.state),
        }
        write(stack.state.with_name(f"{stack.state.name}.env"), bot)
        try:
            stack.bot(*UP)
            yield stack
        finally:
            stack.bot("down", "--timeout", "10")


def restored_and_taken_back(stack: Beside, backup: str) -> None:
    """Change rows and files, restore *backup* from just before, and undo that; each is whole."""
    then = stack.rows()
    stack.psql("CREATE TABLE test_added (id int)")
    stack.write_media("changed")
    now = stack.rows()

    stack.akbot("restore", backup, "--yes", "--no-safety-backup")

    assert (stack.rows(), stack.media()) == (then, "as it was")
    assert served(stack.sandbox) == (200, "2025.2.1")
    assert stack.remade() == set()

    stack.akbot("restore", "--undo", "--yes")

    assert (stack.rows(), stack.media()) == (now, "changed")


def settings(sandbox: Sandbox, layout: Layout) -> dict[str, str]:
    """An akbot.env for a stack of the sandbox, that does nothing by itself."""
    return {
        "AKBOT_PROJECT": layout.project,
        "AKBOT_BACKUP_SCHEDULE": "off",
        "AKBOT_DRILL_SCHEDULE": "off",
        "AKBOT_REGISTRY_ENDPOINT": sandbox.registry_inside,
        "AKBOT_RELEASE_FEED": "off",
        "AKBOT_UPDATE_MINIMUM_AGE": "0",
        "AKBOT_GATE_STABLE": "2",
        "AKBOT_GATE_TIMEOUT": "120",
        "AKBOT_REHEARSAL_STABLE": "2",
        **layout.settings,
    }


def start_database(stack: Beside) -> None:
    """A PostgreSQL of nobody's project, with a role for Authentik that is no superuser."""
    layout, docker = stack.layout, stack.sandbox.docker
    (user, name), server = layout.login, layout.services[0]
    place = ("--network", layout.networks[-1], "--network-alias", layout.outside)
    mine = ("--label", stack.sandbox.label, "--name", server)
    given = ("--env", "POSTGRES_PASSWORD=the-owner-of-the-server-alone")
    docker("run", "--detach", *mine, *place, *given, "akbot-sandbox/postgres:17")
    ready = ("exec", server, "pg_isready", "--host", layout.outside, "--timeout", "1")
    wait_until(lambda: stack.sandbox.run("docker", *ready, check=False).returncode == 0, ready[-3])
    secret = layout.env["DB_SECRET"]
    for sql in (
        f"CREATE ROLE {user} LOGIN CREATEDB PASSWORD '{secret}'",
        f"CREATE DATABASE {name} OWNER {user}",
    ):
        stack.as_owner(sql)


def write(file: Path, values: Mapping[str, str]) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
