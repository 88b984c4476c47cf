"""What is restarted, and how, on the real Engine."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.containers import EngineContainers
from bot.adapters.engine_api import EngineApi
from bot.domain.container_state import ContainerState
from bot.domain.discovery import StackWanted
from bot.domain.errors import PortError
from bot.domain.stack import Role
from tests.contracts.stacks import ENGINE, docker, inspect, running

pytestmark = pytest.mark.docker

PROJECT = "ward"
NAMES = {role: (role.value,) for role in Role}
ILL = ("--health-cmd=test -e /tmp/well", "--health-interval=1s", "--health-retries=1")
WELL = ("--health-cmd=true", "--health-interval=1s")
SINCE = "{{.State.StartedAt}} {{.State.Status}}"
TAKES_ITS_TIME = "trap 'sleep 1.5; echo ended; exit 0' TERM; while :; do sleep 0.1; done"


@pytest.fixture
async def ward() -> AsyncIterator[EngineContainers]:
    api = EngineApi(ENGINE)
    yield EngineContainers(api, StackWanted(PROJECT, NAMES))
    await api.close()


@contextmanager
def worker(*options: str) -> Iterator[str]:
    label = "com.docker.compose"
    labels = (f"--label={label}.project={PROJECT}", f"--label={label}.service=worker")
    options = ("--entrypoint=sh", "--stop-signal=TERM", *labels, *options)
    with running("postgres:17", "-c", TAKES_ITS_TIME, options=options) as container:
        yield container.id


async def seen(ward: EngineContainers, health: str, name: str = "worker") -> ContainerState:
    """The worker, once Docker says that of its health."""
    while True:
        state = (await ward.look())[name]
        if state and state.health == health:
            return state
        await asyncio.sleep(0.1)


async def test_one_that_is_unhealthy_has_its_own_time_to_stop_and_then_runs_again(
    ward: EngineContainers,
) -> None:
    with worker(*ILL, "--stop-timeout=3") as container:
        async with asyncio.timeout(30):
            assert (await seen(ward, "unhealthy")).passed is None
        before = inspect(container)["State"]["StartedAt"]

        assert await ward.restart_unhealthy("worker")

        state = inspect(container)["State"]
        assert state["Running"]
        assert state["StartedAt"] > before
        assert b"ended" in docker("logs", container), "it was not killed"


async def test_of_several_the_one_that_is_ill_is_restarted_and_no_other(
    ward: EngineContainers,
) -> None:
    number = "--label=com.docker.compose.container-number={}".format
    with worker(number(1), *WELL) as first, worker(number(2), *ILL, "--stop-timeout=3") as second:
        async with asyncio.timeout(30):
            await seen(ward, "unhealthy", "worker-2")
            await seen(ward, "healthy", "worker-1")
        before = {each: inspect(each)["State"]["StartedAt"] for each in (first, second)}

        assert not await ward.restart_unhealthy("worker-1")
        assert not await ward.restart_unhealthy("worker")
        assert await ward.restart_unhealthy("worker-2")

        after = {each: inspect(each)["State"]["StartedAt"] for each in (first, second)}
        assert after[first] == before[first]
        assert after[second] > before[second]


async def test_one_that_takes_longer_than_it_was_given_is_killed(ward: EngineContainers) -> None:
    with worker(*ILL, "--stop-timeout=1") as container:
        async with asyncio.timeout(30):
            await seen(ward, "unhealthy")
        assert await ward.restart_unhealthy("worker")

        assert inspect(container)["State"]["Running"]
        assert b"ended" not in docker("logs", container)


@pytest.mark.parametrize("change", ["heal", "pause", "stop", "rm"])
async def test_one_that_is_not_unhealthy_at_that_moment_is_left_as_it_is(
    ward: EngineContainers, change: str
) -> None:
    with worker(*ILL) as container:
        async with asyncio.timeout(30):
            await seen(ward, "unhealthy")
        if change == "heal":
            docker("exec", container, "touch", "/tmp/well")
            async with asyncio.timeout(30):
                passed = (await seen(ward, "healthy")).passed
            assert passed
            assert abs((datetime.now(UTC) - passed).total_seconds()) < 30
        elif change == "rm":
            docker("rm", "--force", container)
        else:
            docker(change, container)
        before = docker("inspect", f"--format={SINCE}", container, check=False)

        assert not await ward.restart_unhealthy("worker")

        assert docker("inspect", f"--format={SINCE}", container, check=False) == before
        if change == "pause":
            docker("unpause", container)


async def test_that_it_does_not_start_again_is_said(ward: EngineContainers, tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    mount = f"--mount=type=bind,source={folder},target=/gone"
    with worker(*ILL, "--stop-timeout=1", mount) as container:
        async with asyncio.timeout(30):
            await seen(ward, "unhealthy")
        folder.rmdir()

        with pytest.raises(PortError, match=r"restart worker: .*no such file"):
            await ward.restart_unhealthy("worker")
        assert not inspect(container)["State"]["Running"]


async def test_nobody_is_restarted_who_is_not_of_the_stack(ward: EngineContainers) -> None:
    assert not await ward.restart_unhealthy("worker")
