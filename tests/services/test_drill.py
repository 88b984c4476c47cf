"""A drill on fakes: what passes, what fails, what could not run, and what is kept of it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import age
from bot.domain.backup_id import created_at
from bot.domain.catalogue import BackupState, choose
from bot.domain.components import POSTGRES
from bot.domain.contents import Contents
from bot.domain.drill import VERDICT, DrillReport, Verdict
from bot.domain.errors import IntegrityError, PortError, RefusedError
from bot.domain.jobs import JobKind, JobState, Trigger
from bot.domain.stack import Stack
from bot.services.drill import DrillFailedError, DrillNotRunError
from bot.services.drill_history import DrillHistory
from tests.fakes import FakeStore
from tests.fakes_stack import (
    CONTENTS,
    DUMP,
    FakeApplication,
    FakeEngine,
    FakeScratch,
    make_facts,
    tar_of,
)
from tests.hostile_archives import ATTACKS, hostile
from tests.services.forged import forge, restate
from tests.services.world import DRILL, World


@pytest.fixture
async def world() -> World:
    """A stack with one good backup."""
    world = World()
    await world.run()
    world.told.clear()
    return world


def history(world: World) -> DrillHistory:
    return DrillHistory(world.stores, lambda: world.keyring.trusted)


async def test_a_good_backup_passes_and_its_report_lies_beside_it(world: World) -> None:
    [record] = await world.records()
    world.clock.at += timedelta(milliseconds=345)

    report = await world.drill()

    assert (report.verdict, report.reasons) == (Verdict.PASS, ())
    assert report.backup_id == record.id
    assert report.rows == sum(make_facts().rows.values())
    assert (report.keys, report.contents) == (100, CONTENTS)
    assert record.summary
    assert report.components == record.summary.components
    assert await history(world).newest("authentik") == report
    [job, _] = await world.journal.jobs()
    assert report.began == created_at(job.id)  # an outage of the store must not move it
    assert (job.kind, job.state, job.swept) == (JobKind.DRILL, JobState.DONE, True)
    assert f"backup {record.id} came back" in job.message
    assert "12 users, 3 applications" in job.message
    assert world.engine.scratch.removed == 1
    [after] = await world.records()
    assert after.state is record.state


def flipped(world: World, component: str) -> None:
    key = next(key for key in world.store.objects if f"/{component}." in key)
    data = bytearray(world.store.objects[key])
    data[len(data) // 2] ^= 1
    world.store.objects[key] = bytes(data)


def without(world: World, *, table: str) -> None:
    facts = make_facts()
    rows = {name: count for name, count in facts.rows.items() if name != table}
    world.engine.scratch.found = replace(facts, rows=rows)


FAILURES: list[tuple[Callable[[World], object], str]] = [
    (lambda world: flipped(world, "postgres"), 'component "postgres": decrypt'),
    (lambda world: flipped(world, "redis"), 'component "redis": decrypt'),
    (lambda world: flipped(world, "media"), 'component "media": decrypt'),
    (
        lambda world: without(world, table="public.authentik_core_user"),
        'the table "public.authentik_core_user" is missing',
    ),
    (
        lambda world: setattr(world.engine.scratch, "found", make_facts(authentik_core_user=1)),
        '"public.authentik_core_user" has 1 row instead of 3',
    ),
    (
        lambda world: setattr(world.engine.scratch, "writable", False),
        "the restored database cannot be written",
    ),
]


@pytest.mark.parametrize(("damage", "reason"), FAILURES)
async def test_what_is_not_as_it_was_fails(
    world: World, damage: Callable[[World], object], reason: str
) -> None:
    damage(world)

    with pytest.raises(DrillFailedError) as caught:
        await world.drill()

    assert reason in str(caught.value)
    report = await history(world).newest("authentik")
    assert report == caught.value.report
    assert report.verdict is Verdict.FAIL
    [job, _] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)
    assert reason in job.message


def swapped(world: World, content: bytes) -> None:
    """Another dump, sealed to the same recipients by somebody who cannot sign."""
    key = next(key for key in world.store.objects if "/postgres." in key)
    sealer = age.Sealer(world.keyring.recipients)
    world.store.objects[key] = sealer.update(content) + sealer.finish()


@pytest.mark.parametrize("content", [bytes(len(DUMP)), DUMP], ids=["refused", "taken"])
async def test_another_dump_never_passes_and_is_named_whatever_pg_restore_says_of_it(
    world: World, content: bytes
) -> None:
    swapped(world, content)

    with pytest.raises(DrillFailedError) as caught:
        await world.drill()

    assert 'component "postgres": the stored bytes are not those that' in str(caught.value)
    assert "pg_restore" not in str(caught.value)
    [record] = await world.records()
    assert record.state is BackupState.DAMAGED


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_a_restore_would_not_unpack_fails(world: World, name: str) -> None:
    """Its bytes are those that were sent, and the archive is whole."""
    [record] = await world.records()
    await forge(world, record, "media", hostile(ATTACKS[name]))

    with pytest.raises(DrillFailedError, match=f'component "media": .*{ATTACKS[name].words}'):
        await world.drill()

    [record] = await world.records()
    assert record.state is BackupState.DAMAGED


@pytest.mark.parametrize(
    ("component", "files", "reason"),
    [
        pytest.param(
            "media", {}, "it holds 1 files and folders where the manifest says 2", id="lacks a file"
        ),
        pytest.param(
            "media",
            {"file": b""},
            "its files have 0 bytes where the manifest says 6",
            id="lacks its content",
        ),
        pytest.param(
            "config",
            {},
            "it holds 0 files and folders where the manifest says 1",
            id="configuration",
        ),
    ],
)
async def test_an_archive_that_lacks_something_fails(
    world: World, component: str, files: dict[str, bytes], reason: str
) -> None:
    """It is valid, sealed and signed by this host, and as long as the manifest says."""
    [record] = await world.records()
    root = "" if component == "config" else component
    await forge(world, record, component, tar_of(files, root))

    with pytest.raises(DrillFailedError, match=f'component "{component}": {reason}'):
        await world.drill()
    with pytest.raises(IntegrityError, match=reason):
        await world.verify.run(choose(await world.records(), record.id), deep=True)


async def test_what_an_older_akbot_has_not_counted_is_not_compared(world: World) -> None:
    [record] = await world.records()
    manifest = await forge(world, record, "media", tar_of({}, "media"))
    older = tuple(replace(each, archive=None) for each in manifest.components)
    restate(world, replace(manifest, components=older))

    assert (await world.drill()).verdict is Verdict.PASS


async def test_a_configuration_that_a_restore_could_not_read_fails(world: World) -> None:
    world.engine.disk.project = {"a": bytes(5 * 2**20)}
    world.clock.at += timedelta(days=1)
    await world.run()

    with pytest.raises(DrillFailedError, match=r'component "config": .* implausibly large'):
        await world.drill()


async def test_every_component_is_looked_at_whatever_another_is_like(world: World) -> None:
    flipped(world, "postgres")
    flipped(world, "media")

    with pytest.raises(DrillFailedError) as caught:
        await world.drill()

    assert len(caught.value.report.reasons) == 2
    assert "redis" in caught.value.report.components


async def test_a_missing_file_makes_the_backup_incomplete(world: World) -> None:
    key = next(key for key in world.store.objects if "/media." in key)
    del world.store.objects[key]

    with pytest.raises(RefusedError, match="there is no good backup"):
        await world.drill()


async def test_a_drill_of_one_that_lacks_a_file_fails_and_restores_nothing(world: World) -> None:
    """That a file is missing is known of the backup, and no hindrance of the drill."""
    key = next(key for key in world.store.objects if "/media." in key)
    del world.store.objects[key]
    backup_id = key.split("/")[-2]

    with pytest.raises(DrillFailedError, match='component "media" is missing') as caught:
        await world.drill(replace(DRILL, backup=backup_id))

    assert caught.value.report.verdict is Verdict.FAIL
    assert caught.value.report.components == ()
    [job] = [each for each in world.journal.rows.values() if each.kind is JobKind.DRILL]
    assert job.plan[VERDICT] == Verdict.FAIL
    assert [name for name in world.store.objects if f"/{backup_id}/drill-" in name]


class StackAway(FakeEngine):
    async def find_stack(self) -> Stack:
        raise PortError("list containers: the Docker Engine does not answer", hint="Start it.")


OBSTACLES: list[tuple[Callable[[World], object], str]] = [
    (
        lambda world: setattr(world, "engine", StackAway()),
        "list containers: the Docker Engine does not answer",
    ),
    (
        lambda world: setattr(world.engine, "scratch", FakeScratch(server="16.4")),
        "the stack's PostgreSQL 16.4 is older than the backup's 17.6",
    ),
    (
        lambda world: setattr(world, "keyring", replace(world.keyring, identities=[])),
        "the private key is not on this host",
    ),
]


class RedisAway(FakeEngine):
    async def load_rdb(self, *_: object) -> int | None:
        raise PortError("load the snapshot of Redis: the host has no room for it")


async def test_what_was_found_before_it_could_not_go_on_counts(world: World) -> None:
    flipped(world, "globals")
    world.engine = RedisAway()

    with pytest.raises(DrillFailedError) as caught:
        await world.drill()

    damage, trouble = caught.value.report.reasons
    assert damage.startswith('component "globals"')
    assert trouble.startswith("load the snapshot of Redis")
    [record] = await world.records()
    assert record.state is BackupState.DAMAGED
    assert "Redis" not in record.reason


@pytest.mark.parametrize(("obstacle", "reason"), OBSTACLES)
async def test_what_could_not_run_says_nothing_of_the_backup(
    world: World, obstacle: Callable[[World], object], reason: str
) -> None:
    obstacle(world)

    with pytest.raises(DrillNotRunError) as caught:
        await world.drill()

    assert f"could not run: {reason}" in str(caught.value)
    assert caught.value.hint
    assert caught.value.report.verdict is Verdict.COULD_NOT_RUN
    assert await history(world).newest("authentik") == caught.value.report


async def test_without_the_key_what_is_stored_is_read_all_the_same(world: World) -> None:
    world.keyring = replace(world.keyring, identities=[])
    flipped(world, "media")

    with pytest.raises(DrillFailedError, match="not those that were sent"):
        await world.drill()


PLANNED = replace(DRILL, trigger=Trigger.SCHEDULE, actor="schedule")
NO_KEY = "the private key is not on this host"


async def newest_message(world: World) -> str:
    [job, *_] = await world.journal.jobs()
    assert (job.kind, job.state, job.swept) == (JobKind.DRILL, JobState.DONE, True)
    return str(job.message)


async def test_a_planned_drill_without_the_key_reads_what_is_stored_and_says_so_once(
    world: World,
) -> None:
    """Again once a key has come and gone; a person's own says it each time."""
    keyed, keyless = world.keyring, replace(world.keyring, identities=[])
    world.clock.suffixes += ["dddd", "eeee", "ffff", "gggg", "hhhh"]
    world.keyring = keyless
    with pytest.raises(DrillNotRunError, match=NO_KEY):
        await world.drill()
    world.clock.at += timedelta(minutes=1)

    report = await world.drill(PLANNED)

    assert (report.verdict, report.reasons, report.components) == (Verdict.READ, (), ())
    assert await history(world).newest("authentik") == report
    assert world.engine.scratch.removed == 0
    assert (await newest_message(world)).endswith(f"; degraded: {NO_KEY}, so it was not restored")
    for _ in range(2):
        await world.drill(PLANNED)
        assert "degraded" not in await newest_message(world)
        assert NO_KEY in await newest_message(world)
        with pytest.raises(DrillNotRunError, match=NO_KEY):
            await world.drill()
    world.keyring = keyed
    assert (await world.drill(PLANNED)).verdict is Verdict.PASS
    world.keyring = keyless
    await world.drill(PLANNED)
    assert "degraded" in await newest_message(world)


