"""The compose files of the sandbox's own stack: planned, changed, put back; and their drift."""

import asyncio
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bot.adapters.compose_drift import DockerDrift
from bot.adapters.compose_files import ProjectComposeFiles
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.domain.compose_edit import ComposeChange
from bot.domain.discovery import StackWanted
from bot.domain.drift import Drift
from bot.domain.errors import PortError, RefusedError
from bot.domain.restore import Site, compose_site
from bot.domain.stack import Role, Stack
from bot.domain.versions import Family
from tests.contracts.stacks import ENGINE, created, docker
from tests.fakes_stack import make_container
from tests.sandbox.fixture import Sandbox, sandbox

__all__ = ["sandbox"]
pytestmark = pytest.mark.docker
Reached = Callable[[Sandbox], bool]
KEY = "20261123T033000Z-k3f9-1"
OLD, NEW = Family(2025, 8), Family(2026, 2)
NAMES = {
    Role.POSTGRESQL: ("postgresql",),
    Role.REDIS: ("redis",),
    Role.SERVER: ("authentik", "server"),
    Role.WORKER: ("worker",),
}


@dataclass(frozen=True)
class Place:
    """The stack, and all hands on its files."""

    stack: Stack
    site: Site
    files: ProjectComposeFiles
    drift: DockerDrift


@pytest.fixture
async def place(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Place]:
    api = EngineApi(ENGINE)
    engine = DockerEngine(api, StackWanted("authentik", NAMES))
    given = {name: sandbox.environment[name] for name in ("PATH", "HOME", "DOCKER_CONFIG")}
    compose = ComposeProgram(given, tmp_path / "compose.lock")
    stack = await engine.find_stack()
    files = ProjectComposeFiles(api, compose, partial(engine.database_image_at, compose=compose))
    yield Place(stack, compose_site(stack), files, DockerDrift(api, compose))
    await engine.close()


@pytest.fixture
def as_it_was(sandbox: Sandbox) -> Iterator[None]:
    """Whatever a test does to the files and folders, the next one finds them as they are now."""
    before = {path: path.read_bytes() for path in sandbox.project.iterdir() if path.is_file()}
    yield
    for path, content in before.items():
        path.write_bytes(content)
    for path in {*sandbox.project.glob(".akbot-*")} - before.keys():
        path.unlink()
    media, data = (sandbox.mounts / "authentik" / name for name in ("media", "data"))
    if (data / "media").exists():
        shutil.rmtree(media, ignore_errors=True)
        (data / "media").rename(media)
    for path in (data, *(sandbox.mounts / "authentik").glob(".akbot-*")):
        shutil.rmtree(path, ignore_errors=True)


def look(sandbox: Sandbox) -> dict[str, tuple[int, int, int, bytes]]:
    """All files of the project, and the folders of the stack."""
    found = {}
    for path in (*sandbox.project.iterdir(), *(sandbox.mounts / "authentik").iterdir()):
        status = path.stat()
        content = path.read_bytes() if path.is_file() else str(status.st_ino).encode()
        found[path.name] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


def hashes(sandbox: Sandbox) -> dict[str, str]:
    said = sandbox.compose("config", "--hash", "*")
    return dict(line.split() for line in said.splitlines())


async def change_of(place: Place) -> ComposeChange:
    planned = await place.files.plan(place.site, OLD, NEW)
    assert planned is not None
    assert planned.change is not None
    return planned.change


async def test_what_is_in_step_is_no_drift(place: Place) -> None:
    assert [*await place.drift.drift(place.stack)] == []


