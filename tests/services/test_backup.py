import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot import age
from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupState, choose
from bot.domain.errors import BotError, ConfigError, IntegrityError, PortError, RefusedError
from bot.domain.jobs import PARTIAL, JobState
from bot.domain.manifest import ArchiveCount, decode_manifest
from bot.domain.messages import (
    BackupFinished,
    BackupStarted,
    ComponentStored,
    ComponentVerified,
)
from bot.services.keyring import fingerprint
from tests.fakes import FakeStore
from tests.fakes_stack import DUMP, make_container, make_facts, rdb_of, tar_of
from tests.services.world import COMMAND, World

ID = "20261123T033000Z-k3f9"


@pytest.fixture
def world() -> World:
    return World()


async def test_every_component_is_stored_sealed_and_the_manifest_comes_last(world: World) -> None:
    manifest = await world.run(COMMAND)

    assert [component.name for component in manifest.components] == [
        "postgres", "globals", "redis", "media", "templates", "certs", "config",
    ]  # fmt: skip
    assert list(world.store.objects)[-2:] == [
        f"authentik/{ID}/manifest.json.sig",
        f"authentik/{ID}/manifest.json",
    ]
    assert await world.opened(f"authentik/{ID}/postgres.dump.age") == DUMP
    assert await world.opened(f"authentik/{ID}/redis.rdb.zst.age") == rdb_of(b"sessions")
    assert await world.opened(f"authentik/{ID}/media.tar.zst.age") == tar_of(
        {"file": b"/media"}, root="media"
    )
    assert all(DUMP[5:100] not in data for data in world.store.objects.values())


async def test_the_manifest_says_what_was_backed_up(world: World) -> None:
    manifest = await world.run(replace(COMMAND, label="before the move"))

    stored = world.store.objects[f"authentik/{ID}/manifest.json"]
    assert decode_manifest(stored, stack="authentik", backup_id=BackupId(ID)) == manifest
    assert (manifest.label, manifest.software.authentik) == ("before the move", "2025.2.1")
    assert manifest.database == make_facts()
    assert manifest.recipients == world.keyring.fingerprints
    assert manifest.components[0].plain_size == len(DUMP)
    assert {each.name: each.archive for each in manifest.components} == {
        "postgres": None,
        "globals": None,
        "redis": None,
        "media": ArchiveCount(entries=2, size=len("/media")),
        "templates": ArchiveCount(entries=2, size=len("/templates")),
        "certs": ArchiveCount(entries=2, size=len("/certs")),
        "config": ArchiveCount(entries=1, size=len("PG_PASS=secret")),
    }
    assert not manifest.warnings


async def test_a_server_without_zstd_has_its_dump_compressed_here(world: World) -> None:
    world.engine.postgres.compresses = False

    manifest = await world.run(COMMAND)

    assert manifest.components[0].key.endswith("/postgres.dump.zst.age")
    assert await world.opened(f"authentik/{ID}/postgres.dump.zst.age") == DUMP


async def test_a_stack_without_redis_has_no_such_component(world: World) -> None:
    world.engine.stack = replace(world.engine.stack, redis=None)

    manifest = await world.run(COMMAND)

    assert manifest.component("redis") is None
    assert manifest.software.redis is None


async def test_events_tell_the_story_in_order(world: World) -> None:
    await world.run(COMMAND)

    assert isinstance(world.events[0], BackupStarted)
    assert isinstance(world.events[-1], BackupFinished)
    of_dump = [
        type(event)
        for event in world.events
        if isinstance(event, ComponentStored | ComponentVerified)
        and event.component.name == "postgres"
    ]
    assert of_dump == [ComponentStored, ComponentVerified]


async def test_only_the_components_asked_for_make_a_partial_backup(world: World) -> None:
    world.engine.postgres.before_open = lambda: pytest.fail("the database is not needed")

    manifest = await world.run(replace(COMMAND, components=frozenset({"media", "config"})))

    assert [component.name for component in manifest.components] == ["media", "config"]
    assert manifest.partial
    assert [job.plan[PARTIAL] for job in await world.journal.jobs()] == ["yes"]
    with pytest.raises(RefusedError, match="no good backup"):
        choose(await world.records(), "latest")


