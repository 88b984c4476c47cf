import json
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from bot.domain.backup_id import parse_backup_id
from bot.domain.daemon_report import DaemonReport, parse_report
from bot.domain.errors import ConfigError, PortError
from bot.domain.findings import DiskUsage, Finding, Level
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.kit_record import Confirmation, KitRecord
from bot.domain.pause import Pause
from bot.domain.schedule import Schedule
from bot.domain.stack import Mount, Stack
from bot.services.check import CheckService
from bot.services.drill_history import DrillHistory
from bot.services.ports import KeyFacts
from bot.services.store_ports import Protection, StoredObject
from bot.services.stores import Place, Stores
from tests.fakes import FakeKitLog, FakeStore
from tests.fakes_journal import FakeJobJournal
from tests.fakes_stack import (
    ALL_RIGHTS,
    NOW,
    FakeClock,
    FakeDaemon,
    FakeDatabase,
    FakeDisk,
    FakeEngine,
    FakePause,
    FakeState,
    make_container,
    make_stack,
)
from tests.services.world import World

KEY = "SHA256:0123456789abcdef"
KEYS = KeyFacts(
    recipients=(KEY,),
    trusted=frozenset(),
    identity_path="/keys/identity.txt",
    has_identity=True,
    identity_is_only_here=False,
)


SEEN = Confirmation(NOW - timedelta(days=12), (KEY,))


class StackAway(FakeEngine):
    async def find_stack(self) -> Stack:
        raise PortError("list containers: the Docker Engine does not answer", hint="Start it.")


JOB = Job(
    id=parse_backup_id("20261124T120000Z-k3f9"),
    kind=JobKind.BACKUP,
    trigger=Trigger.SCHEDULE,
    actor="schedule",
    started=NOW,
)


def service(  # noqa: PLR0913 - a fake each
    *,
    engine: FakeEngine | None = None,
    store: FakeStore | None = None,
    keys: KeyFacts = KEYS,
    disk: FakeDisk | None = None,
    clock: FakeClock | None = None,
    daemon: FakeDaemon | None = None,
    state: FakeState | None = None,
    journal: FakeJobJournal | None = None,
    confirmed: Confirmation | None = SEEN,
    plan_of_drills: Schedule | None = None,
    pause: FakePause | None = None,
    others: tuple[Place, ...] = (),
) -> CheckService:
    stores = Stores((Place("first", store or FakeStore(kept=Protection.LOCKED)), *others))
    return CheckService(
        engine or FakeEngine(),
        stores,
        disk or FakeDisk(),
        clock or FakeClock(),
        daemon or FakeDaemon(),
        lambda: keys,
        FakeKitLog(KitRecord(confirmed=confirmed)),
        timedelta(days=180),
        state or FakeState(),
        pause or FakePause(),
        journal or FakeJobJournal(),
        DrillHistory(stores, lambda: keys.trusted),
        plan_of_drills,
    )


def of(findings: list[Finding], subject: str) -> list[Finding]:
    return [finding for finding in findings if finding.subject == subject]


async def test_a_healthy_stack_has_only_good_lines_and_leaves_nothing_in_the_store() -> None:
    store = FakeStore(kept=Protection.LOCKED)

    findings = await service(store=store).run()

    assert {finding.level for finding in findings} == {Level.OK}
    assert not store.objects
    [database] = of(findings, "database")
    assert database.message == (
        'PostgreSQL 17.6, "authentik" has 40 MB, compressed by pg_dump itself'
    )
    assert of(findings, "transport")[0].message == "dumps leave by memory"


async def test_without_docker_the_store_and_the_keys_are_looked_at_all_the_same() -> None:
    findings = await service(engine=StackAway()).run()

    assert of(findings, "docker")[0].level is Level.FAILURE
    assert of(findings, "docker")[0].remedy == "Start it."
    assert of(findings, "store")
    assert of(findings, "keys")


