"""Backups that were sealed for an earlier key: sealed for today's, and nothing lost on the way."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bot import age
from bot.adapters.journal import Journal
from bot.domain.catalogue import BackupState, choose
from bot.domain.errors import IntegrityError, PortError, RefusedError
from bot.domain.jobs import JobState, Trigger
from bot.domain.manifest import MANIFEST
from bot.domain.messages import RunBackup
from bot.entrypoints.render import manifest_lines
from tests.fakes import FakeStore
from tests.fakes_stack import NOW
from tests.services.mortal import KilledError, Life, Mortal
from tests.services.test_prune import PausingClock
from tests.services.world import IDENTITY, World

WRITES = frozenset({"begin", "plan", "step", "finish"})
TODAYS = age.X25519Identity.generate()


def with_new_key(world: World, *, keeps_old: bool = True) -> World:
    """The same host, which seals for another key from now on."""
    identities = [TODAYS, IDENTITY] if keeps_old else [TODAYS]
    keyring = replace(world.keyring, recipients=[TODAYS.recipient()], identities=identities)
    return replace(world, keyring=keyring)


async def old_world(**parts: Any) -> World:
    """A host that made a backup yesterday, for the key that it had then."""
    clock = PausingClock(NOW)
    clock.suffixes += ["dddd", "eeee", "ffff", "gggg", "hhhh"]
    world = World(clock=clock, **parts)
    await world.back_up(RunBackup(trigger=Trigger.CLI, actor="root", label="before", pin=True))
    world.clock.at = NOW + timedelta(days=1)
    return with_new_key(world)


def opened_by(world: World, identity: age.X25519Identity) -> World:
    return replace(world, keyring=replace(world.keyring, identities=[identity]))


async def test_it_is_the_same_backup_for_todays_key_under_another_name() -> None:
    world = await old_world()
    [old] = await world.records()
    before = await world.manifest(old)
    inside = await world.opened(f"authentik/{old.id}/postgres.dump.age")

    done = await world.rekey()

    [new] = await world.records()
    assert done.names == {old.id: new.id}
    assert new.id != old.id
    assert new.id[:16] == old.id[:16]
    assert (new.state, new.pinned) == (BackupState.GOOD, True)
    after = await world.manifest(new)
    assert after == replace(
        before,
        id=new.id,
        components=after.components,
        recipients=world.keyring.fingerprints,
        rekeyed_from=old.id,
    )
    assert [(each.name, each.plain_size) for each in after.components] == [
        (each.name, each.plain_size) for each in before.components
    ]
    assert f"  sealed anew from {old.id}" in manifest_lines(new, after)
    only_new = opened_by(world, TODAYS)
    assert (await only_new.verify.run(new, deep=True)).decrypted
    stored = b"".join(
        age.decrypt([world.store.objects[f"authentik/{new.id}/postgres.dump.age"]], [TODAYS])
    )
    assert stored == inside
    with pytest.raises(IntegrityError):
        await opened_by(world, IDENTITY).verify.run(new, deep=False)


async def test_a_second_time_there_is_nothing_to_do() -> None:
    world = await old_world()
    await world.rekey()
    before = dict(world.store.objects)

    done = await world.rekey()

    assert not done.names
    assert world.store.objects == before


async def test_a_newer_backup_stays_the_latest() -> None:
    world = await old_world()
    newer = await world.back_up()

    await world.rekey()

    assert choose(await world.records(), "latest").id == newer.manifest.id


async def test_without_its_key_an_old_backup_is_untouched() -> None:
    world = with_new_key(await old_world(), keeps_old=False)
    before = dict(world.store.objects)

    with pytest.raises(IntegrityError, match="1 cannot be sealed anew"):
        await world.rekey()

    assert world.store.objects == before


async def test_without_any_key_it_is_refused() -> None:
    world = await old_world()
    world.keyring = replace(world.keyring, identities=[])

    with pytest.raises(RefusedError, match="private key is not on this host"):
        await world.rekey()


@pytest.mark.parametrize("at", [1, 300, 1000])
async def test_where_the_store_fails_the_old_one_stays_and_nothing_else(at: int) -> None:
    world = await old_world()
    before = dict(world.store.objects)
    world.store.fail_put_at = at

    with pytest.raises(PortError):
        await world.rekey()

    assert world.store.objects == before
    [job, *_] = await world.journal.jobs(1)
    assert (job.state, job.swept) == (JobState.FAILED, True)


async def test_damage_is_not_sealed_anew() -> None:
    world = await old_world()
    key = next(key for key in world.store.objects if key.endswith("config.tar.zst.age"))
    world.store.objects[key] = bytes(len(world.store.objects[key]))
    before = dict(world.store.objects)

    with pytest.raises(IntegrityError, match='component "config"'):
        await world.rekey()

    noted = {key for key in world.store.objects if "/damage-1.json" in key}
    assert world.store.objects.items() - {(key, world.store.objects[key]) for key in noted} == (
        before.items()
    )


async def test_what_the_store_gives_back_wrong_does_not_replace_the_old_one() -> None:
    @dataclass
    class Rotten(FakeStore):
        rots: bool = False

        async def put(self, key: str, *args: Any, **more: Any) -> int:
            size = await super().put(key, *args, **more)
            if self.rots and "postgres" in key:
                self.objects[key] = bytes(size)
            return size

    store = Rotten()
    world = await old_world(store=store)
    before = dict(store.objects)
    store.rots = True

    with pytest.raises(IntegrityError):
        await world.rekey()

    assert store.objects == before


async def test_an_old_one_that_is_being_read_is_retired_the_next_time() -> None:
    world = await old_world()
    [old] = await world.records()

    async with world.read_locks.reading(old.id):
        done = await world.rekey()
    assert "still there" in done.kept[old.id]
    assert len(await world.records()) == 2

    done = await world.rekey()

    [left] = await world.records()
    assert left.summary
    assert left.summary.rekeyed_from == old.id


async def test_in_several_stores_each_gets_the_new_and_loses_the_old() -> None:
    second = FakeStore()
    world = await old_world(others={"second": second}, stall=0.3)

    await world.rekey()

    [new] = await world.records()
    assert new.stores == ("first", "second")
    assert second.objects == world.store.objects


async def test_a_store_that_fails_keeps_the_old_one_until_it_has_the_new() -> None:
    second = FakeStore()
    world = await old_world(others={"second": second}, stall=0.3)
    [old] = await world.records()
    second.fail_put_at = 1

    done = await world.rekey()

    assert done.kept[old.id].startswith('still in store "second": write object')
    assert {key.split("/")[1] for key in second.objects} == {old.id}
    second.fail_put_at = None
    copied = await world.copy()
    assert [each.target for each in copied.done] == ["second"]  # the old one does not come back
    await world.rekey()
    assert second.objects == world.store.objects
    assert old.id not in {key.split("/")[1] for key in second.objects}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", range(1, 9))
async def test_killed_at_any_write_one_whole_backup_is_left_and_the_next_run_ends_it(
    journal: Journal,
    dies_at: int,
    after: bool,  # noqa: FBT001
) -> None:
    world = await old_world(journal=journal.jobs)
    [old] = await world.records()
    life = Life(dies_at, after)
    mortal = replace(
        world,
        store=Mortal(world.store, life),  # type: ignore[arg-type]
        journal=Mortal(world.journal, life, WRITES),
        engine=Mortal(world.engine, life),  # type: ignore[arg-type]
    )
    try:
        await mortal.rekey()
    except KilledError:
        await world.jobs.recover()
    else:
        assert not life.is_over

    assert not await world.journal.open_jobs()
    names = {key.split("/")[1] for key in world.store.objects}
    assert all(f"authentik/{name}/{MANIFEST}" in world.store.objects for name in names)
    assert {each.state for each in await world.records()} == {BackupState.GOOD}

    await world.rekey()

    [new] = await world.records()
    assert (new.state, new.pinned) == (BackupState.GOOD, True)
    assert new.summary
    assert new.summary.rekeyed_from == old.id


async def test_killed_while_the_old_one_is_deleted_the_rest_of_it_goes(journal: Journal) -> None:
    life = Life()

    class Dies(FakeStore):
        async def delete(self, *keys: str) -> None:
            if any("manifest" in key for key in keys):
                await super().delete(*keys[:3])
                life.is_over = True
                raise KilledError
            await super().delete(*keys)

    world = await old_world(journal=journal.jobs)
    dying = replace(
        world,
        store=Mortal(Dies(objects=world.store.objects), life),  # type: ignore[arg-type]
        journal=Mortal(world.journal, life, WRITES),
    )
    with pytest.raises(KilledError):
        await dying.rekey()

    await world.jobs.recover()

    [new] = await world.records()
    assert new.summary
    assert new.summary.rekeyed_from
    assert {key.split("/")[1] for key in world.store.objects} == {new.id}
