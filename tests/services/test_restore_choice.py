"""What a restore takes where nobody names a backup: never what a restore itself has put away."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import RefusedError
from bot.domain.jobs import Trigger
from bot.domain.restore_plan import Preview
from bot.entrypoints.render_restore import preview_lines
from tests.fakes_restore import NEW
from tests.services.bootstrap_world import empty_world
from tests.services.restore_world import OF_A_DUMP, RESTORE, RestoreWorld, world_with_a_backup
from tests.services.world import COMMAND


@pytest.fixture
async def world() -> RestoreWorld:
    world = await world_with_a_backup()
    world.clock.at += timedelta(hours=1)
    return world


async def test_a_second_restore_takes_the_same_backup_and_not_what_the_first_replaced(
    world: RestoreWorld,
) -> None:
    [chosen] = await world.records()
    first = await world.restore()

    second = await world.restore()

    assert (first.backup, second.backup) == (chosen.id, chosen.id)
    assert world.host.served() == {NEW}


async def test_the_backup_that_latest_means_has_no_newer_one(world: RestoreWorld) -> None:
    await world.restore()

    preview = await world.restores().preview(RESTORE)

    assert preview.newest
    assert "newer good backup" not in told(preview)


async def test_a_safety_backup_that_is_named_is_shown_as_what_it_is(world: RestoreWorld) -> None:
    [chosen] = await world.records()
    first = await world.restore()

    preview = await world.restores().preview(replace(RESTORE, backup=first.job))

    assert f"a safety backup, made before the restore of backup {chosen.id}" in told(preview)
    again = await world.restore(replace(RESTORE, backup=first.job))
    assert again.backup == first.job


async def test_nor_does_one_before_a_dump_count_and_it_names_the_dump(world: RestoreWorld) -> None:
    [chosen] = await world.records()
    first = await world.restore(OF_A_DUMP)

    preview = await world.restores().preview(replace(RESTORE, backup=first.job))

    assert 'made before the restore of the dump "authentik.dump"' in told(preview)
    assert (await world.restores().preview(RESTORE)).backup_id == chosen.id


async def test_where_there_are_only_safety_backups_they_are_named(world: RestoreWorld) -> None:
    [chosen] = await world.records()
    first = await world.restore()
    world.store.objects = {
        key: data for key, data in world.store.objects.items() if chosen.id not in key
    }

    with pytest.raises(RefusedError, match=f"no good backup but safety backups.*{first.job}"):
        await world.restore()


async def test_nor_does_a_new_host_get_what_was_replaced_on_the_old_one() -> None:
    world = await empty_world()
    [chosen] = await world.records()
    world.clock.at += timedelta(hours=1)
    safety = await world.run(replace(COMMAND, trigger=Trigger.SAFETY))

    done = await world.bootstrap()

    assert safety.id > chosen.id
    assert done.backup == chosen.id


def told(preview: Preview) -> str:
    return "\n".join(preview_lines(preview))