@pytest.mark.parametrize(
    ("service_name", "changes", "level", "words"),
    [
        pytest.param("postgresql", {"state": "exited"}, Level.FAILURE, "is exited", id="stopped"),
        pytest.param("worker", {"health": "unhealthy"}, Level.FAILURE, "health check", id="sick"),
        pytest.param("redis", {"health": "starting"}, Level.WARNING, "is starting", id="young"),
        pytest.param("worker", {"health": ""}, Level.OK, "no health check", id="unwatched"),
    ],
)
async def test_each_service_has_its_line(
    service_name: str, changes: dict[str, str], level: Level, words: str
) -> None:
    container = make_container(service_name, **changes)
    stack = replace(make_stack(), **{service_name: container})  # type: ignore[arg-type]

    findings = await service(engine=FakeEngine(stack)).run()

    line = of(findings, service_name)[0]
    assert (line.level, words in line.message) == (level, True)


async def test_a_stack_without_redis_is_fine() -> None:
    findings = await service(engine=FakeEngine(replace(make_stack(), redis=None))).run()

    assert of(findings, "redis")[0].level is Level.OK
    assert not of(findings, "sessions")


class NoLister(FakeStore):
    def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        raise PortError(f'list "{prefix}": access denied', hint="Allow it.")


async def test_what_the_store_cannot_do_is_named_and_the_rest_is_tried() -> None:
    findings = await service(store=NoLister(kept=Protection.LOCKED)).run()

    lines = [finding.message for finding in of(findings, "store")]
    assert lines[0] == "memory: put, two-part upload, ranged read, abort, delete work"
    assert lines[1].startswith("list: ")
    assert of(findings, "store")[1].level is Level.FAILURE


async def test_uploads_that_were_left_are_told() -> None:
    store = FakeStore(kept=Protection.LOCKED, left=["akbot-self-test/x"])

    findings = await service(store=store).run()

    assert of(findings, "store")[1].level is Level.WARNING
    assert "abort" in of(findings, "store")[1].message


async def test_a_store_that_a_thief_could_empty_is_a_warning() -> None:
    findings = await service(store=FakeStore(kept=Protection.NONE)).run()

    assert of(findings, "store")[-1].level is Level.WARNING
    assert "Object Lock" in of(findings, "store")[-1].remedy


@pytest.mark.parametrize(
    ("confirmed", "level", "words"),
    [
        pytest.param(None, Level.WARNING, "never confirmed", id="never"),
        pytest.param(SEEN, Level.OK, "confirmed 12 days ago", id="recently"),
        pytest.param(
            Confirmation(NOW - timedelta(days=181), (KEY,)), Level.WARNING, "is it still", id="due"
        ),
        pytest.param(Confirmation(NOW, ("SHA256:x",)), Level.WARNING, "another key", id="lapsed"),
    ],
)
async def test_the_recovery_kit_is_asked_for(
    confirmed: Confirmation | None, level: Level, words: str
) -> None:
    [line] = of(await service(confirmed=confirmed).run(), "recovery kit")

    assert (line.level, words in line.message) == (level, True)


async def test_no_kit_is_asked_for_before_there_are_keys() -> None:
    findings = await service(keys=replace(KEYS, recipients=()), confirmed=None).run()

    assert not of(findings, "recovery kit")


async def test_a_key_that_is_known_to_be_on_paper_is_not_only_here() -> None:
    findings = await service(keys=replace(KEYS, identity_is_only_here=True)).run()

    assert [line.level for line in of(findings, "keys")] == [Level.OK]


@pytest.mark.parametrize(
    ("keys", "level", "words"),
    [
        pytest.param(KEYS, Level.OK, "sealed for SHA256:", id="fine"),
        pytest.param(replace(KEYS, recipients=()), Level.OK, "none yet", id="none yet"),
        pytest.param(
            replace(KEYS, identity_is_only_here=True), Level.WARNING, "lost with it", id="only here"
        ),
        pytest.param(replace(KEYS, has_identity=False), Level.OK, "elsewhere", id="elsewhere"),
    ],
)
async def test_keys(keys: KeyFacts, level: Level, words: str) -> None:
    last = of(await service(keys=keys, confirmed=None).run(), "keys")[-1]

    assert (last.level, words in last.message) == (level, True)


