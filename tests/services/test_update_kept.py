"""What updates have kept goes once its time has passed, and nothing that another one needs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.journal import Journal
from bot.domain.errors import UpdateFailedError
from bot.services.kept import KeptService
from bot.services.update_kept import UpdateKept
from tests.fakes_roll import REPOSITORY, Behaviour, RollHost
from tests.services.roll_world import PATCH, UPDATE, RollWorld, world_of

HOUR = timedelta(hours=1)
OLD = f"{REPOSITORY}:2025.2.1"
STRAIGHT = replace(UPDATE, rehearse=False)
MIGRATES = Behaviour(migrations=("new-4",))
MIGRATES_AND_FAILS = Behaviour(migrations=("new-2",), holds=False)


def world_with(journal: Journal, *, patch: Behaviour, following: Behaviour) -> RollWorld:
    """A stack of 2025.2.1; what 2025.2.4 and 2025.4.4 do once they are started."""
    host = RollHost(behaviours={"2025.2.4": patch, "2025.4.4": following})
    world = world_of(journal, host=host)
    world.clock.suffixes += ["aaaa", "bbbb", "cccc"]
    return world


def pass_time(world: RollWorld, hours: int) -> None:
    world.clock.at += hours * HOUR
    world.gate_clock.at += hours * HOUR


async def sweep(world: RollWorld) -> int:
    """Of how many jobs what they had kept went."""
    updates = UpdateKept(world.workplace, world.project)
    place = world.workplace
    kept = KeptService(world.journal, world.lock, world.clock, place, updates, world.records)
    return len(await kept.sweep())


async def fail_to_patch(world: RollWorld) -> None:
    with pytest.raises(UpdateFailedError, match=r"2025\.2\.1 serves again"):
        await world.update(replace(PATCH, rehearse=False))


async def test_the_image_of_a_way_back_stays_though_an_earlier_update_went_from_it_too(
    journal: Journal,
) -> None:
    world = world_with(journal, patch=MIGRATES_AND_FAILS, following=MIGRATES)
    await fail_to_patch(world)
    pass_time(world, 20)
    await world.update(STRAIGHT)
    pass_time(world, 5)

    assert await sweep(world) == 1, "the first update's"

    assert OLD in world.host.images
    world.host.registry_is_away = True
    assert (await world.roll_back()).version == "2025.2.1"


async def test_it_goes_with_the_last_update_that_keeps_a_way_back_to_it(journal: Journal) -> None:
    world = world_with(journal, patch=MIGRATES_AND_FAILS, following=MIGRATES)
    await fail_to_patch(world)
    pass_time(world, 20)
    await world.update(STRAIGHT)
    pass_time(world, 5)
    await sweep(world)
    pass_time(world, 20)
    await world.back_up()

    assert await sweep(world) == 1, "the second update's"

    assert OLD not in world.host.images
    assert f"{REPOSITORY}:2025.4.4" in world.host.images, "it serves"