async def test_a_component_that_the_stack_lacks_is_named(world: World) -> None:
    with pytest.raises(ConfigError, match='this stack has no "medai"') as caught:
        await world.run(replace(COMMAND, components=frozenset({"medai"})))
    assert "media" in caught.value.hint
    assert not world.store.objects


async def test_a_pinned_backup_is_listed_as_such(world: World) -> None:
    await world.run(replace(COMMAND, pin=True))

    [record] = await world.records()
    assert record.pinned


async def test_nothing_is_left_of_a_dump_that_breaks(world: World) -> None:
    world.engine.postgres.fail_dump_at = 500_000

    with pytest.raises(PortError, match="cut off"):
        await world.run(COMMAND)

    assert not world.store.objects
    assert not world.engine.postgres.is_open


@pytest.mark.parametrize(
    ("component", "content", "words"),
    [
        pytest.param("redis", rdb_of(b"x")[:-1], "checksum", id="half an RDB"),
        pytest.param("redis", b"NOPE" * 10, "not an RDB", id="no RDB at all"),
        pytest.param("media", tar_of({"a": b"b"})[:1024], "closing blocks", id="half a tar"),
        pytest.param("dump", b"SELECT 1;", "not a PostgreSQL archive", id="no archive"),
    ],
)
async def test_a_component_that_is_not_whole_fails_the_backup(
    world: World, component: str, content: bytes, words: str
) -> None:
    if component == "redis":
        world.engine.redis.content = content
    elif component == "media":
        world.engine.disk.archives["/media"] = content
    else:
        world.engine.postgres.dump = content

    with pytest.raises(IntegrityError, match=words):
        await world.run(COMMAND)
    assert not world.store.objects


async def test_nothing_is_left_when_the_store_breaks(world: World) -> None:
    world.store.fail_put_at = 1_000_000

    with pytest.raises(PortError, match="connection lost"):
        await world.run(COMMAND)

    assert not world.store.objects


async def test_nothing_is_left_of_a_cancelled_backup(world: World) -> None:
    running = asyncio.create_task(world.run(COMMAND))
    while not world.store.objects:  # noqa: ASYNC110 - a step of the loop, not a time
        await asyncio.sleep(0)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert not world.store.objects