async def test_a_directory_store_on_the_databases_disk_is_a_warning() -> None:
    stack = make_stack()
    mounts = (Mount("/mnt/database", "/var/lib/postgresql/data"),)
    postgresql = make_container("postgresql", mounts=mounts)
    one_disk = DiskUsage(device=7, free=5 * 10**9, total=100 * 10**9)
    disk = FakeDisk({"/backups": one_disk, "/mnt/database": one_disk})
    store = FakeStore(kept=Protection.LOCKED, local_path="/backups")

    findings = await service(
        engine=FakeEngine(replace(stack, postgresql=postgresql)), store=store, disk=disk
    ).run()

    assert "own disk" in of(findings, "store")[-1].message
    assert of(findings, "disk of the database")[0].level is Level.WARNING


async def test_a_clock_that_lies_before_the_newest_backup_is_a_failure() -> None:
    world = World()
    await world.run()
    keys = replace(KEYS, trusted=world.keyring.trusted)

    past = FakeClock(NOW - timedelta(hours=1))
    early = await service(store=world.store, keys=keys, clock=past).run()
    right = await service(store=world.store, keys=keys, clock=FakeClock(NOW)).run()

    assert of(early, "clock")[0].level is Level.FAILURE
    assert of(right, "clock")[0].level is Level.OK


@pytest.mark.parametrize("name", ["manifest.json", "postgres.dump.age"])
async def test_what_nobody_trusted_has_signed_says_nothing_of_the_clock(name: str) -> None:
    store = FakeStore(kept=Protection.LOCKED)
    store.objects[f"authentik/20300101T000000Z-aaaa/{name}"] = b"{}"

    findings = await service(store=store).run()

    assert of(findings, "clock")[0].level is Level.OK


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        pytest.param(None, [(Level.OK, "answers here")], id="no daemon"),
        pytest.param(
            DaemonReport(next_backup="2026-11-24T03:30:00+01:00"),
            [(Level.OK, "planned for 2026-11-24T03:30:00+01:00")],
            id="no chat",
        ),
        pytest.param(
            DaemonReport(chat="ok", chat_words="connected as @akbot"),
            [(Level.OK, "no backup is planned"), (Level.OK, "connected as @akbot")],
            id="all is well",
        ),
        pytest.param(
            DaemonReport(chat="nobody", chat_words="AKBOT_TELEGRAM_ADMINS is empty"),
            [(Level.OK, "it runs"), (Level.WARNING, "AKBOT_TELEGRAM_ADMINS is empty")],
            id="nobody may use the chat",
        ),
        pytest.param(
            DaemonReport(chat="refused", chat_words="Telegram refuses the token"),
            [(Level.OK, "it runs"), (Level.FAILURE, "refuses the token")],
            id="a token that Telegram refuses",
        ),
        pytest.param(
            DaemonReport(uncleaned=("20261123T033000Z-k3f9",)),
            [(Level.OK, "it runs"), (Level.WARNING, "20261123T033000Z-k3f9")],
            id="something is left",
        ),
        pytest.param(
            DaemonReport(troubles=("the backup of 03:30 UTC could not begin: no key",)),
            [(Level.OK, "it runs"), (Level.FAILURE, "03:30 UTC could not begin: no key")],
            id="a backup that cannot begin",
        ),
        pytest.param(
            DaemonReport(failing=("the look at the containers hangs",)),
            [(Level.OK, "it runs"), (Level.FAILURE, "the look at the containers hangs")],
            id="a part that hangs",
        ),
    ],
)
async def test_the_daemon_is_asked_how_it_is(
    report: DaemonReport | None, expected: list[tuple[Level, str]]
) -> None:
    findings = await service(daemon=FakeDaemon(report)).run()

    told = [*of(findings, "daemon"), *of(findings, "chat")]
    assert [finding.level for finding in told] == [level for level, _ in expected]
    for finding, (_, words) in zip(told, expected, strict=True):
        assert words in finding.message
        assert finding.level is Level.OK or finding.remedy


