"""Each fault around an update: what the exit code is, what was left untouched, what serves.

The registry is the strict one over HTTP, asked by the real adapter; the host is in memory, so that
all of it costs seconds. On the real Engine the same faults are in tests/soak/test_update_faults.py
("soak" below). Fault, then test here, then elsewhere:

1. registry down: `test_a_registry_in_trouble[down]`; soak `test_a_registry_that_is_down`
2. registry slow: `test_a_registry_in_trouble[slow]`; soak `…[byte by byte]`, `…[after a minute]`
3. registry says 429: `test_a_registry_in_trouble[429]`; soak `…[429]`
4. registry says 401: `test_a_registry_in_trouble[401]`; soak `…[401]`
5. tag missing: `test_a_tag_that_is_not_there`; soak `test_a_tag_that_is_not_there`
6. digest changed: `test_a_digest_that_changes_meanwhile`; soak
   `test_a_registry_that_changes_its_mind`
7. disk too small for image, snapshot, dump: `test_what_the_preflight_finds[images]`, `…[snapshot]`,
   `test_a_store_in_trouble[full]`; soak `test_a_disk_without_room_for_the_copy`,
   `test_a_store_without_room_for_the_backup_before`; tests/contracts/test_room.py
8. lock 1000 held: `test_what_the_preflight_finds[lock]`; soak `test_somebody_who_migrates`
9. Docker's socket drops in the middle of roll: `test_what_fails_in_the_middle[docker …]`; soak
   `test_docker_goes_away_while_…`
10. PostgreSQL restarts in the middle of the snapshot: `test_what_fails_in_the_middle[postgresql]`;
    soak `test_postgresql_is_restarted_while_the_database_is_copied`
11. Redis unhealthy at rollback: `test_redis_that_dies_at_the_way_back`; soak
    `test_redis_is_stopped_just_before_the_way_back`
12. store away: `test_a_store_in_trouble[away]`; soak
    `test_a_store_that_goes_away_in_the_backup_before`; test_update.py
    `test_while_the_store_is_away_what_serves_again_is_left_alone`
13. state folder full after "remove": `test_a_journal_that_is_full_once_nobody_is_served`;
    test_full_journal.py; soak `test_the_state_folder_is_full_once_nobody_is_served`
14. drift: `test_a_compose_file_that_was_edited`; soak `test_a_compose_file_that_was_edited`
15. duplicate groups before 2025.12: `test_what_the_preflight_finds[groups]`;
    tests/e2e/test_update_check.py `test_a_preflight_names_what_blocks`

Where the old version cannot serve either the exit code is 5: `test_nothing_serves_any_more`; soak
`test_somebody_deletes_the_old_image_while_the_registry_is_away`.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.http_client import HttpClient
from bot.adapters.journal import Journal
from bot.adapters.registry import HttpRegistry
from bot.adapters.registry_cache import RegistryCache
from bot.adapters.registry_login import DockerLogins
from bot.adapters.state_folder import StateFolder
from bot.cli_codes import REFUSED, ROLLBACK_FAILED, ROLLED_BACK, exit_code
from bot.domain.drift import Drift
from bot.domain.errors import BotError, PortError
from bot.domain.jobs import JobState
from bot.domain.messages import RunUpdate
from bot.domain.preflight_facts import StackState
from bot.domain.update import UNTOUCHED
from bot.services.store_ports import StoredObject
from tests.domain.test_preflight import disks
from tests.domain.test_preflight import stack as state_of
from tests.fakes import FakeStore
from tests.fakes_compose import FakeComposeDrift
from tests.fakes_roll import LIVE, REPOSITORY, Behaviour, Content, RollHost
from tests.fakes_stack import FakeClock
from tests.registry_server import (
    Fault,
    Handler,
    RegistryServer,
    hang_up,
    registry_server,
    status,
    too_often,
    trickle,
)
from tests.services.filling import FillingJournal
from tests.services.roll_world import PATCH, UPDATE, RollWorld, world_of

TAGS = (*("2025.2.1", "2025.2.4", "2025.4.4", "2025.6.4", "2025.8.6", "2025.10.4", "2025.12.4"),)
NEW = "2025.2.4"
STRAIGHT = replace(PATCH, rehearse=False)
OVER_THE_GROUPS = replace(UPDATE, tag="2025.12.4", rehearse=False)
HASTY = HttpClient(answer_within=0.5, whole_within=1)
NOBODY = "http://127.0.0.1:1"
MB = 1_000_000


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with registry_server() as server:
        for tag in TAGS:
            server.add(tag, "amd64", "arm64")
        yield server


def ask(folder: Path, endpoint: str) -> HttpRegistry:
    """The real adapter, which does not wait for long."""
    cache = RegistryCache(StateFolder(folder / "cache"))
    return HttpRegistry(endpoint, DockerLogins(folder), cache, FakeClock(), HASTY)


@pytest.fixture
async def world(
    journal: Journal, server: RegistryServer, tmp_path: Path
) -> AsyncIterator[RollWorld]:
    """Somebody has written before the update and goes on to use the stack."""
    host = RollHost(behaviours={NEW: Behaviour(migrations=("new-2",))})
    world = world_of(journal, host=host)
    host.pullable |= {f"{REPOSITORY}:{tag}" for tag in TAGS}
    world.registry = ask(tmp_path, server.url)
    host.write()
    yield world
    await world.registry.close()


async def fails(world: RollWorld, command: RunUpdate = STRAIGHT) -> tuple[int, str]:
    """The exit code, and what the operator reads."""
    with pytest.raises(BotError) as failed:
        await world.update(command)
    return exit_code(failed.value), failed.value.in_full()


def assert_untouched(world: RollWorld, code: int, said: str, words: str) -> None:
    assert (code, words in said) == (REFUSED, True), said
    assert UNTOUCHED in said
    host = world.host
    assert (host.running, host.tag, host.live) == ("2025.2.1", "2025.2.1", Content(101))
    assert list(host.databases) == [LIVE]
    assert not {"remove", "fence", "write tag", "start"} & {*host.calls}


def assert_taken_back(world: RollWorld, code: int, said: str, words: str) -> None:
    assert (code, words in said) == (ROLLED_BACK, True), said
    assert "2025.2.1 serves again" in said
    host = world.host
    assert (host.running, host.tag, host.live) == ("2025.2.1", "2025.2.1", Content(101))
    assert host.fenced.isdisjoint({LIVE})


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(too_often("30"), "it was asked too often (429)", id="429"),
        pytest.param(status(401), "access denied (401)", id="401"),
        pytest.param(status(503), "it answered 503", id="503"),
        pytest.param(hang_up, "ask 127.0.0.1", id="hangs up"),
        pytest.param(trickle, "it does not answer in time", id="slow"),
        pytest.param(None, "ask 127.0.0.1:1: Connection refused", id="down"),
    ],
)
async def test_a_registry_in_trouble(
    world: RollWorld, server: RegistryServer, tmp_path: Path, fault: Fault | None, words: str
) -> None:
    if fault:
        server.fault = fault
    else:
        world.registry = ask(tmp_path, NOBODY)

    assert_untouched(world, *await fails(world), words)


async def test_a_tag_that_is_not_there(world: RollWorld) -> None:
    done = await fails(world, replace(STRAIGHT, tag="2025.4.1"))

    assert_untouched(world, *done, "the registry has no version 2025.4.1")


async def test_a_digest_that_changes_meanwhile(world: RollWorld, server: RegistryServer) -> None:
    """Once the image was pulled; what was looked at is not what would be started."""

    def moves(request: Handler) -> bool:
        if "pull" in world.host.calls and request.path.endswith(f"/manifests/{NEW}"):
            server.add(NEW, "amd64", made="2025-04-01T12:00:00Z")
        return False

    server.fault = moves

    assert_untouched(world, *await fails(world), "or the registry has changed meanwhile")


def of_the_database(**changes: Any) -> Callable[[str], StackState]:
    def found(version: str) -> StackState:
        state = state_of(version)
        return replace(state, database=replace(state.database, **changes))

    return found


@pytest.mark.parametrize(
    ("found", "command", "words"),
    [
        pytest.param(
            of_the_database(migrating=1), STRAIGHT,
            "somebody holds Authentik's lock for migrations", id="lock",
        ),
        pytest.param(
            lambda _: disks(10**12, images=1000), STRAIGHT, "disk of the images", id="images"
        ),
        pytest.param(lambda _: disks(MB), STRAIGHT, "disk of the database", id="snapshot"),
        pytest.param(
            of_the_database(duplicate_groups=("twice",)), OVER_THE_GROUPS,
            'several groups are called "twice"', id="groups",
        ),
    ],
)  # fmt: skip
async def test_what_the_preflight_finds(
    world: RollWorld, found: Callable[[str], StackState], command: RunUpdate, words: str
) -> None:
    world.found = found

    assert_untouched(world, *await fails(world, command), words)


async def test_a_compose_file_that_was_edited(world: RollWorld) -> None:
    world.in_step = FakeComposeDrift((Drift("worker", "authentik-worker", ("command",)),))

    words = "the file was edited since authentik-worker was created"
    assert_untouched(world, *await fails(world), words)


@dataclass
class GoingStore(FakeStore):
    """A store that is away from the first pull on."""

    host: RollHost = field(default_factory=RollHost)

    async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        if "pull" in self.host.calls:
            raise PortError("list the store: connection refused", retryable=True)
        async for each in super().list(prefix):
            yield each

    async def put(self, key: str, *args: Any, **kwargs: Any) -> int:
        if "pull" in self.host.calls:
            raise PortError(f'write object "{key}": connection refused', retryable=True)
        return await super().put(key, *args, **kwargs)


@pytest.mark.parametrize("fault", ["away", "full"])
async def test_a_store_in_trouble(world: RollWorld, fault: str) -> None:
    """The backup before is made while the old version serves."""
    if fault == "away":
        world.store = GoingStore(host=world.host)
    else:
        world.store.fail_put_at = 100

    words = "connection refused" if fault == "away" else "connection lost"
    assert_untouched(world, *await fails(world), words)


@pytest.mark.parametrize(
    ("call", "times", "words"),
    [
        pytest.param("remove", 100, "does not answer", id="docker at the removal"),
        pytest.param("start", 100, "does not answer", id="docker at the start"),
        pytest.param("copy", 1, "copy: ", id="postgresql"),
    ],
)
async def test_what_fails_in_the_middle(
    world: RollWorld, call: str, times: int, words: str
) -> None:
    """It is waited for, and then the old version serves on the database as it was."""
    world.host.outages = {call: times}

    assert_taken_back(world, *await fails(world), words)

    assert list(world.host.databases) == [LIVE]


async def test_redis_that_dies_at_the_way_back(world: RollWorld) -> None:
    world.host.behaviours[NEW] = Behaviour(migrations=("new-2",), holds=False)
    world.host.redis_dies_at = "put sessions back"

    words = "people must log in again, since Redis could not be put back"
    assert_taken_back(world, *await fails(world), words)


async def test_a_journal_that_is_full_once_nobody_is_served(
    world: RollWorld, journal: Journal
) -> None:
    """The way back needs none; the end of the job is written with the room that is kept."""
    world.journal = FillingJournal(journal.jobs, world.host)

    assert_taken_back(world, *await fails(world), "no space left on the device")


async def test_nothing_serves_any_more(world: RollWorld, journal: Journal) -> None:
    world.host.behaviours[NEW] = Behaviour(migrations=("new-2",), holds=False)
    world.host.behaviours["2025.2.1"] = Behaviour(holds=False)

    code, said = await fails(world)

    assert (code, "but it does not hold" in said) == (ROLLBACK_FAILED, True), said
    assert "every row intact" in said
    assert world.host.live == Content(101)
    [job] = await journal.jobs.jobs()
    assert job.state is JobState.STUCK
