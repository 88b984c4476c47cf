"""Listings that remember what they have judged, and what never rests on that."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupState
from bot.domain.errors import IntegrityError, PortError, UntrustedError
from bot.domain.jobs import Trigger
from bot.domain.judgement import Judgement
from bot.domain.retention import Policy
from bot.domain.signature import PublicKey
from bot.services.catalogue import Listing
from bot.services.catalogue_ports import Shelf
from bot.services.store_ports import StoredObject
from tests.fakes import FakeCatalogueCache, FakeStore
from tests.fakes_stack import NOW, FakeClock
from tests.services.stored import DAY, ids_in, store_backup, store_nights
from tests.services.world import World

STRANGER = PublicKey("ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")


def a_world(nights: int = 3) -> World:
    world = World(listing=Listing(FakeCatalogueCache(), lambda _: None))
    store_nights(world, nights)
    return world


def reads(world: World) -> list[str]:
    """What was read of the store since the last time that this was asked."""
    keys = [key for call, key in world.store.calls if call == "get"]
    world.store.calls.clear()
    return keys


async def test_what_lies_there_unchanged_is_not_read_again() -> None:
    world = a_world()
    first = await world.records()
    assert len(reads(world)) == 6

    assert await world.records() == first

    assert reads(world) == []
    assert [each.state for each in first] == [BackupState.GOOD] * 3
    new = store_backup(world, NOW + DAY)
    assert [each.id for each in await world.records()] == [new, *(each.id for each in first)]
    assert {key.split("/")[1] for key in reads(world)} == {new}


async def test_a_new_pin_is_seen_at_once() -> None:
    world = a_world()
    newest, *_ = await world.records()

    reads(world)

    await world.pin(newest.id, pinned=True)

    assert (await world.records())[0].pinned
    assert {key.split("/")[1] for key in reads(world)} == {newest.id}


async def test_what_lacks_a_part_meanwhile_is_not_called_good() -> None:
    world = a_world()
    newest, *_ = await world.records()

    del world.store.objects[f"authentik/{newest.id}/config.tar.zst.age"]

    assert (await world.records())[0].state is BackupState.INCOMPLETE


async def test_a_manifest_put_in_the_place_of_another_is_read() -> None:
    world = a_world()
    newest, *_ = await world.records()

    key = f"authentik/{newest.id}/manifest.json"
    world.store.objects[key] = world.store.objects[key].replace(b"schedule", b"schedulf")

    assert (await world.records())[0].state is BackupState.NOT_TRUSTED


async def test_keys_that_are_trusted_no_more_are_asked_anew() -> None:
    world = a_world()
    await world.records()
    listing = world.stores.listing

    records = await listing.backups(world.store, "authentik", {STRANGER})

    assert {each.state for each in records} == {BackupState.NOT_TRUSTED}
    assert {each.state for each in await world.records()} == {BackupState.GOOD}


async def test_what_was_deleted_is_forgotten() -> None:
    world, cache = a_world(), FakeCatalogueCache()
    listing = Listing(cache)
    newest, *others = await listing.backups(world.store, "authentik", world.keyring.trusted)
    for key in [each for each in world.store.objects if newest.id in each]:
        del world.store.objects[key]

    assert await listing.backups(world.store, "authentik", world.keyring.trusted) == others

    assert {name for _, name in cache.kept} == {each.id for each in others}


async def test_a_store_without_versions_is_read_every_time() -> None:
    class Plain(FakeStore):
        async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
            async for each in super().list(prefix):
                yield StoredObject(each.key, each.size)

    cache = FakeCatalogueCache()
    world = replace(a_world(), store=Plain(), listing=Listing(cache))
    store_nights(world, 3)
    await world.records()
    reads(world)

    await world.records()

    assert len(reads(world)) == 6
    assert cache.kept == {}


async def test_a_listing_in_no_order_leaves_every_backup_whole() -> None:
    class Unordered(FakeStore):
        async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
            found = [each async for each in super().list(prefix)]
            for each in sorted(found, key=lambda each: each.key.rpartition("/")[2]):
                yield each

    world = replace(a_world(), store=Unordered())
    names = store_nights(world, 3)

    for _ in range(2):
        records = await world.records()
        assert [(each.id, each.state) for each in records] == [
            (name, BackupState.GOOD) for name in names
        ]


async def test_who_waits_for_much_to_be_read_is_told() -> None:
    told: list[str] = []
    world = a_world()
    world.listing = Listing(FakeCatalogueCache(), told.append)
    await world.records()
    assert told == []

    store_nights(world, 1100)
    await world.records()
    await world.records()

    assert told == [
        "reading the manifests in memory that were not read here before, which takes a while",
        "1024 manifests are read",
    ]


async def test_a_first_look_that_is_cut_off_goes_on_where_it_was() -> None:
    class Breaks(FakeStore):
        def get(
            self, key: str, *, start: int = 0, length: int | None = None
        ) -> AsyncIterator[bytes]:
            if len(self.calls) > 150:
                raise PortError("connection lost")
            return super().get(key, start=start, length=length)

    world = replace(a_world(), store=Breaks())
    store_nights(world, 100)
    with pytest.raises(PortError):
        await world.records()

    reads(world)
    assert len(await world.records()) == 100

    assert len(reads(world)) == 72, "two for each of those that were not judged in the first batch"


async def test_who_opens_a_backup_reads_its_manifest_and_signature_then() -> None:
    world = a_world()
    newest, *_ = await world.records()
    key = f"authentik/{newest.id}/manifest.json"
    world.store.objects[key] = world.store.objects[key].replace(b"schedule", b"schedulf")

    with pytest.raises(UntrustedError, match="it was changed"):
        await world.verify.run(newest, deep=False)


async def test_another_signed_manifest_than_the_listed_one_is_not_opened() -> None:
    world = a_world()
    newest, *_ = await world.records()
    assert store_backup(world, NOW, trigger=Trigger.CLI) == newest.id

    with pytest.raises(IntegrityError, match="has changed since it was looked at"):
        await world.verify.run(newest, deep=False)


class Forgetful(FakeCatalogueCache):
    """Remembers backups without their pins."""

    async def known(self, shelf: Shelf) -> dict[BackupId, Judgement]:
        known = await super().known(shelf)
        return {
            name: replace(each, record=replace(each.record, pinned=False))
            for name, each in known.items()
        }


async def test_what_a_false_memory_would_delete_is_looked_at_and_stays() -> None:
    world = a_world(nights=5)
    world = replace(
        world,
        listing=Listing(Forgetful()),
        clock=FakeClock(NOW + timedelta(minutes=10)),
        policy=Policy(last=4, daily=1, weekly=0, monthly=0),
    )
    *_, oldest = await world.records()
    await world.pin(oldest.id, pinned=True)
    await world.records()

    pruned = await world.prune()

    assert pruned.left == {oldest.id: "it has changed since it was looked at"}
    assert oldest.id in ids_in(world)
