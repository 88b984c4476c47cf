"""What a verification found is remembered beside the backup until it is found whole again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot import age
from bot.domain.backup_id import BackupId
from bot.domain.catalogue import LATEST, BackupRecord, BackupState, choose
from bot.domain.damage import Damage, Depth, damage_file, encode_damage
from bot.domain.errors import IntegrityError, OtherKeyError, PortError, RefusedError
from bot.domain.manifest import Manifest
from bot.domain.signature import sign
from bot.services.drill import DrillFailedError
from tests.fakes import FakeStore
from tests.fakes_stack import DUMP, NOW, make_facts
from tests.services.world import DRILL, World


@pytest.fixture
def world() -> World:
    return World()


def spoil(world: World, manifest: Manifest, component: str = "globals") -> None:
    key = next(each.key for each in manifest.components if each.name == component)
    world.store.objects[key] = bytes(len(world.store.objects[key]))


async def the_record(world: World, backup_id: str) -> BackupRecord:
    return choose(await world.records(), backup_id)


async def verify(world: World, backup_id: str, *, deep: bool = False) -> None:
    await world.verify.run(await the_record(world, backup_id), deep=deep)


def notes(world: World) -> list[str]:
    names = (key.rpartition("/")[2] for key in world.store.objects)
    return sorted(name for name in names if name.startswith("damage") and name.endswith(".json"))


async def test_damage_that_was_found_is_shown_and_latest_passes_it_over(world: World) -> None:
    older, newer = await world.run(), await world.run()
    spoil(world, newer)

    with pytest.raises(IntegrityError, match='component "globals"') as caught:
        await verify(world, newer.id)

    record = await the_record(world, newer.id)
    assert record.state is BackupState.DAMAGED
    assert record.reason.startswith('component "globals": ')
    assert record.reason.endswith("(found by verify on 2026-11-23)")
    assert choose(await world.records(), LATEST).id == older.id
    assert caught.value.__notes__ == [
        "It counts as damaged now, until a verification finds it whole."
    ]


async def test_a_damaged_backup_takes_no_good_ones_place_and_stays(world: World) -> None:
    world.policy = replace(world.policy, last=1, daily=1, weekly=0, monthly=0)
    manifests = []
    for _ in range(3):
        manifests.append(await world.run())
        world.clock.at += timedelta(days=1)
    spoil(world, manifests[-1])
    with pytest.raises(IntegrityError):
        await verify(world, manifests[-1].id)

    plan = await world.prune_service().preview()

    verdicts = {each.record.id: each for each in plan.verdicts}
    assert verdicts[BackupId(manifests[2].id)].reason.startswith("damaged, left for you to look at")
    assert verdicts[BackupId(manifests[1].id)].reason.startswith("the newest")
    assert [each.record.id for each in plan.doomed] == [manifests[0].id]


async def test_a_backup_that_is_found_whole_again_is_good_again(world: World) -> None:
    manifest = await world.run()
    before = dict(world.store.objects)
    spoil(world, manifest)
    for _ in range(2):  # what is known already is not noted twice
        with pytest.raises(IntegrityError):
            await verify(world, manifest.id)
    assert notes(world) == ["damage-1.json"]

    world.store.objects |= before
    await verify(world, manifest.id)

    assert (await the_record(world, manifest.id)).state is BackupState.GOOD
    assert notes(world) == ["damage-1.json", "damage-2.json"]
    await verify(world, manifest.id)
    assert len(notes(world)) == 2


async def test_what_only_a_deep_look_sees_a_shallow_one_does_not_clear(world: World) -> None:
    world.engine.postgres.dump = DUMP[: len(DUMP) // 2]
    manifest = await world.run()
    with pytest.raises(IntegrityError):
        await verify(world, manifest.id, deep=True)

    with pytest.raises(IntegrityError, match="something was, deeper") as caught:
        await verify(world, manifest.id)

    assert caught.value.hint == f'Look there again with "akbot verify {manifest.id} --deep".'
    record = await the_record(world, manifest.id)
    assert record.state is BackupState.DAMAGED
    assert "(found by verify --deep on" in record.reason


def lose_a_table(world: World) -> None:
    facts = make_facts()
    users = "public.authentik_core_user"
    rows = {name: count for name, count in facts.rows.items() if name != users}
    world.engine.scratch.found = replace(facts, rows=rows)


async def test_what_a_drill_finds_counts_until_a_drill_finds_it_whole(world: World) -> None:
    older = await world.run()
    world.clock.at += timedelta(days=1)
    newer = await world.run()
    lose_a_table(world)

    with pytest.raises(DrillFailedError) as caught:
        await world.drill()

    assert caught.value.__notes__ == ["It counts as damaged now, until a drill finds it whole."]
    record = await the_record(world, newer.id)
    assert record.state is BackupState.DAMAGED
    assert (
        'the table "public.authentik_core_user" is missing, with its 3 rows (found by a drill'
        in record.reason
    )
    assert choose(await world.records(), LATEST).id == older.id
    with pytest.raises(IntegrityError, match="something was, deeper") as shallow:
        await verify(world, newer.id, deep=True)
    assert shallow.value.hint == f'Look there again with "akbot drill {newer.id}".'

    world.engine.scratch.found = make_facts()
    await world.drill(replace(DRILL, backup=newer.id))

    assert (await the_record(world, newer.id)).state is BackupState.GOOD


async def test_what_a_shallow_look_finds_takes_no_deeper_finding_away(world: World) -> None:
    manifest = await world.run()
    lose_a_table(world)
    with pytest.raises(DrillFailedError):
        await world.drill()
    before = dict(world.store.objects)
    spoil(world, manifest)
    with pytest.raises(IntegrityError) as caught:
        await verify(world, manifest.id)
    assert caught.value.__notes__ == ["It counts as damaged now, until a drill finds it whole."]
    world.store.objects |= before

    with pytest.raises(IntegrityError, match="something was, deeper"):
        await verify(world, manifest.id)

    record = await the_record(world, manifest.id)
    assert record.state is BackupState.DAMAGED
    assert "(found by a drill on" in record.reason


async def test_a_drill_without_the_key_sees_what_a_verification_sees(world: World) -> None:
    manifest = await world.run()
    spoil(world, manifest)
    identities, world.keyring = world.keyring.identities, replace(world.keyring, identities=())
    with pytest.raises(DrillFailedError):
        await world.drill()
    world.keyring = replace(world.keyring, identities=identities)

    record = await the_record(world, manifest.id)

    assert record.state is BackupState.DAMAGED
    assert "(found by verify on" in record.reason


@pytest.mark.parametrize("obstacle", ["key", "disk"])
async def test_a_drill_that_fails_for_what_is_here_makes_no_backup_damaged(
    world: World, obstacle: str
) -> None:
    manifest = await world.run()
    if obstacle == "key":
        world.keyring = replace(world.keyring, identities=[age.X25519Identity.generate()])
    else:
        world.engine.scratch.writable = False

    with pytest.raises(DrillFailedError):
        await world.drill()

    assert (await the_record(world, manifest.id)).state is BackupState.GOOD
    assert not notes(world)


async def test_a_copy_notes_the_damage_where_it_read_it(world: World) -> None:
    manifest = await world.run()
    spoil(world, manifest)
    world.others = {"far": FakeStore()}

    with pytest.raises(PortError, match=f'backup "{manifest.id}" in store "first"') as caught:
        await world.copy()

    assert caught.value.hint == f'Look at it there with "akbot verify {manifest.id}".'
    assert caught.value.__notes__ == [
        "It counts as damaged now, until a verification finds it whole."
    ]
    assert (await the_record(world, manifest.id)).state is BackupState.DAMAGED
    assert not any(key.endswith("/manifest.json") for key in world.others["far"].objects)
    assert not await world.copies().preview()


async def test_one_that_is_damaged_keeps_no_other_from_being_copied(world: World) -> None:
    older = await world.run()
    world.clock.at += timedelta(days=1)
    newer = await world.run()
    spoil(world, newer)
    world.others = {"far": FakeStore(), "farther": FakeStore()}

    with pytest.raises(PortError) as caught:
        await world.copy()

    assert str(caught.value).count("is damaged") == 1
    assert f"; {older.id} to far" in str(caught.value)
    for name in world.others:
        whole = (each for each in world.others[name].objects if each.endswith("/manifest.json"))
        assert [key.split("/")[1] for key in whole] == [older.id]


async def test_a_key_that_does_not_fit_is_no_damage(world: World) -> None:
    manifest = await world.run()
    world.keyring = replace(world.keyring, identities=[age.X25519Identity.generate()])

    with pytest.raises(OtherKeyError, match='component "'):
        await verify(world, manifest.id)

    assert (await the_record(world, manifest.id)).state is BackupState.GOOD
    assert not notes(world)


@pytest.mark.parametrize("stranger", [True, False])
@pytest.mark.parametrize("said_of", ["this", "another"])
async def test_only_a_trusted_key_can_call_this_backup_damaged(
    world: World, said_of: str, *, stranger: bool
) -> None:
    manifest = await world.run()
    key = Ed25519PrivateKey.generate() if stranger else world.keyring.signing_key
    named = BackupId(manifest.id if said_of == "this" else "20200101T000000Z-aaaa")
    document = encode_damage("authentik", named, 1, Damage("rotten", Depth.DEEP, NOW))
    name = f"authentik/{manifest.id}/{damage_file(1)}"
    world.store.objects |= {name: document, f"{name}.sig": sign(document, key)}

    believed = said_of == "this" and not stranger
    state = (await the_record(world, manifest.id)).state
    assert state is (BackupState.DAMAGED if believed else BackupState.GOOD)


class TakesNothing(FakeStore):
    async def put(self, *_: object, **__: object) -> int:
        raise PortError("access denied")


async def test_that_it_could_not_be_noted_is_said_beside_the_damage(world: World) -> None:
    manifest = await world.run()
    spoil(world, manifest)
    world.store = TakesNothing(objects=world.store.objects)

    with pytest.raises(IntegrityError, match='component "globals"') as caught:
        await verify(world, manifest.id)

    assert caught.value.__notes__ == [
        "It still counts as good, since no note could be made: access denied."
    ]


async def test_where_the_only_one_is_damaged_there_is_no_good_one(world: World) -> None:
    manifest = await world.run()
    spoil(world, manifest)
    with pytest.raises(IntegrityError):
        await verify(world, manifest.id)

    with pytest.raises(RefusedError, match="no good backup"):
        choose(await world.records(), LATEST)


async def test_another_store_has_it_whole(world: World) -> None:
    world.others = {"far": FakeStore()}
    manifest = await world.run()
    spoil(world, manifest)
    with pytest.raises(IntegrityError):
        await verify(world, manifest.id)

    record = await the_record(world, manifest.id)

    assert (record.state, record.stores, record.damaged_in) == (
        BackupState.GOOD,
        ("far",),
        ("first",),
    )
    assert 'in store "first" it is damaged: component "globals"' in record.reason
    assert not await world.copies().preview()  # it is left for a person to look at


def damaged_in(record: BackupRecord) -> set[str]:
    """The stores in which it counts as damaged."""
    own = record.stores if record.state is BackupState.DAMAGED else ()
    return {*own, *record.damaged_in}


def break_the_dump(world: World) -> None:
    world.engine.postgres.dump = DUMP[: len(DUMP) // 2]


@pytest.mark.parametrize("what", ["rows", "dump"])
async def test_what_no_store_is_to_blame_for_is_damage_in_all_of_them(
    world: World, what: str
) -> None:
    world.others = {"far": FakeStore()}
    older = await world.run()
    world.clock.at += timedelta(days=1)
    if what == "dump":
        break_the_dump(world)
    newer = await world.run()
    if what == "rows":
        lose_a_table(world)

    with pytest.raises(DrillFailedError):
        await world.drill()

    assert damaged_in(await the_record(world, newer.id)) == {"first", "far"}
    assert choose(await world.records(), LATEST).id == older.id


async def test_bytes_that_one_store_lost_are_damage_there_alone(world: World) -> None:
    world.others = {"far": FakeStore()}
    manifest = await world.run()
    spoil(world, manifest, "postgres")

    with pytest.raises(DrillFailedError):
        await world.drill()

    assert damaged_in(await the_record(world, manifest.id)) == {"first"}


@pytest.mark.parametrize("spoiled", [True, False])
async def test_a_drill_that_finds_it_whole_finds_it_whole_in_all_that_have_its_bytes(
    world: World, *, spoiled: bool
) -> None:
    far = FakeStore()
    world.others = {"far": far}
    manifest = await world.run()
    lose_a_table(world)
    with pytest.raises(DrillFailedError):
        await world.drill(replace(DRILL, backup=manifest.id))
    world.engine.scratch.found = make_facts()
    if spoiled:
        key = manifest.components[0].key
        far.objects[key] = bytes(len(far.objects[key]))

    await world.drill(replace(DRILL, backup=manifest.id))

    record = await the_record(world, manifest.id)
    assert damaged_in(record) == ({"far"} if spoiled else set())
    assert record.state is BackupState.GOOD


async def test_a_store_in_which_that_could_not_be_noted_is_named(world: World) -> None:
    far = FakeStore()
    world.others = {"far": far}
    manifest = await world.run()
    world.others = {"far": TakesNothing(objects=far.objects)}
    lose_a_table(world)

    with pytest.raises(DrillFailedError) as caught:
        await world.drill()

    assert caught.value.__notes__ == [
        "It counts as damaged now, until a drill finds it whole.",
        'In store "far" it still counts as good, since no note could be made: access denied.',
    ]
    assert damaged_in(await the_record(world, manifest.id)) == {"first"}
