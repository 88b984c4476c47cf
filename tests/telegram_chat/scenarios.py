"""The conversations whose goldens lie in `goldens/`, by their names; the docstring is the title.

A new one is a function here and, once `pytest tests/telegram_chat/test_goldens.py
--rewrite-goldens` has written it and somebody has read it, a file there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from bot.domain.backup_id import make_backup_id
from bot.domain.container_state import ended
from bot.domain.drill import DrillReport, Verdict
from bot.domain.incident import Closed, Incident, Opened, Rules, Trouble
from bot.domain.incident_history import PastIncident
from bot.domain.jobs import CHANGED, READS, Job, JobKind, JobState, Trigger
from bot.domain.kept import KEPT_FOR
from bot.domain.messages import (
    BackupStarted,
    BytesPassed,
    ComponentProgressed,
    ComponentStored,
    ComponentVerified,
    LayersPulled,
    RunBackup,
    StepBegan,
)
from bot.domain.restore import GOING_AWAY
from bot.domain.roles import ChatPlace
from bot.domain.update_news import NewRelease
from bot.domain.update_outlook import HopOutlook, Outlook, Target
from bot.domain.updated import Updated
from bot.domain.upgrade_path import Hop
from bot.domain.versions import Version
from bot.services.restore import Restored
from tests.telegram_chat import sayings
from tests.telegram_chat.restores import NEWEST, OLDER
from tests.telegram_chat.rolls import make_update
from tests.telegram_chat.samples import MB, component, make_preview, record
from tests.telegram_chat.scene import Scene
from tests.telegram_chat.test_texts import make_job
from tests.telegram_chat.world import NOW

Scenario = Callable[[Scene], Awaitable[None]]


def _dump(megabytes: int) -> ComponentProgressed:
    return ComponentProgressed("postgres", megabytes * MB, megabytes * MB // 4)


def _passed(megabytes: int) -> BytesPassed:
    return BytesPassed(megabytes * MB, 215 * MB)


async def backup(scene: Scene) -> None:
    """A backup that was asked for: one message of progress, and the outcome as a new one."""
    await scene.says("/backup before the move")
    job = scene.world.operations.all_jobs[0]
    scene.world.operations.tell(BackupStarted(job.id, 1000 * MB, 1000 * MB))
    globals_ = component("globals")
    await scene.happens(ComponentStored(globals_), ComponentVerified(globals_), _dump(0), after=2)
    await scene.happens(_dump(620), after=20)
    await scene.happens(
        ComponentStored(component("postgres", 215 * MB)),
        ComponentVerified(component("postgres", 215 * MB)),
        after=40,
    )
    await scene.passes(60)
    await scene.finishes()


async def verify(scene: Scene) -> None:
    """One of the list is read back: how far it is, and what was found as a new message."""
    world = scene.world
    world.operations.records = [NEWEST, OLDER]
    await scene.says("/backups")
    world.operations.reading = asyncio.Event()
    await scene.presses("24 Nov 03:30")
    await scene.presses("Verify")
    tell = world.operations.publish
    tell(_passed(0))
    await scene.follows()
    await scene.passes(4)
    tell(ComponentVerified(component("globals")))
    tell(_passed(130))
    await scene.follows()
    await scene.passes(3)
    world.operations.reading.set()
    await scene.follows()


async def drill(scene: Scene) -> None:
    """A drill that was asked for: how much of the backup was read, and what came back."""
    scene.world.operations.records = [NEWEST]
    await scene.says("/drill")
    await scene.happens(_passed(0), after=5)
    await scene.happens(ComponentVerified(component("globals")), _passed(43), after=2)
    await scene.happens(_passed(129), after=4)
    await scene.happens(ComponentVerified(component("postgres")), _passed(215), after=4)
    await scene.passes(7)
    job, now = scene.world.operations.all_jobs[0], scene.world.clock.now()
    await scene.ends(JobState.DONE, sayings.drilled(NEWEST.id, job.started, now))


async def failing_backup(scene: Scene) -> None:
    """A backup that was asked for fails; one press tries it again, and it holds."""
    await scene.says("/backup")
    await scene.ends(JobState.FAILED, sayings.full_store(), after=40)
    await scene.presses("Try again")
    await scene.passes(125)
    await scene.finishes()


async def restore(scene: Scene) -> None:
    """A restore: its plan, a word to type since rows are lost, its steps, and the way back."""
    scene.world.operations.records = [NEWEST, OLDER]
    scene.world.operations.all_jobs.append(_restored_long_ago())
    scene.world.operations.preview = make_preview(differences=(), warnings=())
    await scene.says("/restore latest")
    await scene.passes(30)
    await scene.presses("Go on")
    await scene.passes(10)
    await scene.says("restore")
    await _steps(
        scene,
        "checking postgres",
        "checking media",
        "backing up the state before",
        "getting the image",
        after=5,
    )
    await scene.happens(LayersPulled(2, 9, 0))
    await scene.happens(LayersPulled(7, 9, 160 * MB), after=4)
    await _steps(scene, "restoring postgres beside what serves", after=5)
    await scene.happens(_passed(0))
    await scene.happens(_passed(86), after=6)
    compared = "comparing every table with the manifest"
    await _steps(scene, compared, "restoring media beside what serves")
    await _steps(
        scene,
        GOING_AWAY,
        "keeping what Redis holds",
        "closing the databases",
        "setting AUTHENTIK_TAG to 2025.2.1",
        "swapping the databases",
        "swapping the files",
        "emptying Redis",
        "removing server and worker once more",
        "starting",
        "waiting until it holds",
        after=4,
    )
    await scene.passes(33 + sayings.STABLE)
    restored = Restored("", NEWEST.id, "2025.2.1", scene.seconds, away=33)
    await scene.ends(JobState.DONE, restored.words)


async def choices(scene: Scene) -> None:
    """Commands without a word ask back by buttons: which backup, for how long, which version."""
    world = scene.world
    await scene.stops()
    scene.where = world.telegram.supergroup()
    await scene.starts()
    world.operations.records = [NEWEST, OLDER, record(56), record(80)]
    world.operations.all_jobs.append(_drilled(OLDER.id))
    world.operations.preview = make_preview(differences=(), warnings=())
    await scene.says("/restore")
    await scene.passes(20)
    await scene.presses("Newest: 24 Nov 03:30 (8 h ago)")
    await scene.passes(10)
    await scene.presses("No")
    await scene.says("/mute", world.olga)
    await scene.presses("2 h")
    await scene.presses("2 h", world.olga)
    await scene.passes(60)
    await scene.says("/mute", world.olga)
    await scene.presses("Unmute", world.olga)
    await scene.says("/pause")
    await scene.presses("Until tomorrow 08:00")
    fresh = sayings.too_fresh(Version(2025, 4, 4), NOW - timedelta(hours=3))
    world.rolls.update = make_update()
    world.rolls.targets_found = (
        Target(version=Version(2025, 2, 4), steps=1, security=True),
        Target(version=Version(2025, 4, 4), steps=2, held=fresh),
    )
    await scene.says("/update")
    await scene.passes(20)
    await scene.presses("2025.4.4, held back")
    await scene.presses("No")
    await scene.says("/drill")
    await scene.presses("Never mind")


def _drilled(backup: str) -> Job:
    began = NOW - timedelta(hours=5)
    return replace(
        make_job(JobState.DONE),
        id=make_backup_id(began, "k3f9"),
        kind=JobKind.DRILL,
        started=began,
        ended=began + timedelta(seconds=95),
        plan={READS: backup},
    )


async def changed_plan(scene: Scene) -> None:
    """A newer backup came before the word was typed: nothing is done, and it is asked anew."""
    scene.world.operations.records = [NEWEST, OLDER]
    scene.world.operations.preview = make_preview(differences=(), warnings=())
    await scene.says("/restore latest")
    await scene.presses("Go on")
    await scene.passes(20)
    await scene.says("restore")
    scene.world.operations.preview = make_preview(differences=(), warnings=(), newest=False)
    await scene.ends(JobState.FAILED, CHANGED, after=2)
    await scene.passes(5)
    await scene.presses("No")


async def update(scene: Scene) -> None:
    """An update in two steps that holds, from its plan to the version before being kept."""
    scene.world.rolls.update = make_update()
    await scene.says("/update")
    await scene.passes(45)
    await scene.presses("Update")
    await _until_it_starts(scene, "2025.2.4", "2025.4.4")
    await scene.passes(34 + sayings.STABLE)
    await _steps(scene, "2025.2.4 is promoted", *_hop("2025.4.4"), after=2)
    await scene.passes(41 + sayings.STABLE)
    updated = Updated("", "2025.2.1", "2025.4.4", 2, scene.seconds, away=34 + 41)
    await scene.ends(JobState.DONE, updated.words)


async def rollback(scene: Scene) -> None:
    """An update whose new version never gets ready: it goes back by itself, and says why."""
    scene.world.rolls.update = make_update(target="2025.2.4", hops=make_update().hops[:1])
    scene.world.rolls.words = "server: django.db.utils.ProgrammingError: no such column, in"
    await scene.says("/update 2025.2.4")
    await scene.passes(20)
    await scene.presses("Update")
    await _until_it_starts(scene, "2025.2.4")
    await scene.passes(900)
    await _steps(scene, "going back to 2025.2.1", after=2)
    job = scene.world.operations.all_jobs[0]
    told = sayings.rolled_back(job.id, job.started + KEPT_FOR, away=900 + 2 + 70)
    await scene.ends(JobState.ROLLED_BACK, told, after=70)
    await scene.presses("Show what it said")


async def _until_it_starts(scene: Scene, *versions: str) -> None:
    """From the first look to the first version that is waited for; *versions* are the way."""
    await _steps(scene, "checking the stack", after=5)
    for version in versions:
        await _steps(scene, f"getting the image of {version}", after=2)
        await scene.happens(LayersPulled(0, 9, 0))
        await scene.happens(LayersPulled(8, 9, 310 * MB), after=4)
    loading = "rehearsing: loading the backup into a throw-away database"
    await _steps(scene, "backing up", loading, after=3)
    await scene.happens(_passed(0))
    await scene.happens(_passed(129), after=3)
    for version in versions:
        await _steps(scene, f"rehearsing {version}: its migrations, on the copy", after=5)
        await _steps(scene, f"rehearsing {version}: server and worker, on the copy", after=11)
    await _steps(scene, sayings.rehearsed(*versions), *_hop(versions[0]), after=34)


def _hop(version: str) -> tuple[str, ...]:
    return (
        GOING_AWAY,
        "copying the database",
        f"setting AUTHENTIK_TAG to {version}",
        "removing server and worker once more",
        f"starting {version}",
        f"waiting until {version} holds",
    )


async def _steps(scene: Scene, *steps: str, after: float = 20) -> None:
    """They follow each other within a second, so that only the last is seen under way."""
    await scene.happens(*map(StepBegan, steps), after=after)


async def release_news(scene: Scene) -> None:
    """A new version is out: told once, with a button that shows the way to it."""
    world = scene.world
    world.rolls.update = make_update()
    assert scene.chat
    await scene.chat.tell_news(
        NewRelease(
            place="ghcr.io/goauthentik/server",
            current="2025.2.1",
            target="2025.4.4",
            steps=2,
            notes=Version(2025, 4, 4).notes,
            security=True,
        )
    )
    await scene.follows()
    await scene.passes(3600)
    await scene.presses("Show me the way")
    await scene.passes(30)
    await scene.presses("No")


async def absence(scene: Scene) -> None:
    """The bot was down for half a day, backups by hand failed: one message tells, one adds why."""
    await scene.stops()
    world = scene.world
    for number in range(6):
        world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
        world.clock.advance(40)
        said = sayings.CUT_OFF if number == 4 else sayings.LOST
        world.operations.end(JobState.FAILED, sayings.failed_dump(said))
        world.clock.advance(7160)
    await scene.starts()


async def missing_backups(scene: Scene) -> None:
    """Planned backups fail night after night: one alarm wakes people, and its end is told."""
    world = scene.world
    assert scene.chat
    nights = [
        replace(
            make_job(JobState.FAILED, sayings.full_store()),
            id=make_backup_id(NOW - timedelta(hours=hours), "k3f9"),
            trigger=Trigger.SCHEDULE,
            label="",
            started=NOW - timedelta(hours=hours),
            slot=NOW - timedelta(hours=hours),
            ended=NOW - timedelta(hours=hours, seconds=-40),
        )
        for hours in (8.5, 32.5)
    ]
    world.operations.all_jobs = nights
    await scene.chat.alarms.alarm(sayings.missing(nights, NOW - timedelta(hours=56), NOW))
    await scene.follows()
    await scene.passes(30)
    await scene.presses("Try again")
    await scene.passes(125)
    await scene.finishes()
    await scene.chat.alarms.over(JobKind.BACKUP, world.clock.now())
    await scene.follows()


async def incident(scene: Scene) -> None:
    """The database runs out of memory and takes the worker with it; it comes back by itself."""
    assert scene.chat
    scene.world.operations.records = [NEWEST]
    trouble, detail = ended(137, out_of_memory=True, told_to=False)
    began = Incident(
        root="postgresql",
        trouble=trouble,
        detail=detail,
        image="postgres:16",
        began=NOW,
        opened=NOW,
    )
    await scene.chat.incidents.opened(Opened(began))
    await scene.follows()
    await scene.passes(40)
    await scene.presses("Status")
    await scene.passes(100)
    over = replace(began, others=frozenset({"worker"}), flaps=1)
    well_since = scene.world.clock.now() - Rules(depends={}).settle
    await scene.chat.incidents.closed(Closed(over, well_since, "postgres:16"))
    await scene.follows()


async def admins_group(scene: Scene) -> None:
    """A club is told in its group: one may not mute, another may, and all see who did what."""
    world = scene.world
    world.operations.records = [NEWEST]
    await scene.stops()
    scene.where = world.telegram.supergroup()
    world.alerts = (ChatPlace(scene.where.id),)
    await scene.starts()
    assert scene.chat
    trouble, detail = ended(1, out_of_memory=False, told_to=False)
    crashed = Incident(
        root="worker",
        trouble=trouble,
        detail=detail,
        image="ghcr.io/goauthentik/server:2025.4.1",
        began=NOW,
        opened=NOW,
    )
    await scene.chat.incidents.opened(Opened(crashed))
    await scene.follows()
    await scene.passes(60)
    await scene.says("/mute 2h", world.vera)
    await scene.passes(30)
    await scene.says("/mute 2h", world.olga)
    await scene.passes(120)
    await scene.says("/jobs", world.vera)
    await scene.chat.incidents.closed(Closed(crashed, world.clock.now(), crashed.image))
    await scene.follows()


async def report(scene: Scene) -> None:
    """A week in which the worker crashed and a backup failed: what needs somebody stands first."""
    assert scene.chat
    world = scene.world
    world.operations.records = [
        record(8.5 + 24 * day, (215 - day) * MB) for day in range(7) if day != 2
    ]
    world.operations.all_jobs = [_night(day) for day in range(7)]
    crash = Incident(
        root="worker",
        trouble=Trouble.CRASHED,
        detail="exit code 1",
        image="",
        began=NOW - timedelta(hours=40),
        opened=NOW - timedelta(hours=40),
    )
    slow = replace(crash, root="server", trouble=Trouble.UNHEALTHY, began=NOW - timedelta(hours=9))
    world.reporter.incidents = [
        PastIncident(crash, crash.began + timedelta(minutes=95)),
        PastIncident(slow, slow.began + timedelta(minutes=4)),
    ]
    drilled = DrillReport(
        backup_id=world.operations.records[-1].id,
        stack="authentik",
        verdict=Verdict.PASS,
        began=NOW - timedelta(hours=55),
        seconds=95,
    )
    security = HopOutlook(
        hop=Hop(Version(2025, 4, 1), Version(2025, 4, 4)), digest="", size=1, security=True
    )
    world.reporter.facts = {
        "drill": drilled,
        "outlook": Outlook(
            place="ghcr.io/goauthentik/server",
            current=security.hop.start,
            target=security.version,
            hops=(security,),
            holds=(),
        ),
        "silent": {"nas": "connect: no route to host"},
    }
    await scene.chat.reports.week(NOW)
    await scene.follows()
    await scene.passes(86_400 * 2)
    world.operations.records = [record(-39.5), *world.operations.records]
    world.reporter.facts = {"drill": drilled}
    world.reporter.incidents = ()
    await scene.chat.reports.day(world.clock.now(), only_trouble=False)
    await scene.follows()
    await scene.says("/report 1")


def _restored_long_ago() -> Job:
    began = NOW - timedelta(days=30)
    return replace(
        make_job(JobState.DONE),
        id=make_backup_id(began, "k3f9"),
        kind=JobKind.RESTORE,
        label=OLDER.id,
        crashes=0,
        started=began,
        ended=began + timedelta(seconds=230),
    )


def _night(days_ago: int) -> Job:
    """The planned backup of that night; that of the day before yesterday failed."""
    began = NOW - timedelta(hours=8.5 + 24 * days_ago)
    return replace(
        make_job(JobState.FAILED if days_ago == 2 else JobState.DONE),
        id=make_backup_id(began, "k3f9"),
        trigger=Trigger.SCHEDULE,
        label="",
        started=began,
        ended=began + timedelta(seconds=40),
    )


SCENARIOS: dict[str, Scenario] = {
    each.__name__: each
    for each in (
        backup,
        verify,
        drill,
        failing_backup,
        missing_backups,
        restore,
        choices,
        changed_plan,
        update,
        rollback,
        release_news,
        incident,
        admins_group,
        report,
        absence,
    )
}
