"""How far whatever reads is: told by the same events, a few times a second, with known figures."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.domain.components import POSTGRES
from bot.domain.errors import PortError
from bot.domain.messages import BytesPassed, Event, LayersPulled, StepBegan
from bot.services.metering import Meter
from tests.fakes import FakeStore
from tests.fakes_stack import FakeClock
from tests.services.restore_world import OF_A_DUMP, world_with_a_backup
from tests.services.test_rekey import old_world
from tests.services.world import World


class StandingClock(FakeClock):
    """Its time passes when a test says so."""

    def monotonic(self) -> float:
        return self.passed


async def stream(clock: FakeClock, seconds: float, *sizes: int) -> AsyncIterator[bytes]:
    """Chunks of *sizes*, so many *seconds* apart."""
    for size in sizes:
        yield bytes(size)
        clock.passed += seconds


def passed(events: list[Event]) -> list[tuple[int, int]]:
    found = (each for each in events if isinstance(each, BytesPassed))
    return [(each.passed_bytes, each.total_bytes) for each in found]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        pytest.param(0.01, [1, 60], id="a burst is told at its beginning and its end"),
        pytest.param(0.1, [1, 31, 60], id="a stream a few times a second"),
        pytest.param(1, [1, 11, 21, 31, 41, 51, 60], id="a slow one each time"),
    ],
)
async def test_figures_come_a_few_times_a_second(seconds: float, told: list[int]) -> None:
    clock, events = StandingClock(), list[Event]()
    chunks = stream(clock, seconds, 1, 10, 10, 10, 10, 10, 9)

    blocks = [each async for each in Meter(events.append, clock).passing(chunks, 60)]

    assert sum(map(len, blocks)) == 60
    assert passed(events) == [(each, 60) for each in told]


async def test_what_nobody_knows_has_no_total() -> None:
    clock, events = StandingClock(), list[Event]()

    async for _ in Meter(events.append, clock).passing(stream(clock, 0, 5)):
        pass

    assert passed(events) == [(5, 0)]


async def test_what_breaks_off_is_not_told_as_whole() -> None:
    clock, events = StandingClock(), list[Event]()

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(5)
        yield bytes(5)
        raise PortError("gone")

    with pytest.raises(PortError, match="gone"):
        async for _ in Meter(events.append, clock).passing(breaking(), 20):
            pass

    assert passed(events) == [(5, 20)]


async def test_the_last_layer_is_told_however_soon_it_comes() -> None:
    clock, events = StandingClock(), list[Event]()
    pulled = Meter(events.append, clock).pulling()

    for here in range(4):
        pulled(here, 3, here * 10)

    assert events == [LayersPulled(0, 3, 0), LayersPulled(3, 3, 30)]


def steps(world: World) -> dict[str, list[tuple[int, int]]]:
    """What was told in each step of a job that tells them; in "" without one."""
    found: dict[str, list[tuple[int, int]]] = {"": []}
    step = ""
    for _, event in world.told:
        if isinstance(event, StepBegan):
            step = event.words
        elif isinstance(event, BytesPassed):
            found.setdefault(step, []).append((event.passed_bytes, event.total_bytes))
    return found


async def test_a_drill_tells_its_bytes_of_those_of_all_components() -> None:
    world = World()
    manifest = await world.run()

    await world.drill()

    told = steps(world)[""]
    assert told == sorted(told)
    assert {total for _, total in told} == {manifest.stored_size}
    assert told[-1] == (manifest.stored_size, manifest.stored_size)
    assert len(told) > len(manifest.components)


async def test_reading_back_tells_its_bytes_likewise() -> None:
    world, events = World(), list[Event]()
    manifest = await world.run()
    [record] = await world.records()

    for deep in (False, True):
        events.clear()
        await replace(world.verify, publish=events.append).run(record, deep=deep)

        assert passed(events)[-1] == (manifest.stored_size, manifest.stored_size)


async def test_each_step_of_a_restore_tells_its_own() -> None:
    world = await world_with_a_backup()
    [record] = await world.records()
    dump = (await world.manifest(record)).component(POSTGRES)
    assert dump

    await world.restore()

    told = steps(world)
    for step in ("checking postgres", "restoring postgres beside what serves"):
        assert told[step][-1] == (dump.stored_size, dump.stored_size)
    assert LayersPulled(2, 2, 2000) in [event for _, event in world.told]


async def test_a_dump_of_a_person_has_a_known_end_and_what_is_made_of_it_has_none() -> None:
    world = await world_with_a_backup()

    await world.restore(OF_A_DUMP)

    told, given = steps(world), len(world.given.data)
    assert told["loading the dump where it reaches nothing"][-1] == (given, given)
    assert {total for _, total in told["restoring the dump beside what serves"]} == {0}


async def test_a_copy_tells_the_bytes_of_each_backup() -> None:
    world = World()
    manifest = await world.run()
    world.others["second"] = FakeStore()

    await world.copy()

    told = steps(world)[f"copying {manifest.id} to second, 1 of 1"]
    assert told[-1] == (manifest.stored_size, manifest.stored_size)


async def test_sealing_anew_tells_the_bytes_of_each_component() -> None:
    world = await old_world()
    [old] = await world.records()
    components = (await world.manifest(old)).components

    await world.rekey()

    told = steps(world)[f"sealing {old.id} for today's keys, 1 of 1"]
    wholes = [(each.stored_size, each.stored_size) for each in components]
    assert [each for each in told if each[0] == each[1]] == wholes