async def test_a_state_folder_that_cannot_be_written_is_a_failure() -> None:
    state = FakeState(fails=PortError('"/state" is read-only', hint="Mount it writable."))

    [finding] = of(await service(state=state).run(), "state")

    assert (finding.level, finding.remedy) == (Level.FAILURE, "Mount it writable.")


async def test_a_job_that_waits_for_a_person_is_a_failure() -> None:
    journal = FakeJobJournal()
    stuck = replace(JOB, state=JobState.STUCK, message="2025.2.1 does not hold")
    journal.rows[stuck.id] = stuck

    fine, finding = of(await service(journal=journal).run(), "state")

    assert (fine.level, finding.level) == (Level.OK, Level.FAILURE)
    assert finding.message == f"the backup {stuck.id} is stuck: 2025.2.1 does not hold"
    assert f'"akbot jobs settle {stuck.id}"' in finding.remedy


def test_the_daemon_is_degraded_by_what_a_person_should_see() -> None:
    assert DaemonReport(running=("backup",)).status == "ok"
    for report in (DaemonReport(stuck=("a",)), DaemonReport(troubles=("no",))):
        assert report.status == "degraded"
        assert parse_report(json.loads(json.dumps({"status": "", **asdict(report)}))) == report


@pytest.mark.parametrize(
    "answer", [None, [], {}, "ok", {"status": "ok"}, {"status": "ok", "chat": 1}]
)
def test_what_is_no_daemons_answer_is_none(answer: object) -> None:
    assert parse_report(answer) is None


def test_a_daemon_that_does_not_work_has_failed_whatever_else_it_says() -> None:
    report = DaemonReport(failing=("the look hangs",), troubles=("no",))

    assert report.status == "failed"
    assert parse_report(json.loads(json.dumps({"status": "", **asdict(report)}))) == report


async def test_a_pause_is_a_warning_with_the_way_on() -> None:
    pause = FakePause(Pause(NOW, "the old host may still live"))

    [finding] = of(await service(pause=pause).run(), "pause")

    assert finding.level is Level.WARNING
    assert "paused since 2026-11-23 03:30 UTC: the old host may still live" in finding.message
    assert "akbot resume" in finding.remedy


async def test_a_pause_whose_mark_is_damaged_is_a_failure() -> None:
    pause = FakePause(fails=ConfigError("it is damaged", hint="Remove it."))

    [finding] = of(await service(pause=pause).run(), "pause")

    assert (finding.level, finding.remedy) == (Level.FAILURE, "Remove it.")


async def test_a_database_outside_of_the_project_is_told_in_the_place_of_its_container() -> None:
    stack = replace(make_stack(), postgresql=None, database_host="db.example.org")

    findings = await service(engine=FakeEngine(stack)).run()

    [place] = of(findings, "postgresql")
    assert (place.level, place.message) == (
        Level.OK,
        'on "db.example.org", outside of the project',
    )
    assert of(findings, "database")
    assert {finding.level for finding in findings} == {Level.OK}


async def test_a_role_that_cannot_go_the_way_back_is_a_warning() -> None:
    database = FakeDatabase(may=replace(ALL_RIGHTS, owns=False))

    findings = await service(engine=FakeEngine(postgres=database)).run()

    [role] = of(findings, "database role")
    assert role.level is Level.WARNING
    assert "restore and update are refused" in role.message


async def test_a_database_that_a_lost_journal_has_left_is_a_warning() -> None:
    name = "authentik_before_20261124t100000z_aaaa"
    database = FakeDatabase(are_open={"authentik": True, name: False})

    findings = await service(engine=FakeEngine(postgres=database)).run()

    [left] = of(findings, "leftovers")
    assert left.level is Level.WARNING
    assert name in left.message
