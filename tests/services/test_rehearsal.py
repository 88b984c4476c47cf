"""A rehearsal on fakes: what holds, what fails by its own fault, what could not be found out."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bot.domain.backup_id import BackupId, parse_backup_id
from bot.domain.components import POSTGRES
from bot.domain.errors import IntegrityError, PortError, RefusedError
from bot.domain.gate_signs import SignKind
from bot.domain.jobs import Trigger
from bot.domain.messages import BytesPassed, Event, RunBackup
from bot.domain.rehearsal import HopTook, Rehearsed, RehearsedHop
from bot.domain.rehearsal_log import LastWords
from bot.domain.update_gate import Baseline, Patience
from bot.domain.versions import parse_target
from bot.services.backup import BackedUp
from bot.services.rehearsal import Rehearsal, RehearsalFailedError
from tests.fakes_rehearsal import (
    STUCK,
    WORKING,
    FakeCopy,
    FakeMigration,
    FakeRehearsals,
    FakeVersion,
    failed,
)
from tests.fakes_stack import NOW, make_facts
from tests.fakes_update_gate import FakeGateProbe, answers, good_sample, seen_container, sign
from tests.services.simulated_time import SimulatedClock
from tests.services.world import World

BEFORE = Baseline(
    login_page=200,
    root_config=200,
    public=200,
    public_url="https://sso.example.org",
    urls={"/x": 200},
)
PATIENCE = Patience(stable=30, timeout=300)
FIRST, SECOND = (
    RehearsedHop(f"ghcr.io/goauthentik/server:{each}", "sha256:" + "3" * 64, parse_target(each))
    for each in ("2025.2.4", "2025.4.4")
)
TRACEBACK = [
    "2026-06-02 08:27:11 [info     ] applying django migrations",
    "  Applying authentik_core.0046_session_and_more...",
    " OK",
    "  Applying authentik_core.0047_tokens...",
    "Traceback (most recent call last):",
    '  File "/lifecycle/migrate.py", line 40, in <module>',
    "    run_migrations()",
    'psycopg.errors.UndefinedTable: relation "authentik_core_never_made" does not exist',
    "password=hunter2",
]


def good(version: str) -> FakeVersion:
    """A version that migrates, starts and holds."""
    well = good_sample(
        containers=tuple(seen_container(each, version=version) for each in ("server", "worker")),
        workers=None,
    )
    return FakeVersion(FakeGateProbe([replace(well, ready=None), well]))


@dataclass
class Job:
    """A JobLog whose steps are kept."""

    id: BackupId
    steps: list[str] = field(default_factory=list)

    async def plan(self, **facts: str) -> None:
        raise AssertionError(f"a rehearsal has nothing to undo: {facts}")

    commit = note = plan

    async def step(self, name: str) -> None:
        self.steps.append(name)


class Stage:
    """A stack with a backup that was just made, and the copy on which its update is rehearsed."""

    def __init__(self) -> None:
        self.world = World()
        self.copy = FakeCopy(
            {str(each.version): good(str(each.version)) for each in (FIRST, SECOND)}
        )
        self.rehearsals = FakeRehearsals(self.copy)
        self.clock = SimulatedClock(NOW)
        self.job = Job(parse_backup_id("20261123T033000Z-k3f9"))
        self.backup: BackedUp | None = None
        self.told: list[Event] = []

    async def back_up(self) -> None:
        self.backup = await self.world.back_up(RunBackup(trigger=Trigger.CLI, actor="root"))

    def rehearsing(self, *way: RehearsedHop) -> asyncio.Task[Rehearsed]:
        rehearsal = Rehearsal(
            self.world.engine,
            self.rehearsals,
            self.world.stores,
            self.world.keyring,
            self.clock,
            self.told.append,
            PATIENCE,
            BEFORE,
        )
        return asyncio.ensure_future(
            rehearsal.run(way or (FIRST, SECOND), self.backup, self.job, self.job.step)
        )

    async def run(self, *way: RehearsedHop) -> Rehearsed:
        """The rehearsal, in which time passes by itself."""
        running = self.rehearsing(*way)
        while not running.done():
            await self.clock.run_until(self.clock.at + timedelta(seconds=10))
        assert not self.copy.running, "something of it still runs"
        return await running


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await stage.back_up()
    return stage


async def test_every_hop_migrates_starts_holds_and_goes_before_the_next(stage: Stage) -> None:
    rehearsed = await stage.run()

    assert stage.copy.calls == [
        *("load", "load sessions", "settle"),
        *("migrate 2025.2.4", "start 2025.2.4", "migrate 2025.4.4", "start 2025.4.4"),
    ]
    assert stage.copy.sessions == stage.world.engine.redis.content
    assert rehearsed.hops == (HopTook("2025.2.4", 1.0, 1.0), HopTook("2025.4.4", 1.0, 1.0))
    assert "2025.4.4 migrates in 1 s and serves after 1 s" in rehearsed.words
    assert [each.partition(":")[0] for each in stage.job.steps] == [
        "rehearsing",
        *["rehearsing 2025.2.4"] * 2,
        *["rehearsing 2025.4.4"] * 2,
    ]
    assert stage.rehearsals.removed == [stage.job.id]


async def test_without_the_key_here_the_copy_is_made_of_what_runs(stage: Stage) -> None:
    stage.world.keyring = replace(stage.world.keyring, identities=[])

    await stage.run()

    assert stage.copy.calls[:3] == ["load", "load sessions", "settle"]
    assert "copying the live database" in stage.job.steps[0]


@pytest.mark.parametrize("has_key", [True, False])
async def test_how_much_was_loaded_is_told(stage: Stage, *, has_key: bool) -> None:
    """What runs is dumped as it goes: how much that will be nobody knows."""
    assert stage.backup
    dump = stage.backup.manifest.component(POSTGRES)
    assert dump
    if not has_key:
        stage.world.keyring = replace(stage.world.keyring, identities=[])

    await stage.run()

    told = [each for each in stage.told if isinstance(each, BytesPassed)]
    if has_key:
        assert BytesPassed(dump.stored_size, dump.stored_size) in told
    else:
        assert told
        assert {each.total_bytes for each in told} == {0}


async def test_without_a_backup_likewise(stage: Stage) -> None:
    stage.backup = None

    await stage.run()

    assert "copying the live database" in stage.job.steps[0]
    assert stage.copy.sessions == stage.world.engine.redis.content


async def test_from_2025_10_on_there_is_no_redis(stage: Stage) -> None:
    stage.world.engine.disk.version = "2025.10.4"

    await stage.run()

    assert "load sessions" not in stage.copy.calls


async def test_neither_the_public_url_nor_a_persons_own_are_asked_of_the_copy(
    stage: Stage,
) -> None:
    probe = stage.copy.versions["2025.2.4"].probe
    probe.looks = [replace(each, answers=answers(public=None, urls={})) for each in probe.looks]

    await stage.run(FIRST)


Break = Callable[[Stage], object]


def migrates(looks: Sequence[object], lines: Sequence[str] = ()) -> Break:
    def change(stage: Stage) -> None:
        stage.copy.versions["2025.4.4"].migration = FakeMigration(looks, lines)  # type: ignore[arg-type]

    return change


def seen(**changes: object) -> Break:
    def change(stage: Stage) -> None:
        probe = stage.copy.versions["2025.4.4"].probe
        probe.looks = [replace(probe.looks[-1], **changes)]  # type: ignore[arg-type]

    return change


def leaves(**rows: int) -> Break:
    def change(stage: Stage) -> None:
        stage.copy.versions["2025.4.4"].leaves = make_facts(**rows)

    return change


def ends(stage: Stage) -> None:
    """The server says why, in words that are no sign of anything."""
    version = stage.copy.versions["2025.4.4"]
    gone = seen_container("server", running=False, exit_code=1, version="2025.4.4")
    worker = seen_container("worker", version="2025.4.4")
    version.probe.looks = [good_sample(containers=(gone, worker), ready=None)]
    version.words = {
        "server": LastWords(["starting", "ImportError: no lifecycle, token=abcdef"], ended=True),
        "worker": LastWords([]),
    }


FAILURES = [
    pytest.param(
        migrates([WORKING, failed(1)], TRACEBACK),
        "its migrations fail at authentik_core.0047_tokens: psycopg.errors.UndefinedTable:"
        ' relation "authentik_core_never_made" does not exist',
        id="migration",
    ),
    pytest.param(
        migrates([WORKING, STUCK], ["  Applying authentik_core.0047_tokens..."]),
        "its migrations hang at authentik_core.0047_tokens: nothing moved for",
        id="hanging migration",
    ),
    pytest.param(
        leaves(authentik_core_user=2),
        'its migrations lose rows: "public.authentik_core_user" has 2 rows, 3 before',
        id="rows",
    ),
    pytest.param(seen(ready=503), "/-/health/ready/ answers 503", id="never ready"),
    pytest.param(
        seen(answers=answers(login_page=500)), "the login page answers 500, 200 before", id="page"
    ),
    pytest.param(ends, "ImportError: no lifecycle, token=***", id="server ends"),
]


@pytest.mark.parametrize(("change", "reason"), FAILURES)
async def test_a_version_that_does_not_hold_is_refused_and_named(
    stage: Stage, change: Break, reason: str
) -> None:
    change(stage)

    with pytest.raises(RehearsalFailedError) as caught:
        await stage.run()

    error = caught.value
    assert isinstance(error, RefusedError)
    assert reason in error.reason
    assert reason in str(error)
    assert str(error.version) == "2025.4.4"
    assert "Nothing was changed" in error.hint
    assert "start 2025.2.4" in stage.copy.calls, "the hop before was well"
    assert stage.rehearsals.removed == [stage.job.id]


async def test_the_proof_is_masked(stage: Stage) -> None:
    migrates([failed(1)], TRACEBACK)(stage)

    with pytest.raises(RehearsalFailedError) as caught:
        await stage.run()

    assert any("authentik_core_never_made" in line for line in caught.value.proof)
    assert "hunter2" not in " ".join(caught.value.proof)


async def test_a_migration_that_moves_may_take_longer_than_the_timeout(stage: Stage) -> None:
    migrates([*[WORKING] * 1000, failed(0)])(stage)

    rehearsed = await stage.run()

    assert rehearsed.hops[1].migration == 1000


def lacks_memory(stage: Stage) -> None:
    seen(ready=503)(stage)
    stage.copy.lacks = "a container of it was killed for want of memory"


def breaks(error: Exception) -> Break:
    return lambda stage: setattr(stage.copy, "breaks", error)


def no_copy(stage: Stage) -> None:
    stage.rehearsals.fails = PortError("start a throw-away server: no such image")


def no_redis(stage: Stage) -> None:
    stage.world.engine.stack = replace(stage.world.engine.stack, redis=None)
    stage.backup = None


OBSTACLES = [
    pytest.param(
        seen(ready=503, signs=(sign(SignKind.TRACEBACK, "OSError: No space left on device"),)),
        "fails again and again: OSError: No space left on device",
        id="disk, once it is started",
    ),
    pytest.param(lacks_memory, "could not run: a container of it was killed", id="memory"),
    pytest.param(
        migrates([failed(1)], ["psycopg.errors.DiskFull: No space left on device"]),
        "could not run: its migrations fail",
        id="disk",
    ),
    pytest.param(
        migrates([failed(1)], ["exec /usr/bin/python: exec format error"]),
        "could not run: its migrations fail: exec /usr/bin/python: exec format error",
        id="platform",
    ),
    pytest.param(
        migrates(
            [failed(1)],
            [TRACEBACK[4], TRACEBACK[5], "psycopg.OperationalError: could not translate host"],
        ),
        "could not run: its migrations fail: psycopg.OperationalError: could not translate host",
        id="network",
    ),
    pytest.param(breaks(PortError("run: no runtime")), "no runtime", id="image does not start"),
    pytest.param(no_copy, "no such image", id="no database"),
    pytest.param(no_redis, "a Redis that is no service of the stack", id="no redis"),
]


@pytest.mark.parametrize(("change", "reason"), OBSTACLES)
async def test_what_could_not_be_found_out_is_no_fault_of_the_version(
    stage: Stage, change: Break, reason: str
) -> None:
    change(stage)

    with pytest.raises(PortError) as caught:
        await stage.run()

    assert reason in str(caught.value)


async def test_a_backup_that_does_not_come_back_whole_ends_it(stage: Stage) -> None:
    stage.copy.found = make_facts(authentik_core_user=1)

    with pytest.raises(IntegrityError, match=r'core_user" has 1 row instead of 3'):
        await stage.run()

    assert stage.copy.calls == ["load"]


async def test_one_that_is_cancelled_leaves_nothing(stage: Stage) -> None:
    running = stage.rehearsing()
    while not stage.copy.running:
        await stage.clock.run_until(stage.clock.at + timedelta(seconds=0.1))

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert not stage.copy.running
    assert stage.rehearsals.removed == [stage.job.id]
