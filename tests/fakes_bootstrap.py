"""A host in memory that has nothing of the stack: its project folder, Engine and Compose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.layout import DataFolder, Layout
from bot.domain.pause import RESTORED
from bot.domain.project import Project, ProjectFile
from bot.domain.restore import Site
from tests.fakes_restore import FakeHost

PLACE = "/srv/new"
DATABASE, STATE = "/mnt/database", "/mnt/akbot"


def bind(source: str, target: str) -> dict[str, str]:
    return {"type": "bind", "source": source, "target": target}


def make_config() -> dict[str, Any]:
    media, templates = bind("/mnt/media", "/media"), bind("/mnt/templates", "/templates")
    return {
        "name": "authentik",
        "services": {
            "postgresql": {
                "image": "postgres:17",
                "container_name": "authentik-postgresql",
                "volumes": [bind(DATABASE, "/var/lib/postgresql/data")],
            },
            "redis": {"image": "redis:8"},
            "authentik": {"image": "server:1", "volumes": [media, templates]},
            "worker": {"image": "server:1", "volumes": [media, bind("/mnt/certs", "/certs")]},
            "bot": {"image": "akbot", "volumes": [bind(STATE, "/var/lib/akbot")]},
        },
    }


@dataclass
class FakeGround:
    """A Ground; what it calls on *host* can be made to fail there.

    *full* are folders with something in them, *written* what was put into which, *up* the services
    that run, *created* those that only exist.
    """

    host: FakeHost
    config: dict[str, Any] = field(default_factory=make_config)
    strangers: list[str] = field(default_factory=list)
    full: set[str] = field(default_factory=set)
    written: dict[str, dict[str, bytes]] = field(default_factory=dict)
    up_: set[str] = field(default_factory=set)
    created: set[str] = field(default_factory=set)
    roles: list[str] = field(default_factory=list)

    async def configuration(self, project: Project) -> Mapping[str, Any]:
        assert project.place == PLACE
        self.host.call("configuration")
        return self.config

    async def containers(self, project: str, names: Sequence[str]) -> Sequence[str]:
        assert project == self.config["name"]
        assert "authentik-postgresql" in names
        return [*self.strangers, *self.up_]

    async def pull(self, image: str) -> None:
        assert image == "postgres:17"
        self.host.call("pull the first image")

    async def occupied(self, folders: Sequence[DataFolder], image: str) -> Sequence[str]:  # noqa: ARG002
        return [each.source for each in folders if each.source in self.full]

    async def prepare(self, layout: Layout, image: str) -> None:  # noqa: ARG002
        self.host.call("prepare")

    async def put(
        self,
        folder: DataFolder,
        layout: Layout,  # noqa: ARG002
        files: Mapping[str, bytes],
        image: str,  # noqa: ARG002
    ) -> None:
        self.host.call("put")
        assert not self.up_ or self.full, "the mark comes before anything runs"
        self.written[folder.source] = {**self.written.get(folder.source, {}), **files}
        self.full.add(folder.source)

    async def up(self, site: Site, services: Sequence[str]) -> None:
        self.host.call("up")
        assert site.working_dir
        self.up_ |= set(services)
        self.full.add(DATABASE)

    async def create(self, site: Site, services: Sequence[str]) -> None:  # noqa: ARG002
        self.host.call("create services")
        assert {"postgresql", "redis"} <= self.up_
        self.created |= set(services)

    async def make_roles(self, site: Site, statements: Sequence[str]) -> None:  # noqa: ARG002
        self.host.call("make roles")
        assert {"postgresql", "redis"} <= self.up_
        self.roles = list(statements)


@dataclass
class FakePlace:
    """A ProjectPlace."""

    host: FakeHost
    path: str = PLACE
    files: dict[str, ProjectFile] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)

    async def fingerprints(self) -> Mapping[str, str]:
        laid = {name: each.fingerprint for name, each in self.files.items() if name != RESTORED}
        return {**laid, **self.others}

    async def lay(self, files: Sequence[ProjectFile]) -> None:
        self.host.call("lay")
        self.files |= {each.name: each for each in files}
