"""By which backup and which drill the alarms go."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.backup_id import created_at
from bot.domain.drill import Verdict
from bot.domain.jobs import Trigger
from bot.services.drill import DrillFailedError
from bot.services.drill_history import DrillHistory
from bot.services.newest import Newest
from tests.fakes_journal import FakeJobJournal
from tests.fakes_stack import make_facts
from tests.services.world import COMMAND, DRILL, World

LATER = datetime(2100, 1, 1, tzinfo=UTC)


def newest_of(world: World) -> Newest:
    async def stack() -> str:
        return "authentik"

    history = DrillHistory(world.stores, lambda: world.keyring.trusted)
    return Newest(world.records, history, world.journal, stack)


async def test_where_there_is_none_it_says_so() -> None:
    newest = newest_of(World())

    assert await newest.backup(LATER) is None
    assert await newest.drill(LATER) is None


async def test_what_was_begun_later_than_one_asks_for_does_not_count() -> None:
    world = World()
    await world.run()
    drilled = await world.drill()
    [first] = await world.records()
    until = world.clock.at
    world.clock.at += timedelta(days=1)
    await world.run()

    assert await newest_of(world).backup(until) == created_at(first.id)
    assert await newest_of(world).backup(created_at(first.id) - timedelta(seconds=1)) is None
    assert await newest_of(world).drill(until) == drilled.began
    assert await newest_of(world).drill(drilled.began - timedelta(seconds=1)) is None


async def test_a_backup_of_a_part_is_no_protection() -> None:
    world = World()
    await world.run()
    [whole] = await world.records()
    world.clock.at += timedelta(days=1)
    await world.run(replace(COMMAND, components=frozenset({"media"})))

    assert await newest_of(world).backup(LATER) == created_at(whole.id)


async def test_a_drill_that_another_host_has_made_counts() -> None:
    world = World()
    await world.run()
    report = await world.drill()
    world.journal = FakeJobJournal()

    assert report.verdict is Verdict.PASS
    assert await newest_of(world).drill(LATER) == report.began


async def test_a_drill_that_failed_leaves_the_one_before_it() -> None:
    world = World()
    await world.run()
    passed = await world.drill()
    world.clock.at += timedelta(days=1)
    world.engine.scratch.found = make_facts(authentik_core_user=1)
    with pytest.raises(DrillFailedError):
        await world.drill()

    assert await newest_of(world).drill(LATER) == passed.began


async def test_a_planned_drill_that_read_all_that_it_could_counts_here_and_elsewhere() -> None:
    """Without the private key; else there would be an alarm for ever where it is kept elsewhere."""
    world = World()
    await world.run()
    world.keyring = replace(world.keyring, identities=[])
    report = await world.drill(replace(DRILL, trigger=Trigger.SCHEDULE))

    assert report.verdict is Verdict.READ
    assert await newest_of(world).drill(LATER) == report.began
    world.journal = FakeJobJournal()
    assert await newest_of(world).drill(LATER) == report.began
