"""What a prune promises: only what the plan says goes, each whole, whenever it is cut off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.adapters.journal import Journal
from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupState
from bot.domain.errors import BusyError, JobCancelledError, PortError, RefusedError
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.messages import DeletionBegan, RunPrune
from bot.domain.retention import Policy
from bot.services.prune import PAUSE
from bot.services.store_ports import Protection, StoredObject
from tests.fakes import FakeStore
from tests.fakes_stack import NOW, FakeClock
from tests.services.mortal import KilledError, Life, Mortal
from tests.services.stored import DAY, FILES, ids_in, store_backup, store_nights
from tests.services.world import World

WRITES = frozenset({"begin", "plan", "step", "finish", "crashed"})
THREE = Policy(last=3, daily=1, weekly=0, monthly=0)
AT_NIGHT = RunPrune(trigger=Trigger.SCHEDULE, actor="schedule")


@dataclass
class PausingClock(FakeClock):
    """Pauses between deletions are over at once; `pauses` has them."""

    pauses: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        if seconds != PAUSE:
            return await super().sleep(seconds)
        self.pauses.append(seconds)
        return await asyncio.sleep(0)


def make_world(store: FakeStore | None = None, policy: Policy = THREE) -> World:
    clock = PausingClock(NOW + timedelta(minutes=10))
    return World(store=store or FakeStore(), clock=clock, policy=policy)


@pytest.fixture
def world() -> World:
    return make_world()


def deletions(world: World) -> list[str]:
    return [key for call, key in world.store.calls if call == "delete"]


async def test_the_oldest_goes_first_its_manifest_before_all_else(world: World) -> None:
    nights = store_nights(world, 5)

    pruned = await world.prune()

    assert [each.record.id for each in pruned.deleted] == [nights[4], nights[3]]
    assert ids_in(world) == set(nights[:3])
    assert deletions(world) == [
        f"authentik/{night}/{name}"
        for night in (nights[4], nights[3])
        for name in ("manifest.json", "manifest.json.sig", *sorted(FILES))
    ]
    [job] = await world.journal.jobs()
    assert (job.kind, job.state, job.message) == (JobKind.PRUNE, JobState.DONE, "2 deleted, 3 kept")
    assert not pruned.keeps_versions


async def test_between_two_deletions_it_pauses(world: World) -> None:
    nights = store_nights(world, 6)

    await world.prune()

    assert isinstance(world.clock, PausingClock)
    assert world.clock.pauses == [PAUSE, PAUSE]
    assert [event for _, event in world.told if isinstance(event, DeletionBegan)] == [
        DeletionBegan(night, number, 3) for number, night in enumerate(reversed(nights[3:]), 1)
    ]


async def test_a_preview_changes_nothing_and_needs_no_lock(world: World) -> None:
    nights = store_nights(world, 5)
    async with world.lock.hold(None):
        plan = await world.prune_service().preview()

    assert [each.record.id for each in plan.doomed] == [nights[4], nights[3]]
    assert ids_in(world) == set(nights)
    assert not deletions(world)


async def test_with_nothing_to_delete_it_is_done(world: World) -> None:
    store_nights(world, 2)

    assert (await world.prune()).words == "0 deleted, 2 kept"
    assert (await make_world().prune()).words == "0 deleted, 0 kept"


async def test_a_stranger_s_backups_are_never_touched(world: World) -> None:
    store_nights(world, 3)
    stranger = store_backup(world, NOW - 900 * DAY, key=Ed25519PrivateKey.generate())
    newer = store_backup(world, NOW + 900 * DAY, key=Ed25519PrivateKey.generate())

    await world.prune()

    assert {stranger, newer} <= ids_in(world)


async def test_parts_and_uploads_older_than_a_day_are_swept(world: World) -> None:
    nights = store_nights(world, 3)
    old, young = (
        store_backup(world, NOW - age, suffix="bbbb")
        for age in (timedelta(hours=25), timedelta(hours=23))
    )
    for backup_id in (old, young):
        del world.store.objects[f"authentik/{backup_id}/manifest.json"]
    upload, sending = (
        f"authentik/{each}-cccc/postgres.dump.age" for each in (old[:16], young[:16])
    )
    world.store.left = [upload, sending, "other/20200101T000000Z-aaaa/postgres.dump.age"]

    pruned = await world.prune()

    assert ids_in(world) == {*nights, young}
    assert upload not in world.store.left
    assert len(world.store.left) == 2
    assert pruned.words == "1 deleted, 4 kept, 1 unfinished uploads discarded"


async def test_a_service_that_lists_no_uploads_is_pruned_all_the_same() -> None:
    class Silent(FakeStore):
        async def unfinished(self, prefix: str = "") -> list[str]:
            raise PortError(f"list unfinished uploads in {prefix}: not offered by this service")

    world = make_world(Silent())
    nights = store_nights(world, 4)

    await world.prune()

    assert ids_in(world) == set(nights[:3])


@dataclass
class DeafStore(FakeStore):
    """Fails whatever is `deaf_to`, for keys that contain `about`."""

    deaf_to: str = ""
    about: str = "authentik/"
    retryable: bool = False

    def _fail(self, call: str, key: str) -> None:
        if call == self.deaf_to and self.about in key:
            raise PortError(f'{call} "{key}": access denied', retryable=self.retryable)

    async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        async for each in super().list(prefix):
            yield each
        self._fail("list", prefix)

    async def get(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        self._fail("get", key)
        async for block in super().get(key, start=start, length=length):
            yield block

    async def delete(self, *keys: str) -> None:
        for key in keys:
            self._fail("delete", key)
            await super().delete(key)


@pytest.mark.parametrize(
    ("deaf_to", "about"), [("list", "authentik/"), ("get", "manifest.json"), ("get", ".sig")]
)
async def test_where_the_listing_fails_nothing_goes(deaf_to: str, about: str) -> None:
    world = make_world(DeafStore(deaf_to=deaf_to, about=about))
    nights = store_nights(world, 6)

    with pytest.raises(PortError):
        await world.prune()

    assert ids_in(world) == set(nights)
    assert not deletions(world)
    [job] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)


@pytest.mark.parametrize("year", [1970, 2026])
async def test_a_clock_before_the_newest_backup_is_refused(world: World, year: int) -> None:
    nights = store_nights(world, 6)
    world.clock.at = NOW.replace(year=year) - timedelta(minutes=1)

    with pytest.raises(RefusedError, match="nothing was deleted: the clock says") as caught:
        await world.prune()

    assert "timedatectl" in caught.value.hint
    assert ids_in(world) == set(nights)


async def test_a_clock_in_2030_deletes_what_today_s_does(world: World) -> None:
    nights = store_nights(world, 5)
    safety = store_backup(world, NOW - 60 * DAY, trigger=Trigger.SAFETY)
    world.clock.at = NOW.replace(year=2030)

    await world.prune()

    assert ids_in(world) == {*nights[:3], safety}


async def test_what_the_store_forbids_to_delete_is_told_and_the_others_go() -> None:
    world = make_world(DeafStore(deaf_to="delete"))
    nights = store_nights(world, 6)
    assert isinstance(world.store, DeafStore)
    world.store.about = nights[4]

    with pytest.raises(PortError, match="2 deleted, 3 kept, 1 could not be deleted") as caught:
        await world.prune()

    assert "access denied" in str(caught.value)
    assert "Allow the store's key to delete" in caught.value.hint
    assert ids_in(world) == {*nights[:3], nights[4]}
    assert {each.state for each in await world.records()} == {BackupState.GOOD}
    [job] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)


async def test_a_locked_object_waits_for_its_lock_s_end() -> None:
    world = make_world(DeafStore(deaf_to="delete", kept=Protection.LOCKED))
    nights = store_nights(world, 5)

    pruned = await world.prune()

    assert set(pruned.left) == set(nights[3:])
    assert ids_in(world) == set(nights)
    [job] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.DONE, True)
    assert "2 could not be deleted" in job.message


@pytest.mark.parametrize("kept", [Protection.LOCKED, Protection.VERSIONED])
async def test_a_store_that_hides_what_is_deleted_says_so(kept: Protection) -> None:
    world = make_world(FakeStore(kept=kept))
    store_nights(world, 4)

    assert (await world.prune()).keeps_versions


async def test_half_a_deletion_is_finished_when_the_store_lets_it() -> None:
    world = make_world(DeafStore(deaf_to="delete", about="globals"))
    nights = store_nights(world, 4)

    with pytest.raises(PortError) as caught:
        await world.prune()

    assert "is cleaned up as soon as" in "".join(caught.value.__notes__)
    assert nights[3] in ids_in(world)
    [broken] = [each for each in await world.records() if each.id == nights[3]]
    assert broken.state is BackupState.INCOMPLETE
    [job] = await world.journal.open_jobs()
    assert "not yet cleaned up" in job.message

    assert isinstance(world.store, DeafStore)
    world.store.deaf_to = ""
    [settled] = await world.jobs.recover()

    assert ids_in(world) == set(nights[:3])
    assert (settled.state, settled.swept) == (JobState.FAILED, True)
    assert settled.message.endswith("it had come to 1 of 1")


async def test_an_outage_stops_it_and_leaves_nothing_half_deleted() -> None:
    world = make_world(DeafStore(deaf_to="delete", retryable=True))
    nights = store_nights(world, 6)
    assert isinstance(world.store, DeafStore)
    world.store.about = nights[4]

    with pytest.raises(PortError, match="access denied"):
        await world.prune()

    assert ids_in(world) == {*nights[:5]}
    assert {each.state for each in await world.records()} == {BackupState.GOOD}


async def test_what_is_being_read_stays(world: World) -> None:
    nights = store_nights(world, 5)

    async with world.read_locks.reading(nights[3]):
        pruned = await world.prune()

    assert ids_in(world) == set(nights[:4])
    assert dict(pruned.left) == {nights[3]: f'backup "{nights[3]}" is being read'}


async def test_what_another_job_reads_or_has_left_stays(world: World) -> None:
    nights = store_nights(world, 6)
    reader = replace(await a_job(world), kind=JobKind.BACKUP, plan={"reads": nights[4]})
    await world.journal.begin(replace(reader, state=JobState.STUCK))
    await world.journal.begin(replace(reader, id=nights[5], state=JobState.STUCK, plan={}))

    await world.prune()

    assert ids_in(world) == {*nights[:3], nights[4], nights[5]}


async def a_job(world: World) -> Job:
    other = make_world()
    await other.prune()
    [job] = await other.journal.jobs()
    assert isinstance(job, Job)
    return replace(job, id=BackupId("20200101T000000Z-zzzz"), swept=False, started=world.clock.at)


async def test_a_pin_that_comes_at_the_last_moment_counts(world: World) -> None:
    nights = store_nights(world, 5)

    class Late(PausingClock):
        async def sleep(self, seconds: float) -> None:
            if seconds == PAUSE:
                await world.pins.run(nights[3], pinned=True)
            await super().sleep(seconds)

    world.clock = Late(world.clock.at)
    pruned = await world.prune()

    assert ids_in(world) == set(nights[:4])
    assert dict(pruned.left) == {nights[3]: "it has changed since it was looked at"}


async def test_at_night_it_asks_before_it_deletes_much(world: World) -> None:
    nights = store_nights(world, 20)

    with pytest.raises(RefusedError, match="17 of 20 good backups would go at once") as caught:
        await world.prune(AT_NIGHT)
    assert 'run "akbot prune"' in caught.value.hint
    assert ids_in(world) == set(nights)

    await world.prune()
    assert ids_in(world) == set(nights[:3])


async def test_while_another_job_runs_it_is_refused(world: World) -> None:
    store_nights(world, 5)
    async with world.lock.hold(None):
        with pytest.raises(BusyError):
            await world.prune()
    assert not deletions(world)


# --- Cut off -------------------------------------------------------------------------------------


def process(world: World, journal: Journal, life: Life) -> World:
    """Another process of the same bot: the same store, journal and keys, a life of its own."""
    return replace(
        world,
        store=Mortal(world.store, life),  # type: ignore[arg-type]
        engine=Mortal(world.engine, life),  # type: ignore[arg-type]
        journal=Mortal(journal.jobs, life, WRITES),
        told=[],
    )


async def test_each_deletion_is_in_the_journal_before_it_begins(world: World) -> None:
    store_nights(world, 6)
    life = Life()
    await replace(world, journal=Mortal(world.journal, life, WRITES)).prune()

    assert life.writes == ["begin", "plan", *["plan", "step"] * 3, "finish"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", range(1, 10))
async def test_killed_at_any_write_nothing_is_half_deleted(
    journal: Journal,
    dies_at: int,
    after: bool,  # noqa: FBT001
) -> None:
    world = make_world()
    nights = store_nights(world, 6)
    with pytest.raises(KilledError):
        await process(world, journal, Life(dies_at, after)).prune()

    await process(world, journal, Life()).jobs.recover()

    await require_whole(world, nights)
    assert not await journal.jobs.open_jobs()
    states = [job.state for job in await journal.jobs.jobs()]
    if dies_at == 9 and after:
        assert states == [JobState.DONE]
    else:
        assert states == [] if (dies_at, after) == (1, False) else [JobState.INTERRUPTED]
    await require_next_prune_finishes(world, journal, nights)


@dataclass
class DeadlyStore(FakeStore):
    """Ends *life* before the *dies_at*-th object is deleted."""

    life: Life = field(default_factory=Life)
    dies_at: int = 0

    async def delete(self, *keys: str) -> None:
        for key in keys:
            self.dies_at -= 1
            if self.dies_at == 0:
                self.life.is_over = True
                raise KilledError
            await super().delete(key)


@pytest.mark.parametrize("dies_at", range(1, 16))
async def test_killed_before_any_object_nothing_is_half_deleted(
    journal: Journal, dies_at: int
) -> None:
    life = Life()
    store = DeadlyStore(life=life, dies_at=dies_at)
    world = make_world(store)
    nights = store_nights(world, 6)
    with pytest.raises(KilledError):
        await process(world, journal, life).prune()
    whole = [each for each in await world.records() if each.state is BackupState.GOOD]
    assert all(f"authentik/{each.id}/{name}" in store.objects for each in whole for name in FILES)

    [settled] = await process(world, journal, Life()).jobs.recover()

    await require_whole(world, nights)
    at = (dies_at - 1) // 5 + 1
    assert settled.message == f"the command was stopped in it; it had come to {at} of 3"
    assert not await journal.jobs.open_jobs()
    await require_next_prune_finishes(world, journal, nights)


async def require_whole(world: World, nights: list[BackupId]) -> None:
    records = await world.records()
    assert {each.state for each in records} == {BackupState.GOOD}
    assert set(nights[:3]) <= {each.id for each in records} == ids_in(world)


async def require_next_prune_finishes(
    world: World, journal: Journal, nights: list[BackupId]
) -> None:
    world.clock.at += timedelta(minutes=1)
    await process(world, journal, Life()).prune()
    assert ids_in(world) == set(nights[:3])


async def test_killed_while_it_recovers_it_recovers_the_next_time(journal: Journal) -> None:
    life = Life()
    world = make_world(DeadlyStore(life=life, dies_at=3))
    nights = store_nights(world, 6)
    with pytest.raises(KilledError):
        await process(world, journal, life).prune()
    with pytest.raises(KilledError):
        await process(world, journal, Life(2)).jobs.recover()

    await process(world, journal, Life()).jobs.recover()

    await require_whole(world, nights)


async def test_after_three_crashes_a_person_is_asked(journal: Journal) -> None:
    life = Life()
    world = make_world(DeadlyStore(life=life, dies_at=3))
    nights = store_nights(world, 6)
    with pytest.raises(KilledError):
        await process(world, journal, life).prune()
    for _ in range(2):
        with pytest.raises(KilledError):
            await process(world, journal, Life(1, after=True)).jobs.recover()

    [stuck] = await process(world, journal, Life()).jobs.recover()

    assert stuck.state is JobState.STUCK
    assert f"akbot jobs settle {stuck.id}" in stuck.message
    assert nights[5] in ids_in(world), "untouched"


async def test_a_cancelled_prune_finishes_what_it_has_begun(world: World) -> None:
    nights = store_nights(world, 6)

    class Cancelled(PausingClock):
        async def sleep(self, seconds: float) -> None:
            if seconds == PAUSE:
                [job] = await world.journal.open_jobs()
                await world.journal.ask_to_cancel(job.id, "Ada (7)")
                self.wake()
                await asyncio.Event().wait()
            await super().sleep(seconds)

    world.clock = Cancelled(world.clock.at)
    with pytest.raises(JobCancelledError, match=r"cancelled by Ada \(7\)"):
        await world.prune()

    assert ids_in(world) == set(nights[:5])
    [job] = await world.journal.jobs()
    assert job.state is JobState.CANCELLED
    assert job.message == "cancelled by Ada (7); it had come to 1 of 3"


async def test_a_backup_can_be_verified_but_not_while_it_is_deleted(world: World) -> None:
    manifest = await world.run()
    [record] = await world.records()
    async with world.read_locks.deleting(BackupId(manifest.id)):
        with pytest.raises(BusyError, match="is being deleted"):
            await world.verify.run(record, deep=False)

    await world.verify.run(record, deep=False)
