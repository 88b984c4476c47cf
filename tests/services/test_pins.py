"""A pin keeps a backup; whoever is not trusted here can add one, and never take one away."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.backup_id import BackupId
from bot.domain.errors import BusyError, RefusedError
from bot.domain.pins import encode_pin, pin_file
from bot.domain.signature import sign
from tests.fakes_stack import NOW
from tests.services.stored import store_backup
from tests.services.world import World

STRANGER = Ed25519PrivateKey.generate()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def backup(world: World) -> BackupId:
    return store_backup(world, NOW)


def put_pin(  # noqa: PLR0913 - a forged pin has many ways to be wrong
    world: World,
    backup: BackupId,
    number: int,
    *,
    key: Ed25519PrivateKey = STRANGER,
    pinned: bool = False,
    says: int | None = None,
) -> None:
    document = encode_pin("authentik", backup, says or number, pinned=pinned)
    name = f"authentik/{backup}/{pin_file(number)}"
    world.store.objects |= {name: document, f"{name}.sig": sign(document, key)}


def pins(world: World) -> list[str]:
    return sorted(
        key.rpartition("/")[2] for key in world.store.objects if "/pin" in key and "sig" not in key
    )


async def state(world: World) -> tuple[bool, bool]:
    [record] = await world.records()
    return record.pinned, record.doubtful_pin


async def test_a_pin_comes_and_goes_and_nothing_is_overwritten(
    world: World, backup: BackupId
) -> None:
    for number, pinned in enumerate([True, False, True, False], start=1):
        record = await world.pins.run(backup, pinned=pinned)
        assert record.pinned is pinned
        assert await state(world) == (pinned, False)
        assert len(pins(world)) == number


async def test_pinning_what_is_pinned_writes_nothing(world: World, backup: BackupId) -> None:
    await world.pins.run(backup, pinned=False)
    assert not pins(world)
    await world.pins.run(backup, pinned=True)
    await world.pins.run(backup, pinned=True)

    assert pins(world) == ["pin.json"]


async def test_the_pin_of_a_new_backup_can_be_taken_away(world: World) -> None:
    backup = store_backup(world, NOW)
    put_pin(world, backup, 1, key=world.keyring.signing_key, pinned=True)
    assert await state(world) == (True, False)

    await world.pins.run(backup, pinned=False)

    assert await state(world) == (False, False)


@pytest.mark.parametrize("pinned", [True, False])
async def test_a_stranger_cannot_take_a_pin_away(
    world: World, backup: BackupId, *, pinned: bool
) -> None:
    await world.pins.run(backup, pinned=True)
    put_pin(world, backup, 2, pinned=pinned)

    assert await state(world) == (True, False)


async def test_a_stranger_s_pin_keeps_until_a_trusted_key_says_otherwise(
    world: World, backup: BackupId
) -> None:
    await world.pins.run(backup, pinned=True)
    await world.pins.run(backup, pinned=False)
    put_pin(world, backup, 7, pinned=True)
    assert await state(world) == (False, True)

    await world.pins.run(backup, pinned=False)

    assert await state(world) == (False, False)
    assert pins(world) == ["pin-2.json", "pin-7.json", "pin-8.json", "pin.json"]


async def test_an_old_word_under_a_new_number_does_not_count(
    world: World, backup: BackupId
) -> None:
    """Whoever can write to the store could copy "not pinned" over a later pin."""
    await world.pins.run(backup, pinned=True)
    put_pin(world, backup, 2, key=world.keyring.signing_key, says=3)

    assert await state(world) == (True, False)


async def test_of_very_many_forged_pins_few_are_read(world: World, backup: BackupId) -> None:
    await world.pins.run(backup, pinned=False)
    for number in range(2, 200):
        put_pin(world, backup, number)
    world.store.objects[f"authentik/{backup}/pin-900.json"] = b"x" * 2_000_000
    world.store.calls.clear()

    assert await state(world) == (False, True)
    assert len([call for call, key in world.store.calls if "/pin" in key]) <= 16
    assert ("get", f"authentik/{backup}/pin-900.json") not in world.store.calls


async def test_where_the_numbers_are_used_up_it_says_what_to_delete(
    world: World, backup: BackupId
) -> None:
    put_pin(world, backup, 999_999_999)
    assert await state(world) == (False, True)

    with pytest.raises(RefusedError, match=r'"pin-999999999\.json" stands in the way'):
        await world.pins.run(backup, pinned=True)


async def test_a_pin_that_was_half_written_is_written_anew(world: World, backup: BackupId) -> None:
    world.store.objects[f"authentik/{backup}/pin.json.sig"] = b"cut off before the pin itself"
    assert await state(world) == (False, False)

    await world.pins.run(backup, pinned=True)

    assert await state(world) == (True, False)
    assert pins(world) == ["pin-2.json"]


@pytest.mark.parametrize("missing", [False, True])
async def test_what_is_not_there_or_not_trusted_cannot_be_pinned(
    world: World, *, missing: bool
) -> None:
    backup = store_backup(world, NOW, key=STRANGER)
    if missing:
        world.store.objects.clear()

    with pytest.raises(RefusedError, match="no trusted backup"):
        await world.pins.run(backup, pinned=True)
    assert not pins(world)


async def test_what_is_being_deleted_cannot_be_pinned(world: World, backup: BackupId) -> None:
    async with world.read_locks.deleting(backup):
        with pytest.raises(BusyError, match="is being deleted"):
            await world.pins.run(backup, pinned=True)
    assert not pins(world)


async def test_two_who_pin_at_once_both_have_their_pin(world: World, backup: BackupId) -> None:
    other, put = world.pins, world.store.put
    raced: list[str] = []

    async def racing(key: str, chunks: object, **options: object) -> int:
        if "pin" in key and not raced:
            raced.append(key)
            await other.run(backup, pinned=True)
        return await put(key, chunks, **options)  # type: ignore[arg-type]

    world.store.put = racing  # type: ignore[method-assign]
    record = await world.pins.run(backup, pinned=True)

    assert record.pinned
    assert pins(world) == ["pin.json"]
