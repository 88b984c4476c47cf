"""An update renames the folder in which a restore keeps its way back, which goes along with it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.journal import Journal
from bot.domain.backup_id import BackupId
from bot.domain.compose_edit import ComposeChange
from bot.domain.compose_wants import FolderMove
from bot.domain.errors import RefusedError
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.kept_moved import moved_since, undo_ends
from bot.domain.update import HOP, PHASE, PLAN, UNDOES, Phase, encode_plan
from bot.domain.update_preview import UpdatePreview
from bot.domain.versions import Family
from tests.domain.test_update_recovery import PLAN as UPDATE
from tests.fakes_restore import OLD
from tests.services.restore_world import RESTORE, UNDO, RestoreWorld, world_with_a_backup
from tests.services.stored import store_backup
from tests.services.test_kept import kept
from tests.services.test_update import AWAY_WITH_REDIS, world_with_redis_going

MEDIA, MOVED = "/mnt/media", "/mnt/data/media"
CHANGE = ComposeChange((), (FolderMove(MEDIA, MOVED),), (), Family(2025, 10), Family(2025, 12))
IN_SECOND = replace(UPDATE, hops=(UPDATE.hops[0], replace(UPDATE.hops[1], change=CHANGE)))
SECOND_IN_HAND = {PLAN: encode_plan(IN_SECOND), HOP: "2", PHASE: Phase.SWITCH}
PROMOTED = {**SECOND_IN_HAND, PHASE: Phase.KEEP}


@pytest.fixture
async def world() -> RestoreWorld:
    """A stack that was restored."""
    world = await world_with_a_backup()
    await world.restore(replace(RESTORE, safety_backup=False))
    return world


async def add_job(
    world: RestoreWorld, kind: JobKind, plan: dict[str, str], state: JobState = JobState.DONE
) -> BackupId:
    world.clock.at += timedelta(hours=1)
    job_id = BackupId(f"{world.clock.at:%Y%m%dT%H%M%SZ}-uuuu")
    await world.journal.begin(
        Job(
            id=job_id,
            kind=kind,
            trigger=Trigger.CLI,
            actor="root",
            started=world.clock.at,
            ended=world.clock.at,
            state=state,
            plan=plan,
            swept=True,
        )
    )
    return job_id


async def updated(world: RestoreWorld) -> BackupId:
    """The update has renamed the folder, with all that is in it."""
    world.host.mounts[MOVED] = world.host.mounts.pop(MEDIA)
    return await add_job(world, JobKind.UPDATE, PROMOTED)


async def test_an_undo_says_what_has_moved_and_what_comes_first(world: RestoreWorld) -> None:
    update = await updated(world)
    before = world.host.served()

    with pytest.raises(RefusedError, match=f'{update} has moved "{MEDIA}" to "{MOVED}"') as caught:
        await world.restore(UNDO)

    assert caught.value.hint.startswith('Nothing was changed. Take the update back first with "akb')
    assert world.host.served() == before


async def test_after_a_rollback_the_undo_works_again(world: RestoreWorld) -> None:
    update = await updated(world)
    world.host.mounts[MEDIA] = world.host.mounts.pop(MOVED)
    await add_job(world, JobKind.ROLLBACK, {UNDOES: update})

    await world.restore(UNDO)

    assert world.host.served() == {OLD}


async def test_what_went_along_is_swept_where_it_lies_now(world: RestoreWorld) -> None:
    await updated(world)
    store_backup(world, world.clock.at + timedelta(hours=1), suffix="zzzz")
    world.clock.at += timedelta(hours=48)

    assert await kept(world).sweep()

    assert not world.host.left_over()


@pytest.mark.parametrize(
    ("plan", "state"),
    [(SECOND_IN_HAND, JobState.ROLLED_BACK), ({}, JobState.FAILED)],
    ids=["undone by itself", "never begun"],
)
async def test_an_update_that_moved_nothing_for_good_hinders_no_undo(
    world: RestoreWorld, plan: dict[str, str], state: JobState
) -> None:
    await add_job(world, JobKind.UPDATE, plan, state)

    await world.restore(UNDO)

    assert world.host.served() == {OLD}


async def test_whoever_updates_is_told_before(world: RestoreWorld, journal: Journal) -> None:
    [restore] = [job for job in await world.journal.jobs() if job.kind is JobKind.RESTORE]
    rolls = world_with_redis_going(journal)
    rolls.host.moves = CHANGE.moves
    await journal.jobs.begin(restore)
    asked: list[UpdatePreview] = []

    async def refuse(preview: UpdatePreview) -> bool:
        asked.append(preview)
        return False

    with pytest.raises(RefusedError, match="was not confirmed"):
        await rolls.update(AWAY_WITH_REDIS, refuse)

    assert [each for each in asked[0].warnings if f"the restore {restore.id} can" in each.message]


async def test_the_plan_of_an_update_tells_which_undo_ends(world: RestoreWorld) -> None:
    [restore] = [job for job in await world.journal.jobs() if job.kind is JobKind.RESTORE]

    [warning] = undo_ends(await world.journal.jobs(), CHANGE)

    assert f"the restore {restore.id} can still be taken back; not after this" in warning.message
    assert warning.remedy.endswith("akbot restore --undo")
    elsewhere = replace(CHANGE, moves=(FolderMove("/srv/media", "/srv/data/media"),))
    assert not undo_ends(await world.journal.jobs(), elsewhere)
    assert not undo_ends(await world.journal.jobs(), None)
    await updated(world)
    jobs = await world.journal.jobs()
    assert moved_since(restore, jobs)[MEDIA].target == MOVED
    assert not undo_ends(jobs, CHANGE), "it has ended"