async def test_a_planned_drill_without_the_key_fails_by_what_it_can_see(world: World) -> None:
    world.keyring = replace(world.keyring, identities=[])
    flipped(world, "media")

    with pytest.raises(DrillFailedError, match="not those that were sent"):
        await world.drill(PLANNED)

    report = await history(world).newest("authentik")
    assert report
    assert report.verdict is Verdict.FAIL
    [job, _] = await world.journal.jobs()
    assert (job.state, job.plan[VERDICT]) == (JobState.FAILED, Verdict.FAIL)


async def test_a_planned_drill_that_cannot_read_the_store_could_not_run(world: World) -> None:
    world.keyring = replace(world.keyring, identities=[])
    world.store.fail_get_at = 1_200_000

    with pytest.raises(DrillNotRunError, match="connection lost"):
        await world.drill(PLANNED)


async def test_a_store_that_takes_no_report_does_not_change_the_verdict(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(FakeStore):
        async def put(self, key: str, *_: object, **__: object) -> int:
            raise PortError(f'write object "{key}": no space left')

    world.store = Full(world.store.objects)

    assert (await world.drill()).verdict is Verdict.PASS
    assert "no space left" in caplog.text


async def test_reports_of_others_count_for_nothing(world: World) -> None:
    await world.drill()

    assert await DrillHistory(world.stores, frozenset).newest("authentik") is None


async def test_a_database_without_authentiks_tables_has_less_to_tell(world: World) -> None:
    world.engine.scratch.has = Contents()

    report = await world.drill()

    assert "users" not in report.words
    assert report.contents == Contents()
    assert POSTGRES in report.components


BOOT = replace(DRILL, boot=True)


async def booted(world: World) -> DrillReport:
    """A drill with the application, during which time passes by itself."""
    drilling = asyncio.ensure_future(world.drill(BOOT))
    while not drilling.done():
        world.clock.wake()
        await asyncio.sleep(0)
    return await drilling


async def test_with_boot_the_application_serves_its_login_page_on_the_copy(world: World) -> None:
    report = await booted(world)

    assert report.verdict is Verdict.PASS
    assert report.boot_seconds
    assert "Authentik served its login page on it" in report.words
    copy = world.engine.scratch.application_copy
    login = "if/flow/default-authentication-flow/"
    assert copy.asked == ["-/health/ready/"] * 3 + [login]
    assert world.engine.scratch.image == "ghcr.io/goauthentik/server:2025.2.1"


async def test_without_boot_no_application_starts(world: World) -> None:
    report = await world.drill()

    assert report.boot_seconds is None
    assert not world.engine.scratch.image


@pytest.mark.parametrize(
    ("copy", "reason"),
    [
        (FakeApplication([0], ended="its server ended: no such table"), "no such table"),
        (
            FakeApplication([503]),
            '"/-/health/ready/" is not served on it, status 503: applying django migrations',
        ),
        (FakeApplication([0]), '"/-/health/ready/" is not served on it, no answer'),
        (FakeApplication([200, 500]), 'authentication-flow/" is not served on it, status 500'),
    ],
)
async def test_an_application_that_does_not_come_back_fails(
    world: World, copy: FakeApplication, reason: str
) -> None:
    world.engine.scratch.application_copy = copy

    with pytest.raises(DrillFailedError) as caught:
        await booted(world)

    assert reason in str(caught.value)
    assert caught.value.report.boot_seconds is None


async def test_on_a_copy_that_is_not_whole_nothing_is_started(world: World) -> None:
    world.engine.scratch.found = make_facts(authentik_core_user=1)

    with pytest.raises(DrillFailedError):
        await booted(world)

    assert world.engine.scratch.application_copy.asked == []
