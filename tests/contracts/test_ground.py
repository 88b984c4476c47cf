"""An empty host as a real Engine has it: what is in the way, what is made, what is put where."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.compose_program import ComposeProgram
from bot.adapters.ground import EmptyHost
from bot.adapters.project_folder import ProjectFolder
from bot.domain.errors import RefusedError
from bot.domain.globals import role_statements
from bot.domain.layout import DataFolder, Layout
from bot.domain.project import Project, ProjectFile
from bot.domain.restore import Site
from bot.domain.stack import Container, Role
from tests.contracts.stacks import created, docker, engine_api, inspect, running, until
from tests.domain.test_restore_recovery import SITE
from tests.sandbox.fixture import HERE

pytestmark = pytest.mark.docker

IMAGE = "akbot-sandbox/postgres:17"


@pytest.fixture
def image() -> Iterator[str]:
    with created("postgres:17"):
        yield IMAGE


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    yield name
    docker("volume", "rm", "--force", name)


@asynccontextmanager
async def ground(folder: Path) -> AsyncIterator[EmptyHost]:
    environment = {
        "PATH": f"{HERE}/.cache/docker/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "DOCKER_CONFIG": f"{HERE}/.cache/docker",
    }
    async with engine_api() as api:
        yield EmptyHost(
            api, ComposeProgram(environment, folder / "compose.lock"), ProjectFolder(folder)
        )


def layout(*folders: DataFolder) -> Layout:
    services = {Role.POSTGRESQL: "postgresql", Role.SERVER: "server"}
    return Layout("made", services, {"postgresql": IMAGE}, (), folders, None)


async def test_only_a_folder_with_something_in_it_is_in_the_way(
    tmp_path: Path, image: str, volume: str
) -> None:
    empty, full, file = tmp_path / "empty", tmp_path / "full", tmp_path / "file"
    empty.mkdir()
    full.mkdir(mode=0o700)
    (full / ".hidden").write_text("")
    file.write_text("")
    absent = tmp_path / "absent" / "below"
    folders = [DataFolder(str(each)) for each in (empty, full, file, absent)]
    folders.append(DataFolder(volume, is_volume=True))

    async with ground(tmp_path) as host:
        assert await host.occupied(folders, image) == [str(full)]
        assert not absent.parent.exists(), "looking makes nothing"
        assert volume not in docker("volume", "ls", "--quiet").decode().split()

        await host.put(folders[-1], layout(), {"paused": b"x"}, image)
        assert await host.occupied(folders[-1:], image) == [volume]


async def test_folders_are_made_for_those_who_will_own_them(tmp_path: Path, image: str) -> None:
    mine, roots = tmp_path / "a" / "mine", tmp_path / "a" / "roots"
    folders = (DataFolder(str(mine), owner="1026:100"), DataFolder(str(roots)))

    async with ground(tmp_path) as host:
        for _ in range(2):
            await host.prepare(layout(*folders), image)

    owners = [(each.stat().st_uid, each.stat().st_gid) for each in (mine, roots)]
    assert owners == [(1026, 100), (0, 0)]


async def test_what_is_put_there_is_its_owners_alone(tmp_path: Path, image: str) -> None:
    state = tmp_path / "state"

    async with ground(tmp_path) as host:
        for text in (b"once", b"twice"):
            files = {"paused": text, "identity.txt": b"key"}
            await host.put(DataFolder(str(state)), layout(), files, image)

    found = {each.name: each for each in state.iterdir()}
    assert set(found) == {"paused", "identity.txt"}
    assert found["paused"].read_bytes() == b"twice"
    assert {each.stat().st_mode & 0o777 for each in found.values()} == {0o600}


async def test_containers_of_the_project_or_of_those_names_are_found(tmp_path: Path) -> None:
    project = f"test{secrets.token_hex(4)}"
    label = f"com.docker.compose.project={project}"
    with created("postgres:17", options=["--label", label]) as one, created("postgres:17") as two:
        names = [str(inspect(each)["Name"]).lstrip("/") for each in (one, two)]
        async with ground(tmp_path) as host:
            assert await host.containers(project, []) == names[:1]
            assert sorted(await host.containers(project, names[1:])) == sorted(names)
            assert await host.containers("another", ["nobody"]) == []


@contextmanager
def stack(secret: str) -> Iterator[tuple[Site, Container]]:
    """A server and who logs in to it, as Compose would have made both."""
    name = f"test{secrets.token_hex(4)}"
    own = ["--env", "POSTGRES_USER=authentik", "--env", f"POSTGRES_PASSWORD={secret}"]
    theirs = ["--env", "AUTHENTIK_POSTGRESQL__USER=app"]
    theirs += ["--env", f"AUTHENTIK_POSTGRESQL__PASSWORD={secret}2"]
    with (
        running("postgres:17", options=[*own, *labels(name, "postgresql")]) as database,
        created("postgres:17", options=[*theirs, *labels(name, "authentik")]),
    ):
        yield replace(SITE, project=name, postgresql="postgresql", server="authentik"), database


def labels(project: str, service: str) -> list[str]:
    found = {"project": project, "service": service, "oneoff": "False"}
    return [
        word
        for key, value in found.items()
        for word in ("--label", f"com.docker.compose.{key}={value}")
    ]


def logs_in(container: Container, user: str, password: str) -> bool:
    """Over the network: on the socket nobody is asked for a password."""
    address = str(inspect(container.id)["NetworkSettings"]["IPAddress"])
    command = ("psql", "-h", address, "-U", user, "-d", "authentik", "-Atc", "SELECT 1")
    return (
        docker("exec", "--env", f"PGPASSWORD={password}", container.id, *command, check=False)
        == b"1\n"
    )


async def test_roles_are_made_and_the_stacks_own_have_the_passwords_of_its_files(
    tmp_path: Path,
) -> None:
    dumped = """
    CREATE ROLE authentik; ALTER ROLE authentik WITH SUPERUSER LOGIN PASSWORD 'then';
    CREATE ROLE app; ALTER ROLE app WITH LOGIN PASSWORD 'then'; CREATE ROLE "a reader";
    ALTER ROLE "a reader" WITH LOGIN PASSWORD 'kept'; GRANT app TO "a reader";
    """
    secret = "it's $ecret"
    with stack(secret) as (site, container):
        assert until(lambda: logs_in(container, "authentik", secret), 60)
        async with ground(tmp_path) as host:
            for _ in range(2):
                await host.make_roles(site, role_statements(dumped))

        assert logs_in(container, "authentik", secret)
        assert logs_in(container, "app", f"{secret}2")
        assert logs_in(container, "a reader", "kept")
        assert not logs_in(container, "authentik", "then")
        log = docker("logs", container.id).decode()
        assert secret not in log


def project(place: Path, text: bytes) -> Project:
    file = ProjectFile("docker-compose.yml", text, 0o644, 0, 0)
    return Project(str(place), (file,), ("docker-compose.yml",))


async def test_compose_is_asked_as_if_the_project_lay_in_its_place(tmp_path: Path) -> None:
    place = tmp_path / "authentik"
    place.mkdir()
    text = b"services: {server: {image: a, volumes: ['./media:/media'], environment: {A: 'a$$b'}}}"

    async with ground(place) as host:
        found = await host.configuration(project(place, text))

    assert found["name"] == "authentik"
    [mount] = found["services"]["server"]["volumes"]
    assert mount["source"] == f"{place}/media"
    assert found["services"]["server"]["environment"] == {"A": "a$b"}
    assert not list(place.glob("*.yml"))


async def test_what_compose_does_not_take_is_refused(tmp_path: Path) -> None:
    async with ground(tmp_path) as host:
        with pytest.raises(RefusedError, match="Compose does not take the backup's files"):
            await host.configuration(project(tmp_path, b"services: {server: {image: '${A:?}'}}"))
