"""Several stores: one dump feeds all, one good store is enough, the others catch up later."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.journal import Journal
from bot.domain.catalogue import BackupState, choose
from bot.domain.errors import PortError, RefusedError
from bot.domain.findings import Level
from bot.domain.jobs import JobKind, JobState, degraded
from bot.domain.manifest import MANIFEST
from bot.domain.messages import BackupFinished
from bot.domain.retention import Policy
from bot.services.drill_history import DrillHistory
from bot.services.jobs import Jobs
from bot.services.runner import JobRunner
from bot.services.store_ports import StoredObject
from bot.services.stores import Place
from tests.fakes import FakeStore
from tests.fakes_stack import NOW
from tests.services import test_check
from tests.services.mortal import KilledError, Life, Mortal
from tests.services.restore_world import world_with_a_backup
from tests.services.stored import store_backup
from tests.services.test_prune import PausingClock
from tests.services.test_prune_schedule import AT_NIGHT
from tests.services.test_twelve_hours import AwayStore
from tests.services.world import World, make_keyring

WRITES = frozenset({"begin", "plan", "step", "finish"})
DAY = timedelta(days=1)
KEEP_ALL = Policy(daily=0, weekly=0, monthly=0)


def two(**parts: Any) -> tuple[World, FakeStore]:
    second = parts.pop("second", None) or FakeStore(name="second memory")
    clock = PausingClock(NOW + timedelta(minutes=10))
    return World(others={"second": second}, stall=0.3, clock=clock, **parts), second


async def test_one_dump_feeds_all_and_each_copy_is_whole() -> None:
    world, second = two()

    done = await world.back_up()

    assert done.stores == ("first", "second")
    assert not done.missing
    assert world.store.objects == second.objects
    [record] = await world.records()
    assert (record.state, record.stores, record.lacking) == (
        BackupState.GOOD,
        ("first", "second"),
        (),
    )


@pytest.mark.parametrize("at", [1, 500, 1500], ids=lambda at: f"at byte {at}")
@pytest.mark.parametrize("which", ["first", "second"])
async def test_a_store_that_fails_leaves_a_degraded_backup(which: str, at: int) -> None:
    world, second = two()
    broken, good = (world.store, second) if which == "first" else (second, world.store)
    broken.fail_put_at = at

    done = await world.back_up()

    other = "second" if which == "first" else "first"
    assert done.stores == (other,)
    assert set(done.missing) == {which}
    assert not broken.objects  # its half set was swept
    [job] = await world.journal.jobs(1)
    assert job.state is JobState.DONE
    assert degraded(job).startswith(f'not in store "{which}": write object')
    [finished] = [each for each in world.events if isinstance(each, BackupFinished)]
    assert set(finished.missing) == {which}
    [record] = await world.records()
    assert (record.stores, record.lacking) == ((other,), (which,))
    world.store = good
    verified = await world.verify.run(record, deep=False)
    assert verified.stored_size == sum(
        len(data) for key, data in good.objects.items() if key.endswith(".age")
    )


async def test_a_store_that_gives_back_other_bytes_is_done_without() -> None:
    @dataclass
    class Rotten(FakeStore):
        async def put(self, key: str, *args: Any, **more: Any) -> int:
            size = await super().put(key, *args, **more)
            if "postgres" in key:
                self.objects[key] = bytes(size)
            return size

    world, rotten = two(second=Rotten())

    done = await world.back_up()

    assert done.stores == ("first",)
    assert done.missing["second"].startswith('component "postgres": ')
    assert not rotten.objects


async def test_a_store_that_cannot_be_reached_holds_up_nothing() -> None:
    world, _ = two(second=AwayStore(is_away=True))

    done = await world.back_up()

    assert done.stores == ("first",)
    assert done.missing == {"second": "reach the store: no route to host"}
    [record] = await world.records()
    assert record.lacking == ("second (does not answer)",)


async def test_a_store_that_cannot_be_listed_gets_nothing() -> None:
    class Unlistable(FakeStore):
        async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:  # noqa: ARG002
            for key in self.objects:
                yield StoredObject(key, 0)
            raise PortError("list objects: access denied")

    second = Unlistable()
    world, _ = two(second=second)

    done = await world.back_up()

    assert done.missing == {"second": "list objects: access denied"}
    assert not [call for call in second.calls if call[0] == "put"]


async def test_where_all_fail_the_backup_fails_and_nothing_is_left() -> None:
    world, second = two()
    world.store.fail_put_at, second.fail_put_at = 100, 200

    with pytest.raises(PortError, match="connection lost"):
        await world.back_up()

    assert not world.store.objects
    assert not second.objects
    [job] = await world.journal.jobs(1)
    assert (job.state, job.swept) == (JobState.FAILED, True)


async def test_a_broken_dump_is_no_fault_of_the_stores(caplog: pytest.LogCaptureFixture) -> None:
    world, second = two()
    world.engine.postgres.fail_dump_at = 100

    with pytest.raises(PortError):
        await world.back_up()

    assert not world.store.objects
    assert not second.objects
    assert "is done without" not in caplog.text


async def test_the_next_copy_brings_what_is_missing_and_only_that() -> None:
    world, second = two()
    await world.back_up()
    second.fail_put_at = 1
    await world.back_up()
    second.fail_put_at = None
    assert await world.copies().preview()

    copied = await world.copy()

    assert [each.target for each in copied.done] == ["second"]
    assert world.store.objects == second.objects
    assert not await world.copies().preview()


async def test_the_parts_of_a_backup_that_broke_off_make_way_for_the_copy() -> None:
    world, second = two()
    done = await world.back_up()
    prefix = f"authentik/{done.manifest.id}/"
    for key in [key for key in second.objects if MANIFEST in key]:
        del second.objects[key]
    second.objects[prefix + "postgres.dump.age"] = b"half"

    await world.copy()

    assert world.store.objects == second.objects


async def test_pins_and_reports_of_drills_come_along() -> None:
    world, second = two()
    await world.back_up()
    await world.drill()
    await world.pin("latest", pinned=True)
    second.objects.clear()

    await world.copy()

    assert second.objects == world.store.objects
    [record] = await world.records()
    assert record.pinned
    assert record.stores == ("first", "second")


async def test_damage_is_not_copied() -> None:
    @dataclass
    class Witness(FakeStore):
        seen: list[str] = field(default_factory=list)

        async def put(self, key: str, *args: Any, **more: Any) -> int:
            size = await super().put(key, *args, **more)
            self.seen.append(key)
            return size

    second = Witness()
    world, _ = two(second=second)
    await world.back_up()
    second.objects.clear()
    for key in [key for key in world.store.objects if key.endswith(".dump.age")]:
        world.store.objects[key] = bytes(len(world.store.objects[key]))

    with pytest.raises(PortError, match="not those that were sent"):
        await world.copy()

    assert not second.objects  # what was sent is taken back by the undo
    assert sum(".dump.age" in key for key in second.seen) == 1  # the backup's own, no copy


async def test_a_third_store_gets_it_from_the_one_that_is_not_damaged() -> None:
    third = FakeStore()
    world = World(others={"second": FakeStore(), "third": third}, stall=0.3)
    await world.back_up()
    third.objects.clear()
    for key in [key for key in world.store.objects if key.endswith(".dump.age")]:
        world.store.objects[key] = bytes(len(world.store.objects[key]))

    copied = await world.copy()

    assert [each.target for each in copied.done] == ["third"]
    assert third.objects == world.others["second"].objects


async def test_what_strangers_have_signed_is_not_copied() -> None:
    world, second = two()
    store_backup(world, NOW - DAY, key=make_keyring().signing_key)

    assert not await world.copies().preview()
    assert not second.objects


async def test_each_store_is_pruned_by_its_own_policy_and_keeps_its_newest_good_one() -> None:
    world, second = two(
        policy=KEEP_ALL, policies={"second": Policy(last=1, daily=1, weekly=0, monthly=0)}
    )
    names = [store_backup(world, NOW - number * DAY) for number in range(1, 5)]
    second.objects |= world.store.objects

    pruned = await world.prune_all()

    assert not pruned.by_store["first"].deleted
    assert {each.record.id for each in pruned.by_store["second"].deleted} == set(names[1:])
    assert {key.split("/")[1] for key in second.objects} == {names[0]}
    assert {key.split("/")[1] for key in world.store.objects} == set(names)


async def test_a_store_that_fails_does_not_keep_another_from_being_pruned() -> None:
    class Keeps(FakeStore):
        async def delete(self, *keys: str) -> None:  # noqa: ARG002
            raise PortError("delete: access denied")

    world, second = two(policy=Policy(last=1, daily=1, weekly=0, monthly=0), second=Keeps())
    for number in range(1, 4):
        store_backup(world, NOW - number * DAY)
    second.objects |= world.store.objects
    world.others["second"], world.store = world.store, second

    with pytest.raises(PortError, match=r'store "first": .*denied.*; store "second": 2 deleted'):
        await world.prune_all()


async def test_a_pin_that_nobody_can_read_now_keeps_the_backup() -> None:
    """It lies in the store that is away alone; with that one back, only what is pinned stays."""
    world, away = two(policy=Policy(last=1, daily=1, weekly=0, monthly=0), second=AwayStore())
    names = [store_backup(world, NOW - number * DAY) for number in range(1, 4)]
    away.objects |= world.store.objects
    await replace(world, store=away, others={}).pin(names[2], pinned=True)
    away.is_away = True  # type: ignore[attr-defined]

    plan = (await world.prunes().service(world.stores.places[0], {}).preview()).doomed
    assert {each.record.id for each in plan} == set(names[1:]), "by its own store alone"
    unread = 'store "second" does not answer, where a pin may lie'
    with pytest.raises(PortError) as caught:
        await world.prune_all()

    assert 'store "first": 0 deleted, 3 kept' in str(caught.value)
    assert str(caught.value).endswith(f"no backup was deleted: {unread}")
    assert {key.split("/")[1] for key in world.store.objects} == set(names)
    away.is_away = False  # type: ignore[attr-defined]
    await world.prune_all()
    assert {key.split("/")[1] for key in world.store.objects} == {names[0], names[2]}


async def test_a_pin_in_one_store_keeps_the_backup_in_all() -> None:
    world, second = two(policy=Policy(last=1, daily=1, weekly=0, monthly=0))
    names = [store_backup(world, NOW - number * DAY) for number in range(1, 4)]
    second.objects |= world.store.objects
    world.others = {}
    await world.pin(names[2], pinned=True)
    world.others = {"second": second}

    await world.prune_all()

    assert {key.split("/")[1] for key in second.objects} == {names[0], names[2]}


async def test_a_backup_is_read_from_the_first_store_that_has_it_whole() -> None:
    world, second = two()
    await world.back_up()
    del world.store.objects[next(key for key in world.store.objects if ".dump.age" in key)]

    [record] = await world.records()

    assert (record.state, record.stores) == (BackupState.GOOD, ("second",))
    assert 'in store "first" it is incomplete' in record.reason
    assert world.stores.holding(record) is second
    assert (await world.drill()).verdict == "pass"
    assert choose(await world.records(), "latest").id == record.id


async def test_the_newest_drill_is_found_in_whichever_store_it_lies() -> None:
    world, second = two()
    await world.back_up()
    await world.drill()
    second.objects, world.store.objects = world.store.objects, {}

    report = await DrillHistory(world.stores, lambda: world.keyring.trusted).newest("authentik")

    assert report


async def test_a_pin_is_written_wherever_the_backup_lies() -> None:
    world, second = two()
    await world.back_up()

    record = await world.pin("latest", pinned=True)

    assert record.pinned
    assert {key for key in second.objects if "/pin" in key} == {
        key for key in world.store.objects if "/pin" in key
    }


async def test_check_looks_at_each_store_and_says_what_is_missing_where() -> None:
    world, second = two()
    await world.back_up()
    second.objects.clear()
    keys = replace(test_check.KEYS, trusted=frozenset(world.keyring.trusted))
    service = test_check.service(store=world.store, keys=keys, others=(Place("second", second),))

    findings = await service.run()

    assert test_check.of(findings, 'store "first"')
    assert test_check.of(findings, 'store "second"')
    [spread] = test_check.of(findings, "stores")
    assert spread.level is Level.WARNING
    assert spread.message.endswith("is not in second")


def life_of(world: World, life: Life) -> World:
    """The same host, whose process ends with *life*."""
    return replace(
        world,
        store=Mortal(world.store, life),  # type: ignore[arg-type]
        others={name: Mortal(store, life) for name, store in world.others.items()},
        journal=Mortal(world.journal, life, WRITES),
        engine=Mortal(world.engine, life),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", range(1, 12))
async def test_killed_at_any_write_a_backup_is_in_each_store_whole_or_not_at_all(
    journal: Journal,
    dies_at: int,
    after: bool,  # noqa: FBT001
) -> None:
    world, second = two(journal=journal.jobs)
    with pytest.raises(KilledError):
        await life_of(world, Life(dies_at, after)).back_up()

    await _recover(world)

    assert world.store.objects == second.objects
    names = {key.split("/")[1] for key in second.objects}
    assert all(f"authentik/{name}/{MANIFEST}" in second.objects for name in names)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", range(1, 6))
async def test_killed_at_any_write_a_copy_is_whole_or_gone(
    journal: Journal,
    dies_at: int,
    after: bool,  # noqa: FBT001
) -> None:
    world, second = two(journal=journal.jobs)
    await world.back_up()
    second.objects.clear()
    with pytest.raises(KilledError):
        await life_of(world, Life(dies_at, after)).copy()

    await _recover(world)

    assert second.objects in ({}, world.store.objects)


async def _recover(world: World) -> None:
    jobs: Jobs = world.jobs
    await jobs.recover()
    assert not await world.journal.open_jobs()


async def test_a_half_copy_goes_when_its_process_was_killed_in_it(journal: Journal) -> None:
    world, second = two(journal=journal.jobs)
    await world.back_up()
    second.objects.clear()
    life = Life()

    class Dies(FakeStore):
        async def put(self, key: str, *args: Any, **more: Any) -> int:
            if "config" in key:
                life.is_over = True
                raise KilledError
            return await super().put(key, *args, **more)

    dying = replace(world, others={"second": Dies(objects=second.objects)})
    with pytest.raises(KilledError):
        await life_of(dying, life).copy()
    assert second.objects

    await _recover(world)

    assert not second.objects


async def test_an_unreachable_store_does_not_keep_a_failed_backup_open() -> None:
    away = AwayStore()
    world, _ = two(second=away)
    world.store.fail_put_at = 100
    away.goes_away_after = "globals.sql.zst.age"

    with pytest.raises(PortError):
        await world.back_up()

    [job] = await world.journal.jobs(1)
    assert (job.state, job.swept) == (JobState.FAILED, True)


async def test_a_refusal_in_one_store_is_told_as_one() -> None:
    world, second = two(policy=Policy(last=1, daily=1, weekly=0, monthly=0))
    store_backup(world, NOW + DAY)  # the clock is wrong, by what that store says
    second.objects |= world.store.objects

    with pytest.raises(RefusedError, match='store "first": nothing was deleted'):
        await world.prune_all()


async def test_a_stalled_store_is_dropped_in_the_commit_as_well() -> None:
    @dataclass
    class Hangs(FakeStore):
        async def put(self, key: str, *args: Any, **more: Any) -> int:
            if MANIFEST in key:
                await asyncio.Event().wait()
            return await super().put(key, *args, **more)

    world, hangs = two(second=Hangs())

    async with asyncio.timeout(120):
        done = await world.back_up()

    assert done.missing == {"second": "it has not gone on for 0.3 seconds"}
    assert not hangs.objects


def runner(world: World) -> JobRunner:
    return JobRunner(
        world.journal,
        world.clock,
        world.start,
        world.records,
        world.engine.find_stack,
        world.pin,
        world.read_back,
        world.preview,
        world.standing,
        copies=True,
    )


@pytest.mark.parametrize("breaks", [False, True], ids=["in all stores", "degraded"])
async def test_the_bot_copies_after_a_backup_that_reached_every_store(
    breaks: bool,  # noqa: FBT001
) -> None:
    world, second = two()
    store_backup(world, NOW - DAY)
    second.fail_put_at = 1 if breaks else None
    running = runner(world)

    await running.start(AT_NIGHT)
    await asyncio.gather(*running._tasks)

    kinds = [job.kind for job in reversed(await world.journal.jobs(5))]
    assert kinds == ([JobKind.BACKUP] if breaks else [JobKind.BACKUP, JobKind.COPY])


async def test_a_store_that_is_back_gets_what_it_lacks_without_another_backup() -> None:
    world, second = two()
    second.fail_put_at = 1
    running = runner(world)
    await running.start(AT_NIGHT)
    await asyncio.gather(*running._tasks)
    second.fail_put_at = None

    await running.catch_up()

    [record] = await world.records()
    assert record.stores == ("first", "second")
    world.clock.at += timedelta(hours=1)
    await running.catch_up()  # there is nothing left, and so no further job
    assert [job.kind for job in await world.journal.jobs(5)] == [JobKind.COPY, JobKind.BACKUP]


async def test_a_copy_that_fails_is_not_tried_again_every_hour() -> None:
    world, second = two()
    store_backup(world, NOW - DAY)
    second.fail_put_at = 1
    running = runner(world)

    for _ in range(24):
        await running.catch_up()
        world.clock.at += timedelta(hours=1)

    failed = [job.state for job in await world.journal.jobs(30)]
    assert failed == [JobState.FAILED, JobState.FAILED]


async def test_a_restore_reads_from_the_store_that_has_the_backup_whole() -> None:
    second = FakeStore()
    world = await world_with_a_backup(others={"second": second})
    for key in [key for key in world.store.objects if ".dump.age" in key]:
        del world.store.objects[key]
    world.store.calls.clear()

    restored = await world.restore()

    assert restored.backup
    read = [key for call, key in second.calls if call == "get" and restored.backup in key]
    assert any(".dump.age" in key for key in read)
    safety = {key.split("/")[1] for key in second.objects} - {restored.backup}
    assert safety == {restored.job}  # the backup before it went into both
    assert all(key in world.store.objects for key in second.objects if restored.job in key)
