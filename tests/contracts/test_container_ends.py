"""How a container has ended is told though it ran at every look, by the Engine and by the fake."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.adapters.container_ends import ContainerEnds
from bot.adapters.engine_api import EngineApi
from bot.adapters.gate_probe import Details, Place, PlaceProbe
from bot.adapters.psql import PsqlSession
from bot.domain.errors import PortError
from bot.domain.site_checks import SiteChecks
from bot.domain.stack import Container
from bot.services.update_gate import GateProbe
from tests.contracts.stacks import ENGINE, inspect, running, until
from tests.fakes_update_gate import FakeGateProbe, good_sample, seen_container, started_again

# Each start takes the next of its arguments as its exit code, and stays once there is none left.
DIES = (
    "echo >> /tmp/starts; shift $(($(wc -l < /tmp/starts) - 1)); [ $# = 0 ] && sleep 999; exit $1"
)
ENDED: dict[str, list[int]] = {"server": [3, 4], "worker": [], "ldap": [5]}


def fake_probe() -> FakeGateProbe:
    """Of ENDED."""
    containers = {service: seen_container(service) for service in ENDED}
    for service, codes in ENDED.items():
        for code in codes:
            containers[service] = started_again(containers[service], code)
    return FakeGateProbe([good_sample(containers=tuple(containers.values()))])


def dying(*codes: int) -> AbstractContextManager[Container]:
    """A container that ends so, each time to be started again, and runs by then."""
    given = map(str, codes)
    options = ["--restart=always", "--entrypoint=sh", "--stop-signal=KILL"]
    return running("postgres:17", "-c", DIES, "sh", *given, options=options)


@asynccontextmanager
async def no_database() -> AsyncIterator[PsqlSession]:
    raise PortError("there is none")
    yield


@pytest.fixture(params=["fake", pytest.param("engine", marks=pytest.mark.docker)])
async def probe(request: pytest.FixtureRequest) -> AsyncIterator[GateProbe]:
    """Of a stack whose containers have ended as in ENDED, and run."""
    if request.param == "fake":
        yield fake_probe()
        return
    with ExitStack() as stack:
        ids = {service: stack.enter_context(dying(*codes)).id for service, codes in ENDED.items()}

        api = EngineApi(ENGINE)

        async def containers() -> list[tuple[str, Details]]:
            return [
                (service, await api.call("inspect", partial(_inspect, container_id=each)))
                for service, each in ids.items()
            ]

        place = Place(
            server="server",
            worker="worker",
            containers=containers,
            pages=lambda _: None,
            database=no_database,
        )
        for service, codes in ENDED.items():
            assert until(partial(is_at_rest, ids[service], len(codes)))
        yield PlaceProbe(api, place, SiteChecks())
        await api.close()


def _inspect(sdk: Any, container_id: str) -> Details:
    found: Details = sdk.inspect_container(container_id)
    return found


def is_at_rest(container_id: str, ends: int) -> bool:
    found = inspect(container_id)
    return (found["State"]["Status"], found["RestartCount"]) == ("running", ends)


async def test_a_container_that_runs_again_tells_how_it_ended_last(probe: GateProbe) -> None:
    looks = [await probe.sample(at) for at in (0, 1)]

    for look in looks:
        assert all(each.running for each in look.containers)
        assert {each.service: (each.restarts, each.exit_code) for each in look.containers} == {
            "server": (2, 4),
            "worker": (0, None),
            "ldap": (1, 5),
        }


@pytest.fixture
async def ends() -> AsyncIterator[ContainerEnds]:
    api = EngineApi(ENGINE)
    yield ContainerEnds(api, within=0.5)
    await api.close()


def from_now(time: timedelta) -> str:
    return (datetime.now(UTC) + time).isoformat()


@pytest.mark.docker
async def test_an_engine_whose_clock_was_set_back_is_not_waited_for(ends: ContainerEnds) -> None:
    with dying(6) as container:
        assert until(lambda: is_at_rest(container.id, 1))
        found = inspect(container.id)
        state = {**found["State"], "StartedAt": from_now(timedelta(hours=1))}

        async with asyncio.timeout(30):
            code = await ends.exit_code({**found, "State": state})

    assert code == 6


@pytest.mark.docker
async def test_an_end_that_the_engine_has_forgotten_is_unknown(ends: ContainerEnds) -> None:
    with dying() as container, dying(6) as another:
        assert until(lambda: is_at_rest(another.id, 1))
        found = inspect(container.id)
        state = {**found["State"], "StartedAt": from_now(timedelta(0))}

        assert await ends.exit_code({**found, "State": state, "RestartCount": 1}) is None


@pytest.mark.docker
async def test_an_engine_that_did_not_tell_is_asked_again(ends: ContainerEnds) -> None:
    with dying(6) as container:
        assert until(lambda: is_at_rest(container.id, 1))
        found = inspect(container.id)

        assert await ends.exit_code({**found, "Created": from_now(timedelta(hours=1))}) is None, (
            "a question it refuses"
        )
        assert await ends.exit_code(found) == 6