async def test_a_file_that_was_edited_is_drift(
    place: Place,
    sandbox: Sandbox,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    file = sandbox.project / "docker-compose.yml"
    edited = file.read_text().replace("AUTHENTIK_REDIS__HOST: redis", "AUTHENTIK_REDIS__HOST: r", 1)
    file.write_text(
        edited.replace("command: worker", "command: worker\n    stop_signal: SIGINT", 1)
    )

    assert [*await place.drift.drift(place.stack)] == [
        Drift("authentik", "authentik", ("AUTHENTIK_REDIS__HOST",)),
        Drift("worker", "authentik-worker"),
    ]


async def test_a_profile_of_the_command_line_alone_is_named_until_a_file_turns_it_on(
    place: Place,
    sandbox: Sandbox,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    file, env = sandbox.project / "docker-compose.yml", sandbox.project / ".env"
    text, settings = file.read_text(), env.read_text()
    file.write_text(text.replace("command: worker", "command: worker\n    profiles: [sso]", 1))

    found = [*await place.drift.drift(place.stack)]
    env.write_text(f"{settings.rstrip()}\nCOMPOSE_PROFILES=sso\n")
    try:
        after = [*await place.drift.drift(place.stack)]
    finally:
        env.write_text(settings)

    assert found == [Drift("worker", "authentik-worker", profiles=("sso",))]
    assert not any(each.profiles for each in after)


async def test_a_redis_that_was_left_over_is_no_drift(
    place: Place,
    sandbox: Sandbox,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    planned = await change_of(place)
    await place.files.apply(place.site, planned, KEY)

    services = {each.service for each in await place.drift.drift(place.stack)}

    assert services == {"authentik", "worker"}
    await place.files.undo(place.site, planned, KEY)
    assert "redis" in hashes(sandbox)


async def test_the_change_there_and_back(
    place: Place,
    sandbox: Sandbox,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    media = sandbox.mounts / "authentik" / "media"
    media.chmod(0o2750)
    os.chown(media, 1026, 100)
    before, hashed = look(sandbox), hashes(sandbox)
    planned = await place.files.plan(place.site, OLD, NEW)
    assert planned is not None
    assert planned.change is not None
    assert look(sandbox) == before, "a plan changes nothing"
    assert "-  redis:" in planned.diff
    assert planned.left == ()
    change = planned.change
    assert change.drops == ("redis",)

    await place.files.apply(place.site, change, KEY)
    after = look(sandbox)
    await place.files.apply(place.site, change, KEY)

    assert look(sandbox) == after
    now = hashes(sandbox)
    assert now.keys() == hashed.keys() - {"redis"}
    assert {name for name in now if now[name] != hashed[name]} == {"authentik", "worker"}
    moved = sandbox.mounts / "authentik" / "data"
    for folder in (moved, moved / "media"):
        status = folder.stat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o2750, 1026, 100)
    assert after[".env"] == before[".env"]
    assert after["docker-compose.yml"][:3] == before["docker-compose.yml"][:3]
    assert await place.files.plan(place.site, OLD, NEW) is None, "nothing is wanted any more"

    await place.files.require_undo(place.site, {KEY: change})
    assert look(sandbox) == after, "a look changes nothing"
    assert [*await place.files.undo(place.site, change, KEY)] == []
    assert look(sandbox) == before
    assert hashes(sandbox) == hashed
    await place.files.undo(place.site, change, KEY)
    await place.files.discard(place.site, change, KEY)
    assert look(sandbox) == before
    assert [*await place.drift.drift(place.stack)] == []


async def test_what_cannot_be_undone_is_known_before(
    place: Place,
    sandbox: Sandbox,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    change, file = await change_of(place), sandbox.project / "docker-compose.yml"
    await place.files.require_undo(place.site, {})
    await place.files.apply(place.site, change, KEY)
    text = file.read_bytes()
    file.write_bytes(b"broken: [")
    await place.files.require_undo(place.site, {KEY: change})
    with pytest.raises(PortError, match="config"):
        await place.files.require_undo(place.site, {})
    file.write_bytes(text)
    for each in sandbox.project.glob(f".akbot-{KEY}.*"):
        each.unlink()

    with pytest.raises(RefusedError, match="is not kept any more"):
        await place.files.require_undo(place.site, {KEY: change})


async def test_each_hop_alone_is_understood(
    place: Place,
    sandbox: Sandbox,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    before, done = look(sandbox), []
    hops = [(OLD, Family(2025, 10)), (Family(2025, 10), Family(2025, 12)), (Family(2025, 12), NEW)]
    for number, hop in enumerate(hops):
        planned = await place.files.plan(place.site, *hop)
        assert planned is not None
        assert planned.change is not None
        done.append((planned.change, f"{KEY}-{number}"))
        await place.files.apply(place.site, *done[-1])
        sandbox.compose("config", "--quiet")

    for change, key in reversed(done):
        await place.files.undo(place.site, change, key)
    assert look(sandbox) == before


async def test_a_folder_in_the_way_leaves_all_as_it_was(
    place: Place,
    sandbox: Sandbox,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    change = await change_of(place)
    in_the_way = sandbox.mounts / "authentik" / "data" / "media"
    in_the_way.mkdir(parents=True)
    before = look(sandbox)

    with pytest.raises(RefusedError, match="there is one in data already"):
        await place.files.apply(place.site, change, KEY)

    assert look(sandbox) == before


async def test_a_file_that_was_edited_since_the_plan_leaves_all_as_it_was(
    place: Place,
    sandbox: Sandbox,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    change = await change_of(place)
    with (sandbox.project / "docker-compose.yml").open("a") as file:
        file.write("# edited\n")
    before = look(sandbox)

    with pytest.raises(RefusedError, match="another than was planned"):
        await place.files.apply(place.site, change, KEY)

    assert look(sandbox) == before


async def test_the_container_of_a_service_is_dropped_and_no_other(
    place: Place, sandbox: Sandbox
) -> None:
    def labels(service: str) -> list[str]:
        made = {"project": "authentik", "service": service, "oneoff": "False"}
        return [
            word for k, v in made.items() for word in ("--label", f"com.docker.compose.{k}={v}")
        ]

    with (
        created("redis:8", options=labels("left-over")) as gone,
        created("redis:8", options=labels("another")) as stays,
    ):
        await place.files.drop_service(place.site, "left-over")
        await place.files.drop_service(place.site, "left-over")
        listed = docker("ps", "--all", "--quiet", "--no-trunc").decode()
        assert gone not in listed
        assert stays in listed
    for name in ("authentik", "worker", "postgresql"):
        with pytest.raises(RefusedError, match="is needed"):
            await place.files.drop_service(place.site, name)
    await place.files.drop_service(place.site, "redis")  # the files name it
    assert len(sandbox.compose("ps", "--quiet").split()) == 4


async def test_a_key_cannot_lead_elsewhere(place: Place) -> None:
    change = await change_of(place)
    for key in ("", "../x", "a/b", "a.b"):
        with pytest.raises(ValueError, match=r".*"):
            await place.files.apply(place.site, change, key)


FORMS = """\
services:
  server:
    image: akbot-sandbox/redis:8
    env_file: .env
    environment: {X: "a$$b", Y: "${FROM_ENV}"}
    secrets: [s]
    ports: ["127.0.0.1:17777:6379", "17778-17779:6380-6381"]
    volumes: ["./:/x:ro", "/anonymous"]
    labels: ["a=b$$c"]
  worker:
    image: akbot-sandbox/redis:8
    extra_hosts: ["h:1.2.3.4"]
    depends_on: [server]
    deploy: {resources: {limits: {memory: 100m}}}
    network_mode: none
secrets: {s: {file: ./.env}}
"""


@pytest.fixture
def forms(tmp_path: Path, sandbox: Sandbox) -> Iterator[Stack]:
    """A project with all that Compose may take for an edit although it is none."""
    folder = tmp_path / "forms"
    folder.mkdir()
    (folder / "compose.yml").write_text(FORMS)
    (folder / ".env").write_text('A=1\nB="q u"\nFROM_ENV=x\n')
    words = (
        "docker",
        "compose",
        "--project-directory",
        str(folder),
        "--project-name",
        "akbot-forms",
    )
    try:
        sandbox.run(*words, "up", "--detach", "--pull", "never")
        containers = {}
        for service in ("server", "worker"):
            found = sandbox.run(*words, "ps", "--quiet", service).stdout.strip()
            containers[service] = make_container(service, id=found)
        yield Stack(
            project="akbot-forms",
            postgresql=containers["worker"],
            server=containers["server"],
            worker=None,
            redis=None,
            working_dir=str(folder),
            config_files=(str(folder / "compose.yml"),),
        )
    finally:
        sandbox.run(*words, "down", "--timeout", "1", "--volumes")


# Docker's client, but for the version that Compose says it is.
OTHER = """#!/bin/sh
for last; do :; done
if [ "$last" = --short ]; then echo 9.9.9; exit; fi
PATH=${PATH#*:} exec docker "$@"
"""


@pytest.fixture
async def elsewhere(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[DockerDrift]:
    """Another version of Compose, whose hashes cannot be compared."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(OTHER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    given = {name: sandbox.environment[name] for name in ("PATH", "HOME", "DOCKER_CONFIG")}
    given["PATH"] = f"{tmp_path / 'bin'}:{given['PATH']}"
    api = EngineApi(ENGINE)
    yield DockerDrift(api, ComposeProgram(given, tmp_path / "other.lock"))
    await api.close()


async def test_no_form_of_a_service_is_a_false_alarm(
    place: Place, forms: Stack, elsewhere: DockerDrift
) -> None:
    assert [*await place.drift.drift(forms)] == []
    assert [*await elsewhere.drift(forms)] == []
    assert [*await elsewhere.drift(place.stack)] == []


async def test_another_compose_sees_what_is_plainly_another(
    place: Place,
    elsewhere: DockerDrift,
    sandbox: Sandbox,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    file = sandbox.project / "docker-compose.yml"
    edited = file.read_text().replace("target: /media", "target: /pictures", 1)
    file.write_text(edited.replace("${COMPOSE_PORT_HTTP:-9001}", "9002", 1))

    assert [*await elsewhere.drift(place.stack)] == [
        Drift(
            "authentik",
            "authentik",
            ("the mount at /pictures", "the mount at /media", "ports"),
        )
    ]


CHILD = """
import asyncio, os, sys
from pathlib import Path
from functools import partial
from pydantic import TypeAdapter
from bot.adapters.compose_files import ProjectComposeFiles
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.domain.compose_edit import ComposeChange
from bot.domain.discovery import StackWanted
from bot.domain.restore import Site
site, change, key, engine, lock = sys.argv[1:]
site = TypeAdapter(Site).validate_json(site)
change = TypeAdapter(ComposeChange).validate_json(change)
given = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG")}
api, compose = EngineApi(engine), ComposeProgram(given, Path(lock))
image_at = partial(DockerEngine(api, StackWanted("", {})).database_image_at, compose=compose)
files = ProjectComposeFiles(api, compose, image_at)
asyncio.run(files.apply(site, change, key))
"""


def begun(sandbox: Sandbox) -> bool:
    return any(sandbox.project.glob(f".akbot-{KEY}.*.new"))


def moving(sandbox: Sandbox) -> bool:
    return (sandbox.mounts / "authentik" / f".akbot-{KEY}").exists()


def moved(sandbox: Sandbox) -> bool:
    return (sandbox.mounts / "authentik" / "data" / "media").exists()


def swapped(sandbox: Sandbox) -> bool:
    return b"  redis:" not in (sandbox.project / "docker-compose.yml").read_bytes()


def killed(sandbox: Sandbox, place: Place, change: ComposeChange, at: Reached, lock: Path) -> None:
    """A process that applies the change, killed as soon as it has come so far."""
    said = [TypeAdapter(type(each)).dump_json(each).decode() for each in (place.site, change)]
    words = [sys.executable, "-c", CHILD, *said, KEY, ENGINE, str(lock)]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(words, env=dict(sandbox.environment), cwd=root) as process:
        while not at(sandbox) and process.poll() is None:
            time.sleep(0.001)
        process.kill()


@pytest.mark.parametrize("at", [begun, moving, moved, swapped])
async def test_a_kill_on_the_way_can_be_finished_or_undone(
    place: Place,
    sandbox: Sandbox,
    tmp_path: Path,
    at: Reached,
    as_it_was: None,  # noqa: ARG001 - undoes what it does
) -> None:
    change, before = await change_of(place), look(sandbox)
    lock = tmp_path / "compose.lock"

    await asyncio.to_thread(killed, sandbox, place, change, at, lock)
    await place.files.undo(place.site, change, KEY)
    assert look(sandbox) == before

    await asyncio.to_thread(killed, sandbox, place, change, at, lock)
    await place.files.apply(place.site, change, KEY)
    assert await place.files.plan(place.site, OLD, NEW) is None
    await place.files.undo(place.site, change, KEY)
    assert look(sandbox) == before