@dataclass
class LyingStore(FakeStore):
    """Gives back other bytes than it took, for keys that contain `lies_about`."""

    lies_about: str = "postgres"

    async def get(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        async for block in super().get(key, start=start, length=length):
            yield block[:-1] + bytes([block[-1] ^ 1]) if self.lies_about in key else block


@pytest.mark.parametrize("about", ["postgres", "media", "manifest.json"])
async def test_a_store_that_gives_back_something_else_fails_the_backup(
    world: World, about: str
) -> None:
    world.store = LyingStore(lies_about=about)

    with pytest.raises(IntegrityError):
        await world.run(COMMAND)
    assert not world.store.objects


@dataclass
class StubbornStore(FakeStore):
    """Deletes nothing: an outage that goes on."""

    async def delete(self, *keys: str) -> None:
        raise PortError(f'delete object "{keys[0]}": connection refused')


async def test_what_an_outage_leaves_behind_is_told_with_the_first_error(world: World) -> None:
    world.store = StubbornStore()
    del world.engine.disk.archives["/certs"]

    with pytest.raises(PortError, match="no such file") as caught:
        await world.run(COMMAND)

    assert "is cleaned up as soon as store and Docker answer" in "".join(caught.value.__notes__)
    [record] = await world.records()
    assert record.state is BackupState.INCOMPLETE
    [job] = await world.journal.open_jobs()
    assert (job.state, job.swept) == (JobState.FAILED, False)


@pytest.mark.parametrize("service", ["postgresql", "redis"])
@pytest.mark.parametrize(("state", "verb"), [("exited", "up -d"), ("paused", "unpause")])
async def test_a_service_that_does_not_run_is_named_before_anything_is_begun(
    world: World, service: str, state: str, verb: str
) -> None:
    down = make_container(service, state=state)
    world.engine.stack = replace(world.engine.stack, **{service: down})  # type: ignore[arg-type]

    with pytest.raises(PortError, match=f'service "{service}" does not run') as caught:
        await world.run(COMMAND)

    assert caught.value.hint == f'Start it with "docker compose {verb} {service}".'
    assert not world.store.calls


async def test_a_doubtful_database_is_kept_and_marked(world: World) -> None:
    await world.run(COMMAND)
    world.engine.postgres.found = make_facts(authentik_core_user=0, authentik_flows_flow=0)

    manifest = await world.run(COMMAND)

    assert manifest.warnings == (
        "there is no user in the database",
        f"the database has 1 row, the last good backup {ID} had 13",
    )


async def test_half_a_dump_passes_shallow_and_fails_deep(world: World) -> None:
    world.engine.postgres.dump = DUMP[: len(DUMP) // 2]
    manifest = await world.run(COMMAND)
    record = choose(await world.records(), manifest.id)

    await world.verify.run(record, deep=False)
    with pytest.raises(IntegrityError, match=r'component "postgres".*could not read'):
        await world.verify.run(record, deep=True)


async def test_verify_notices_one_flipped_byte_in_any_component(world: World) -> None:
    manifest = await world.run(COMMAND)
    record = choose(await world.records(), manifest.id)
    for component in manifest.components:
        whole = world.store.objects[component.key]
        middle = len(whole) // 2
        world.store.objects[component.key] = (
            whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        )
        with pytest.raises(BotError, match=f'component "{component.name}"'):
            await world.verify.run(record, deep=False)
        world.store.objects[component.key] = whole
    assert (await world.verify.run(record, deep=True)).decrypted


async def test_without_an_identity_verify_compares_the_stored_bytes(world: World) -> None:
    world.keyring = replace(world.keyring, identities=())
    manifest = await world.run(COMMAND)
    record = choose(await world.records(), manifest.id)

    assert not (await world.verify.run(record, deep=False)).decrypted
    with pytest.raises(RefusedError, match="private key"):
        await world.verify.run(record, deep=True)


async def test_a_backup_of_an_unknown_key_is_not_opened(world: World) -> None:
    manifest = await world.run(COMMAND)
    world.keyring = replace(world.keyring, signing_key=Ed25519PrivateKey.generate())

    record = choose(await world.records(), manifest.id)
    assert record.state is BackupState.NOT_TRUSTED
    with pytest.raises(RefusedError, match="unknown key"):
        await world.verify.run(record, deep=False)


async def test_a_deep_look_at_a_backup_without_a_dump_has_read_none(world: World) -> None:
    manifest = await world.run(replace(COMMAND, components=frozenset({"media"})))

    verified = await world.verify.run(choose(await world.records(), manifest.id), deep=True)

    assert not verified.deep


async def test_the_components_that_there_are_name_the_dump_as_well(world: World) -> None:
    with pytest.raises(ConfigError) as caught:
        await world.run(replace(COMMAND, components=frozenset({"medai"})))

    assert "postgres" in caught.value.hint


async def test_an_identity_of_an_earlier_key_is_in_nobodys_way() -> None:
    """The keys were changed: what is sealed now is for another, and only compared by its bytes."""
    world = World()
    other = age.X25519Identity.generate()
    world.keyring = replace(world.keyring, recipients=[other.recipient()])

    manifest = await world.run()

    assert manifest.recipients == (fingerprint(other.recipient()),)


async def test_a_second_short_dump_is_doubted_as_well() -> None:
    world = World()
    whole = DUMP + b"x" * 1000
    manifests = []
    for dump in (whole, DUMP[:200], DUMP[:200]):
        world.engine.postgres.dump = dump
        manifests.append(await world.run())

    assert manifests[1].warnings
    manifest = manifests[2]
    assert "that of the last good backup" in manifest.warnings[0]
