"""What a restore or a rekey finds damaged is remembered: `latest` does not choose it again."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import age
from bot.domain.catalogue import LATEST, BackupState, choose
from bot.domain.errors import IntegrityError, OtherKeyError, RefusedError
from bot.domain.restore_plan import Preview
from tests.fakes import FakeStore
from tests.fakes_restore import OLD
from tests.fakes_stack import tar_of
from tests.hostile_archives import ATTACKS, hostile
from tests.services.forged import forge
from tests.services.restore_world import RESTORE, world_with_a_backup
from tests.services.test_damage import notes, spoil
from tests.services.test_rekey import old_world
from tests.services.world import World


async def newer_and_spoilt(world: World, component: str) -> tuple[str, str]:
    """A second backup, of which *component* is spoilt: the ids of the older and the newer one."""
    [older] = await world.records()
    world.clock.at += timedelta(days=1)
    newer = await world.run()
    spoil(world, newer, component)
    return older.id, newer.id


@pytest.mark.parametrize("component", ["postgres", "media", "config"])
async def test_a_restore_remembers_what_it_could_not_open(component: str) -> None:
    world = await world_with_a_backup()
    older, newer = await newer_and_spoilt(world, component)

    with pytest.raises(IntegrityError, match=f'component "{component}": ') as caught:
        await world.restore()

    note, untouched = caught.value.__notes__
    assert note == "It counts as damaged now, until a verification finds it whole."
    assert untouched == "nothing that serves was changed"
    assert caught.value.hint == "Nothing was changed. Use another backup."
    records = await world.records()
    assert choose(records, newer).state is BackupState.DAMAGED
    assert choose(records, LATEST).id == older
    restored = await world.restore()
    assert restored.backup == older


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_archive_that_would_be_written_elsewhere_is_refused(name: str) -> None:
    """Whoever has signed it, its bytes are those that were sent; and no verification calls it good.

    It is read before anybody is asked, and before there is a safety backup.
    """
    world, asked = await world_with_a_backup(), False
    [older] = await world.records()
    world.clock.at += timedelta(days=1)
    newer = await world.run()
    await forge(world, choose(await world.records(), newer.id), "media", hostile(ATTACKS[name]))
    backups = len(await world.records())

    async def ask(_: Preview) -> bool:
        nonlocal asked
        asked = True
        return asked

    with pytest.raises(RefusedError, match=f'component "media": .*{ATTACKS[name].words}') as caught:
        await world.restore(replace(RESTORE, components=frozenset({"media"})), ask)

    note, untouched = caught.value.__notes__
    assert note == "It counts as damaged now, until a verification finds it whole."
    assert untouched == "nothing that serves was changed"
    assert caught.value.hint == "Nothing was changed. Use another backup."
    assert (asked, "stage" in world.host.calls, world.host.served()) == (False, False, {OLD})
    assert len(await world.records()) == backups
    record = choose(await world.records(), newer.id)
    assert record.state is BackupState.DAMAGED
    with pytest.raises(IntegrityError, match=ATTACKS[name].words):
        await world.verify.run(record, deep=False)
    assert choose(await world.records(), LATEST).id == older.id


async def test_an_archive_that_lacks_a_file_is_refused_before_anybody_is_asked() -> None:
    """It is valid, sealed and signed by this host, and as long as the manifest says."""
    world = await world_with_a_backup()
    world.engine.disk.archives["/media"] = tar_of({"file": b"x"}, "media")
    world.clock.at += timedelta(days=1)
    newer = await world.run()
    await forge(world, choose(await world.records(), newer.id), "media", tar_of({}, "media"))

    async def ask(_: Preview) -> bool:
        raise AssertionError

    with pytest.raises(IntegrityError) as caught:
        await world.restore(RESTORE, ask)

    assert str(caught.value) == (
        'component "media": it holds 1 files and folders where the manifest says 2'
    )
    assert caught.value.hint == "Nothing was changed. Use another backup."
    assert (world.host.served(), world.host.left_over()) == ({OLD}, [])
    assert not {"create", "load", "stage", "remove"} & set(world.host.calls)
    assert len(await world.records()) == 2, "there is no safety backup"
    assert choose(await world.records(), newer.id).state is BackupState.DAMAGED


async def test_a_damaged_configuration_is_remembered_before_anybody_is_asked() -> None:
    """Else nobody could be shown a plan with `latest` any more."""
    world = await world_with_a_backup()
    older, _ = await newer_and_spoilt(world, "config")

    with pytest.raises(IntegrityError, match='component "config": '):
        await world.restores().preview(RESTORE)

    assert choose(await world.records(), LATEST).id == older


async def test_what_another_store_has_whole_is_restored_from_there_the_next_time() -> None:
    world = await world_with_a_backup(others={"far": FakeStore()})
    [record] = await world.records()
    spoil(world, await world.manifest(record), "media")
    with pytest.raises(IntegrityError):
        await world.restore()

    [record] = await world.records()
    assert (record.stores, record.damaged_in) == (("far",), ("first",))
    assert (await world.restore()).backup == record.id


async def test_a_key_that_does_not_fit_is_no_damage() -> None:
    world = await world_with_a_backup()
    world.keyring = replace(world.keyring, identities=[age.X25519Identity.generate()])

    with pytest.raises(OtherKeyError):
        await world.restore()

    assert not notes(world)


async def test_in_another_hosts_store_nothing_is_noted() -> None:
    world = await world_with_a_backup()
    await newer_and_spoilt(world, "config")
    before = dict(world.store.objects)

    with pytest.raises(IntegrityError, match='component "config": '):
        await replace(world.restores(), damage=None).preview(RESTORE)

    assert world.store.objects == before


async def test_a_rekey_remembers_what_does_not_open() -> None:
    world = await old_world()
    [old] = await world.records()
    spoil(world, await world.manifest(old), "media")

    with pytest.raises(IntegrityError, match='component "media": ') as caught:
        await world.rekey()

    assert caught.value.__notes__ == [
        "It counts as damaged now, until a verification finds it whole."
    ]
    assert caught.value.hint.startswith("They are untouched. Make another backup")
    [record] = await world.records()
    assert (record.id, record.state) == (old.id, BackupState.DAMAGED)


class Rots(FakeStore):
    """Whatever it takes from now on is another thing when it is read."""

    async def put(self, key: str, chunks: AsyncIterator[bytes], **hints: Any) -> int:
        size = await super().put(key, chunks, **hints)
        self.objects[key] = bytes(size)
        return size


async def test_what_a_rekey_cannot_write_is_no_damage_of_the_earlier_one() -> None:
    world = await old_world()
    rotting = replace(world, store=Rots(objects=world.store.objects))

    with pytest.raises(IntegrityError):
        await rotting.rekey()

    [record] = await world.records()
    assert record.state is BackupState.GOOD
    assert not notes(world)
