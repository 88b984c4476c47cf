"""What is known of the bot and its stack, and the figures that Prometheus is told of it. Pure.

Times are Unix seconds, sizes bytes. What is not known has no sample: an alert can ask for that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.container_state import ContainerState
from bot.domain.daemon_report import FAILED, NO_CHAT, DaemonReport
from bot.domain.figures import Family, Kind, labelled, single
from bot.domain.findings import DiskUsage
from bot.domain.jobs import Job, JobKind, JobState
from bot.domain.metrics_around import families_around
from bot.domain.surroundings import Surroundings

_PROTECTING = (JobKind.BACKUP, JobKind.DRILL)
_ENDS = tuple(state for state in JobState if state is not JobState.RUNNING)
_FAILURES = frozenset({JobState.FAILED, JobState.STUCK})  # what was cut off is run once more
_BEATS = ("sent", "failed")


@dataclass(frozen=True)
class StoreFigures:
    """What lies in a store; None where that was not looked at yet."""

    backups: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """*since* is when the state folder was first used; *jobs* are the newest ones, newest first.

    *ended* counts jobs since the bot started, *beats* what a dead man's switch was sent. *good* is
    when the newest backup and drill were begun that count, *limits* after how long without there is
    an alarm. *systems* says what is wrong with Docker and each store, "" for nothing. *stack* says
    whether it was found, *containers* and *surroundings* are as they were looked at last; None
    where that is unknown. *collectors* says of each group of facts whether it could be asked.
    """

    version: str
    since: datetime
    report: DaemonReport
    jobs: Sequence[Job] = ()
    ended: Mapping[tuple[JobKind, JobState], int] = field(default_factory=dict)
    good: Mapping[JobKind, datetime | None] = field(default_factory=dict)
    limits: Mapping[JobKind, timedelta | None] = field(default_factory=dict)
    coming: Mapping[str, datetime] = field(default_factory=dict)
    docker: str | None = None
    stores: Mapping[str, str] = field(default_factory=dict)
    contents: Mapping[str, StoreFigures] = field(default_factory=dict)
    newest_size: int | None = None
    stack: bool | None = None
    containers: Mapping[str, ContainerState | None] = field(default_factory=dict)
    incidents: int | None = None
    beats: Mapping[tuple[JobKind, str], int] = field(default_factory=dict)
    switches: Sequence[JobKind] = ()
    disks: Mapping[str, DiskUsage] = field(default_factory=dict)
    surroundings: Surroundings | None = None
    collectors: Mapping[str, bool] = field(default_factory=dict)


def families(facts: Facts) -> list[Family]:
    """All figures; the names keep to Prometheus' conventions."""
    return [
        *_of_the_bot(facts),
        *(each for kind in _PROTECTING for each in _of_protection(facts, kind)),
        *_of_jobs(facts),
        *_of_the_stack(facts),
        *_of_the_outside(facts),
        *families_around(facts.surroundings),
    ]


def _of_the_bot(facts: Facts) -> list[Family]:
    report = facts.report
    complaints = (*report.failing, *report.troubles)
    chat = None if report.chat == NO_CHAT else report.chat == "ok"
    return [
        Family("akbot_build_info", "The version of akbot.", ("version",), (((facts.version,), 1),)),
        single(
            "akbot_state_created_timestamp_seconds",
            "When the state folder was first used.",
            facts.since.timestamp(),
        ),
        single("akbot_healthy", "Whether /healthz is content: 0 for 503.", report.status != FAILED),
        single(
            "akbot_troubles", "How many things of its own the bot complains of.", len(complaints)
        ),
        single("akbot_paused", "Whether nothing begins by itself.", bool(report.paused)),
        single("akbot_chat_up", "Whether Telegram answers; absent without a chat.", chat),
        labelled(
            "akbot_schedule_next_timestamp_seconds",
            "When planned work begins next; absent while it is off or paused.",
            ("work",),
            ((name, at.timestamp()) for name, at in facts.coming.items()),
        ),
        labelled(
            "akbot_collector_up",
            "Whether this group of figures could be asked in time.",
            ("collector",),
            facts.collectors.items(),
        ),
    ]


