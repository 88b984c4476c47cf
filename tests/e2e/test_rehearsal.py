"""A rehearsal on the real Engine: a good way holds, what is faulty is named, nothing is touched."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.rehearsal import DockerRehearsals
from bot.adapters.throwaway import LABEL, remove_throw_aways
from bot.app import App
from bot.domain.backup_id import BackupId, parse_backup_id
from bot.domain.errors import PortError
from bot.domain.jobs import Trigger
from bot.domain.messages import RunBackup
from bot.domain.rehearsal import Rehearsed, RehearsedHop
from bot.domain.site_checks import SiteChecks
from bot.domain.update_gate import LOGGED_IN, Baseline
from bot.domain.versions import parse_target
from bot.services.backup import BackedUp
from bot.services.rehearsal import RehearsalFailedError
from bot.settings_source import load_settings
from tests.e2e.aftermath import untouched
from tests.e2e.akbot import Akbot
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker

GOOD, FAULTY = "goauthentik/server", "goauthentik/faulty"
BEFORE = Baseline(login_page=200, root_config=200, login=LOGGED_IN)
STABLE = "3"


class Job:
    """A JobLog of which only the name is of any use."""

    id: BackupId = parse_backup_id("20261123T033000Z-k3f9")

    async def plan(self, **facts: str) -> None:
        raise AssertionError(f"a rehearsal has nothing to undo: {facts}")

    commit = note = plan

    async def step(self, name: str) -> None:
        """What is about to be done is nobody's business here."""


@pytest.fixture
def built(sandbox: Sandbox, akbot: Akbot, tmp_path: Path) -> App:
    """Made before there is an event loop, as the command line makes it."""
    environment = {
        **akbot.environment,
        "AKBOT_STORE": f"file://{tmp_path / 'store'}",
        "AKBOT_REHEARSAL_STABLE": STABLE,
        "AKBOT_GATE_TIMEOUT": "45",
        "AKBOT_GATE_LOGIN_USER": "akadmin",
        "AKBOT_GATE_LOGIN_PASSWORD": password_of(sandbox),
    }
    return App(load_settings(environment, tmp_path / "akbot.env").settings)


@pytest.fixture
async def app(built: App) -> AsyncIterator[App]:
    yield built
    await built.close()


def password_of(sandbox: Sandbox) -> str:
    """The first administrator's, whose login is tried on the copy too."""
    lines = (sandbox.project / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["AUTHENTIK_BOOTSTRAP_PASSWORD"]


@contextmanager
def nothing_left(sandbox: Sandbox) -> Iterator[None]:
    """The stack as it was, and no container, volume or network more than before."""
    listings = [
        ["ps", "--all", "--quiet", "--no-trunc"],
        ["volume", "ls", "--quiet"],
        ["network", "ls", "--quiet"],
    ]
    before = [sandbox.docker(*each) for each in listings]
    with untouched(sandbox):
        yield
    assert [sandbox.docker(*each) for each in listings] == before


def hop(sandbox: Sandbox, repository: str, tag: str) -> RehearsedHop:
    """An image that was pulled."""
    sandbox.stand_ins(f"{repository}:{tag}")
    image = f"{sandbox.registry}/{repository}:{tag}"
    sandbox.docker("pull", "--quiet", image)
    [details] = json.loads(sandbox.docker("image", "inspect", image))
    return RehearsedHop(image, details["Id"], parse_target(tag))


async def rehearse(app: App, *way: RehearsedHop, source: BackedUp | None = None) -> Rehearsed:
    job = Job()
    keyring = await asyncio.to_thread(app.keys.keyring)
    rehearsal = app.updates.rehearsal(keyring, lambda _: None, BEFORE)
    return await rehearsal.run(way, source, job, job.step)


async def test_two_hops_hold_on_a_copy_of_the_backup_and_nothing_is_touched(
    app: App, sandbox: Sandbox
) -> None:
    way = [hop(sandbox, GOOD, tag) for tag in ("2025.2.4", "2025.4.4")]
    backup = await app.backup(RunBackup(trigger=Trigger.CLI, actor="root"))

    with nothing_left(sandbox):
        rehearsed = await rehearse(app, *way, source=backup)

    assert [each.version for each in rehearsed.hops] == ["2025.2.4", "2025.4.4"]
    patch, family = rehearsed.hops
    assert 0 < patch.migration < family.migration, "a patch has nothing to migrate"
    assert 3 < family.start < 60
    assert rehearsed.load_seconds > 0


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        pytest.param(
            "2025.4.92",
            "its migrations fail at authentik_core.0046_session_and_more:"
            ' psycopg.errors.UndefinedTable: relation "authentik_core_never_made" does not exist',
            id="migration",
        ),
        pytest.param("2025.4.95", "the login page answers 500, 200 before", id="page"),
        pytest.param("2025.4.97", '"public.authentik_core_user_ak_groups" has 0 rows', id="rows"),
    ],
)
async def test_a_faulty_version_is_refused_with_its_cause(
    app: App, sandbox: Sandbox, tag: str, reason: str
) -> None:
    faulty = hop(sandbox, FAULTY, tag)

    with nothing_left(sandbox), pytest.raises(RehearsalFailedError) as caught:
        await rehearse(app, faulty)

    assert reason in caught.value.reason
    assert str(caught.value.version) == tag


async def test_an_image_that_cannot_start_here_is_no_fault_of_the_version(
    app: App, sandbox: Sandbox
) -> None:
    """There is no Python in it, as there would be none for another machine."""
    [details] = json.loads(sandbox.docker("image", "inspect", "akbot-sandbox/redis:8"))
    other = RehearsedHop("akbot-sandbox/redis:8", details["Id"], parse_target("2025.4.4"))

    with nothing_left(sandbox), pytest.raises(PortError, match="python"):
        await rehearse(app, other)


async def test_the_copy_is_sealed_and_swept_after_a_kill(app: App, sandbox: Sandbox) -> None:
    good, job = hop(sandbox, GOOD, "2025.2.4"), Job()
    stack = await app.engine.find_stack()
    sessions = app.engine.session_store(stack)
    assert sessions

    with nothing_left(sandbox):
        async with DockerRehearsals(app.engine, SiteChecks()).copy(stack, job.id) as copy:
            await copy.load_sessions(sessions.rdb())
            async with copy.application(good):
                found = throw_aways(sandbox)
                assert len(found) == 4
                for each in found:
                    require_sealed(sandbox, each)
                assert await remove_throw_aways(app.engine.api, job.id) == 4
                assert throw_aways(sandbox) == []


def throw_aways(sandbox: Sandbox) -> list[dict[str, Any]]:
    listed = sandbox.docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}").split()
    found: list[dict[str, Any]] = json.loads(sandbox.docker("inspect", *listed)) if listed else []
    return found


def require_sealed(sandbox: Sandbox, container: dict[str, Any]) -> None:
    limits = container["HostConfig"]
    assert limits["CapDrop"] == ["ALL"]
    assert limits["Memory"] == limits["MemorySwap"] > 0
    assert limits["PidsLimit"] > 0
    assert limits["RestartPolicy"]["Name"] in {"", "no"}
    assert not limits["Binds"]
    assert not limits["PortBindings"]
    assert all(each["Type"] == "volume" for each in container["Mounts"])
    [network] = container["NetworkSettings"]["Networks"]
    [details] = json.loads(sandbox.docker("network", "inspect", network))
    assert details["Internal"]
