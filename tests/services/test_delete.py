"""One backup that a person has named is deleted, and no other."""

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.errors import BusyError, ConfigError, PortError, RefusedError
from bot.domain.jobs import JobKind, JobState, Trigger
from bot.domain.messages import RunDelete
from bot.services.delete import Deleted, DeleteService
from bot.services.ports import JobLog, Publish
from bot.services.store_ports import Protection
from tests.fakes import FakeStore
from tests.services.stored import ids_in, store_nights
from tests.services.test_late_answers import Away
from tests.services.world import World


def make_world() -> tuple[World, list[BackupId]]:
    """The same three backups in two stores."""
    world = World(others={"far": FakeStore()})
    nights = store_nights(world, 3)
    world.others["far"].objects |= world.store.objects
    return world, nights


def command(backup: str, store: str = "", *, force: bool = False) -> RunDelete:
    return RunDelete(trigger=Trigger.CLI, actor="root", backup=backup, store=store, force=force)


def service(world: World, publish: Publish = lambda _: None) -> DeleteService:
    trusted = world.keyring.trusted
    return DeleteService(
        world.stores, world.journal, world.read_locks, trusted, publish, "authentik"
    )


async def delete(world: World, wanted: RunDelete) -> Deleted:
    agreed = await service(world).preview(wanted)

    async def work(job: JobLog, publish: Publish) -> Deleted:
        return await service(world, publish).run(wanted, agreed, job)

    return await world.jobs.run(wanted, work, words=lambda deleted: deleted.words)


def in_far(world: World) -> set[str]:
    return {key.split("/")[1] for key in world.others["far"].objects}


async def test_it_goes_from_all_stores_and_the_journal_says_so() -> None:
    world, nights = make_world()

    deleted = await delete(world, command(nights[1]))

    assert deleted == Deleted(nights[1], ("first", "far"))
    assert ids_in(world) == in_far(world) == {nights[0], nights[2]}
    [job] = await world.journal.jobs(1)
    assert (job.kind, job.state) == (JobKind.DELETE, JobState.DONE)
    assert job.message == f"{nights[1]} deleted from first, far"


async def test_it_goes_from_one_store_alone() -> None:
    world, nights = make_world()
    world.others["far"].kept = Protection.VERSIONED

    deleted = await delete(world, command(nights[1], "far"))

    assert deleted == Deleted(nights[1], ("far",), hidden=("far",))
    assert ids_in(world) == set(nights)
    assert in_far(world) == {nights[0], nights[2]}


async def test_one_that_is_read_stays() -> None:
    world, nights = make_world()

    async with world.read_locks.reading(nights[1]):
        with pytest.raises(BusyError, match="is being read"):
            await delete(world, command(nights[1]))

    assert ids_in(world) == in_far(world) == set(nights)


async def test_one_that_was_pinned_since_it_was_shown_stays() -> None:
    world, nights = make_world()
    wanted = command(nights[1])
    agreed = await service(world).preview(wanted)
    await world.pins.run(nights[1], pinned=True)

    async def work(job: JobLog, publish: Publish) -> Deleted:
        return await service(world, publish).run(wanted, agreed, job)

    with pytest.raises(RefusedError, match="is pinned"):
        await world.jobs.run(wanted, work)
    assert ids_in(world) == set(nights)


async def test_one_that_has_changed_since_it_was_shown_stays() -> None:
    world, nights = make_world()
    wanted = command(nights[1])
    agreed = await service(world).preview(wanted)
    world.store.objects[f"authentik/{nights[1]}/more.age"] = b"x"

    async def work(job: JobLog, publish: Publish) -> Deleted:
        return await service(world, publish).run(wanted, agreed, job)

    with pytest.raises(RefusedError, match="has changed since it was shown"):
        await world.jobs.run(wanted, work)
    assert ids_in(world) == set(nights)


async def test_a_store_that_does_not_answer_would_give_it_back() -> None:
    world, nights = make_world()
    world.others["away"] = Away()

    with pytest.raises(RefusedError, match='store "away" does not answer') as caught:
        await delete(world, command(nights[1]))

    assert "--store" in caught.value.hint
    assert (await delete(world, command(nights[1], "far"))).stores == ("far",)


async def test_a_store_that_there_is_not_is_a_wrong_argument() -> None:
    world, nights = make_world()

    with pytest.raises(ConfigError, match='--store: there is no store "near"') as caught:
        await delete(world, command(nights[1], "near"))

    assert caught.value.hint == "Give one of first, far."


class Stubborn(FakeStore):
    """It deletes a manifest, and then nothing more until it is told to."""

    stubborn = True

    async def delete(self, *keys: str) -> None:
        if not self.stubborn:
            await super().delete(*keys)
            return
        await super().delete(keys[0])
        raise PortError("the service fails", retryable=True)


async def test_what_is_half_deleted_is_finished_by_the_next_start() -> None:
    world, nights = make_world()
    far = Stubborn(objects=world.others["far"].objects)
    world.others["far"] = far
    with pytest.raises(PortError, match="the service fails") as caught:
        await delete(world, command(nights[1]))
    assert caught.value.__notes__[0] == "It is deleted from first by now."
    far.stubborn = False

    await world.jobs.recover()

    assert in_far(world) == {nights[0], nights[2]}