def _of_protection(facts: Facts, kind: JobKind) -> list[Family]:
    """Of backups, and of drills: when, for how long, and how old one may get."""
    good, limit = facts.good.get(kind), facts.limits.get(kind)
    done = next((job for job in facts.jobs if job.kind is kind and _is_done(job)), None)
    bad = [job.ended for job in facts.jobs if job.kind is kind and job.state in _FAILURES]
    failed = max((ended for ended in bad if ended), default=None)
    what = "good backup" if kind is JobKind.BACKUP else "drill that found nothing wrong"
    return [
        single(
            f"akbot_{kind}_last_success_timestamp_seconds",
            f"When the newest {what} was begun.",
            good.timestamp() if good else None,
        ),
        single(
            f"akbot_{kind}_last_failure_timestamp_seconds",
            f"When a {kind} last failed.",
            failed.timestamp() if failed else None,
        ),
        single(
            f"akbot_{kind}_duration_seconds",
            f"How long the newest {kind} that ended well took.",
            (done.ended - done.started).total_seconds() if done and done.ended else None,
        ),
        single(
            f"akbot_{kind}_alarm_after_seconds",
            f"After how long without a {what} there is an alarm; absent for never.",
            limit.total_seconds() if limit else None,
        ),
    ]


def _is_done(job: Job) -> bool:
    return job.state is JobState.DONE and job.ended is not None


def _of_jobs(facts: Facts) -> list[Family]:
    running = {job.kind for job in facts.jobs if job.state is JobState.RUNNING}
    is_known = facts.collectors.get("journal", False)
    ends = [(kind, state) for kind in JobKind for state in _ENDS if _can_end(kind, state)]
    return [
        Family(
            "akbot_job_total",
            "Jobs that have ended since the bot started, whoever ran them.",
            ("kind", "outcome"),
            tuple(((*each,), facts.ended.get(each, 0)) for each in ends),
            Kind.COUNTER,
        ),
        labelled(
            "akbot_job_running",
            "Whether such a job runs.",
            ("kind",),
            ((kind, kind in running) for kind in JobKind if is_known),
        ),
        single(
            "akbot_jobs_uncleaned",
            "Jobs of which something half-done is left.",
            len(facts.report.uncleaned),
        ),
        single("akbot_jobs_stuck", "Jobs that wait for a person.", len(facts.report.stuck)),
    ]


def _can_end(kind: JobKind, state: JobState) -> bool:
    return state is not JobState.ROLLED_BACK or kind is JobKind.UPDATE


def _of_the_stack(facts: Facts) -> list[Family]:
    checked = {name: each for name, each in facts.containers.items() if each and each.health}
    return [
        single(
            "akbot_docker_up",
            "Whether the Docker Engine answers.",
            None if facts.docker is None else not facts.docker,
        ),
        single(
            "akbot_stack_found",
            "Whether there are containers of Authentik; absent while Docker does not tell.",
            facts.stack,
        ),
        labelled(
            "akbot_container_up",
            "Whether the service's container has a process.",
            ("service",),
            ((name, bool(each and each.runs)) for name, each in facts.containers.items()),
        ),
        labelled(
            "akbot_container_healthy",
            "Whether its health check passes; absent where it has none.",
            ("service",),
            ((name, each.health == "healthy") for name, each in checked.items()),
        ),
        single("akbot_incidents_open", "Incidents of the containers at present.", facts.incidents),
    ]


def _of_the_outside(facts: Facts) -> list[Family]:
    contents, disks = facts.contents, facts.disks
    return [
        single(
            "akbot_backup_size_bytes", "The stored size of the newest backup.", facts.newest_size
        ),
        labelled(
            "akbot_store_up",
            "Whether the store answers.",
            ("store",),
            ((name, not words) for name, words in facts.stores.items()),
        ),
        labelled(
            "akbot_store_backups",
            "Backups in the store, good or not.",
            ("store",),
            ((name, each.backups) for name, each in contents.items()),
        ),
        labelled(
            "akbot_store_size_bytes",
            "What they take.",
            ("store",),
            ((name, each.size) for name, each in contents.items()),
        ),
        Family(
            "akbot_heartbeat_total",
            "What a dead man's switch was told, and what it did not take.",
            ("kind", "outcome"),
            tuple(
                ((kind, outcome), facts.beats.get((kind, outcome), 0))
                for kind in facts.switches
                for outcome in _BEATS
            ),
            Kind.COUNTER,
        ),
        labelled(
            "akbot_disk_free_bytes",
            "What is free on the file system.",
            ("disk",),
            ((name, disk.free) for name, disk in disks.items()),
        ),
        labelled(
            "akbot_disk_size_bytes",
            "How large it is.",
            ("disk",),
            ((name, disk.total) for name, disk in disks.items()),
        ),
    ]
