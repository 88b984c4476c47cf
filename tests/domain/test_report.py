"""From what is known to a report: what counts, and what needs a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.alarms import Limit
from bot.domain.backup_id import make_backup_id
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.container_state import DOCKER, STACK
from bot.domain.downtime import came_back, gone
from bot.domain.drill import VERDICT, DrillReport, Verdict
from bot.domain.findings import Level
from bot.domain.incident import Incident, Trouble
from bot.domain.incident_history import PastIncident, causes
from bot.domain.jobs import DEGRADED, PARTIAL, Job, JobKind, JobState, Trigger
from bot.domain.pause import Pause
from bot.domain.report import WEEK, LoginReport, Report, report_of
from bot.domain.report_facts import Expected, Facts
from bot.domain.schedule import Schedule
from bot.domain.stack import Role
from bot.domain.surroundings_subjects import needed_for_login
from bot.domain.update_outlook import Outlook
from bot.entrypoints.render_report import daily_words, report_lines
from tests.domain.test_update_news import OLD, outlook

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SERVING = {"server", "postgresql"}


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def job(
    hours: float,
    state: JobState = JobState.DONE,
    kind: JobKind = JobKind.BACKUP,
    *,
    message: str = "",
    **how: Any,
) -> Job:
    began = ago(hours)
    return Job(
        id=make_backup_id(began, "k3f9"),
        kind=kind,
        trigger=Trigger.SCHEDULE,
        actor="schedule",
        slot=began,
        started=began,
        ended=began + timedelta(minutes=1),
        state=state,
        message=message,
        **how,
    )


def record(hours: float, state: BackupState = BackupState.GOOD, **how: Any) -> BackupRecord:
    return BackupRecord(make_backup_id(ago(hours), "k3f9"), state, stored_size=1000, **how)


def incident(
    root: str,
    began: float,
    ended: float | None,
    *others: str,
    opened: float | None = None,
    trouble: Trouble = Trouble.CRASHED,
) -> PastIncident:
    """Of so many hours ago until so many."""
    found = Incident(
        root=root,
        trouble=trouble,
        detail="exit code 1",
        image="",
        began=ago(began),
        opened=ago(began if opened is None else opened),
        others=frozenset(others),
    )
    return PastIncident(found, None if ended is None else ago(ended))


def drill(hours: float, verdict: Verdict = Verdict.PASS, *reasons: str) -> DrillReport:
    return DrillReport(
        backup_id=make_backup_id(ago(hours), "k3f9"),
        stack="authentik",
        verdict=verdict,
        began=ago(hours),
        seconds=60,
        reasons=reasons,
    )


WELL = Facts(
    begin=NOW - WEEK,
    now=NOW,
    installed=NOW - timedelta(days=30),
    expected=Expected(backup_within=Limit(timedelta(hours=26)), drills=Schedule("0 5 * * 0", UTC)),
    serving=SERVING,
    jobs=[job(4.5), job(28.5), job(51, kind=JobKind.DRILL)],
    records=[record(4.5), record(28.5)],
    drill=drill(51),
)


def made(**changes: Any) -> Report:
    return report_of(replace(WELL, **changes))


def needs(**changes: Any) -> list[str]:
    return [each.message for each in made(**changes).needs]


def test_a_quiet_week_says_what_there_is_and_asks_for_nothing() -> None:
    report = made()

    assert report.is_well
    assert report_lines(report, UTC) == [
        "From 2026-11-17 08:00 to 2026-11-24 08:00 UTC",
        (
            "Backups:   2 made, verified and signed. In the store: 2 good, 2.0 kB; the newest 4 h"
            " ago, 1.0 kB"
        ),
        "Drills:    1 passed, the last one 2 days ago",
        "Incidents: none",
        "Login:     up all the time that akbot watched",
        "Update:    not looked for (AKBOT_UPDATE_CHECK_SCHEDULE is off)",
        "",
        "Nothing needs you.",
    ]
    assert (
        daily_words(report) == "backup 4 h ago, 1.0 kB; drill 2 days ago;"
        " login up as far as akbot watched"
    )


@pytest.mark.parametrize(
    ("jobs", "figures"),
    [
        pytest.param([], (0, 0, 0), id="nothing ran"),
        pytest.param([job(1), job(25, JobState.FAILED)], (1, 1, 0), id="one failed"),
        pytest.param([job(1, JobState.CANCELLED)], (0, 0, 0), id="a person did not want it"),
        pytest.param([job(1, plan={PARTIAL: "media"})], (0, 0, 0), id="a part is no backup"),
        pytest.param([job(169), job(170, kind=JobKind.DRILL)], (0, 0, 0), id="before the time"),
        pytest.param([job(168)], (1, 0, 0), id="it ended in it"),
        pytest.param(
            [job(1, kind=JobKind.DRILL), job(2, JobState.FAILED, JobKind.DRILL)],
            (0, 0, 1),
            id="drills that passed",
        ),
        pytest.param(
            [job(1, kind=JobKind.DRILL, plan={VERDICT: Verdict.READ})],
            (0, 0, 0),
            id="a drill that restored nothing",
        ),
    ],
)
def test_what_ran_in_the_time_is_counted(jobs: list[Job], figures: tuple[int, int, int]) -> None:
    backups = made(jobs=jobs).backups

    assert (backups.made, backups.failed, backups.proven) == figures


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"records": [record(30)]}, ["there is no good backup since"], id="too old"),
        pytest.param(
            {"records": [record(-1000), record(30)]},
            ["there is no good backup since"],
            id="too old but for one of times to come",
        ),
        pytest.param({"records": [], "jobs": []}, ["there is no good backup yet"], id="none"),
        pytest.param(
            {"records": [], "silent": {"": "refused"}},
            ["the store does not answer: refused"],
            id="nobody knows what there is",
        ),
        pytest.param(
            {"silent": {"nas": "refused"}}, ['store "nas" does not answer'], id="one of several"
        ),
        pytest.param(
            {"records": [record(1, lacking=("nas",))]}, ["is not in nas"], id="not everywhere"
        ),
        pytest.param(
            {"records": [record(1), record(2, BackupState.DAMAGED)]},
            ["1 backup is damaged"],
            id="damaged",
        ),
        pytest.param({"drill": drill(1, Verdict.FAIL, "rows")}, ["failed: rows"], id="no proof"),
        pytest.param({"drill": drill(400)}, ["no backup was proven lately"], id="drills overdue"),
        pytest.param(
            {
                "drill": drill(1, Verdict.READ),
                "jobs": [
                    job(1, kind=JobKind.DRILL, message=f"read; {DEGRADED}no key"),
                    *WELL.jobs,
                ],
            },
            [],
            id="a drill without the key, which is told once",
        ),
        pytest.param(
            {"jobs": [job(1, JobState.FAILED, JobKind.PRUNE, message="denied"), *WELL.jobs]},
            ["the last prune did not end well: denied"],
            id="prunes fail",
        ),
        pytest.param(
            {"jobs": [job(1, kind=JobKind.PRUNE), job(2, JobState.FAILED, JobKind.PRUNE)]},
            [],
            id="prunes work again",
        ),
        pytest.param(
            {"jobs": [job(200, JobState.FAILED, JobKind.PRUNE)]}, [], id="that was told before"
        ),
        pytest.param(
            {"jobs": [job(1, JobState.ROLLED_BACK, JobKind.UPDATE, message="no 200")]},
            ["the last update was rolled back: no 200"],
            id="rolled back",
        ),
        pytest.param(
            {"jobs": [job(1, message="done, degraded: it is not in nas")]},
            ["did only a part of its work: it is not in nas"],
            id="degraded",
        ),
        pytest.param(
            {"stuck": [job(9, JobState.STUCK, message="2025.2.1 does not hold")]},
            ["was given up: 2025.2.1 does not hold"],
            id="stuck",
        ),
        pytest.param({"incidents": [incident("worker", 2, 1)]}, [], id="it is over"),
        pytest.param(
            {"incidents": [incident("worker", 2, None)]}, ["worker is crashed"], id="down"
        ),
        pytest.param({"outlook": outlook()}, [], id="an update can wait"),
        pytest.param(
            {"outlook": outlook(security=True)}, ["mends a security hole"], id="this cannot"
        ),
        pytest.param({"outlook": "refused"}, ["is not known: refused"], id="nobody was heard"),
        pytest.param({"pause": Pause(ago(1), "restored")}, ["are paused since"], id="paused"),
        pytest.param({"pause": Pause(ago(2), "planned", ago(1))}, [], id="no more"),
    ],
)
def test_what_needs_a_person(changes: dict[str, Any], words: list[str]) -> None:
    found = needs(**changes)

    assert len(found) == len(words), found
    assert all(part in message for part, message in zip(words, found, strict=True)), found


def test_the_worst_stands_first_and_each_has_its_remedy() -> None:
    report = made(outlook="refused", incidents=[incident("server", 2, None)], records=[record(30)])

    assert [each.level for each in report.needs] == ["failure", "failure", "warning"]
    assert all(each.remedy for each in report.needs)
    assert not report.is_well


@pytest.mark.parametrize(
    ("incidents", "hours"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([incident("server", 5, 4)], 1, id="one"),
        pytest.param([incident("worker", 5, 4)], 0, id="nobody logs in by the worker"),
        pytest.param([incident("redis", 5, 4, "server")], 1, id="it took the server with it"),
        pytest.param([incident("server", 5, 3), incident("postgresql", 4, 2)], 3, id="overlapping"),
        pytest.param([incident("server", 5, 1), incident("postgresql", 4, 2)], 4, id="inside"),
        pytest.param([incident("server", 200, 167)], 1, id="only what is in the time"),
        pytest.param([incident("server", 3, None)], 3, id="it lasts"),
    ],
)
def test_the_time_without_login_counts_each_moment_once(
    incidents: list[PastIncident], hours: float
) -> None:
    assert made(incidents=incidents).login.incidents == hours * 3600


def test_jobs_that_took_the_server_away_count_as_well() -> None:
    update = job(5, kind=JobKind.UPDATE, plan=came_back(68))
    login = made(jobs=[update], incidents=[incident("server", 3, 2)]).login

    assert (login.incidents, login.jobs) == (3600, 68)
    assert login.share == pytest.approx(1 - 3668 / WEEK.total_seconds())
    assert (
        "Login:     up 99.39% of the time that akbot watched; away 1 h 0 min in incidents and"
        " 1 min 8 s in updates or restores"
    ) in report_lines(made(jobs=[update], incidents=[incident("server", 3, 2)]), UTC)


def test_an_incident_that_a_job_met_counts_once() -> None:
    """The update began while the server was down: its minute is told of the incident alone."""
    update = job(3, kind=JobKind.UPDATE, plan={**gone(ago(3)), **came_back(40)})

    login = made(jobs=[update], incidents=[incident("server", 4, 2)]).login

    assert (login.incidents, login.jobs) == (7200, 0)


def test_a_second_away_is_no_hundred_percent() -> None:
    update = job(5, kind=JobKind.UPDATE, plan=came_back(1))

    assert any("up 99.99% " in line for line in report_lines(made(jobs=[update]), UTC))


def test_a_young_installation_speaks_of_the_time_that_it_watched() -> None:
    login = made(installed=ago(10), incidents=[incident("server", 5, 0)]).login

    assert login.watched == 36_000
    assert login.share == 0.5


def test_while_docker_does_not_answer_nobody_knows_who_could_log_in() -> None:
    """It may have been stopped with all containers, or gone on without its daemon."""
    report = made(begin=ago(24), incidents=[incident(DOCKER, 10, 1), incident("server", 4, 3)])

    assert (report.login.watched, report.login.blind) == (16 * 3600, 8 * 3600)
    assert (report.login.incidents, report.login.share) == (3600, 15 / 16)
    assert (
        "Login:     up 93.75% of the time that akbot watched; away 1 h 0 min in incidents;"
        " not known for 8 h 0 min, as Docker did not answer"
    ) in report_lines(report, UTC)
    dark = made(begin=ago(24), incidents=[incident(DOCKER, 10, 1)])
    assert daily_words(dark).endswith(
        "login up as far as akbot watched; not known for 9 h 0 min, as Docker did not answer"
    )


def test_what_docker_took_with_it_was_away() -> None:
    login = made(incidents=[incident(DOCKER, 10, 1, "server")]).login

    assert (login.watched, login.incidents) == (WEEK.total_seconds(), 9 * 3600)


def test_what_was_taken_in_by_its_cause_is_not_counted_twice() -> None:
    told_first = incident("server", 5, 4.5)
    cause = incident("postgresql", 5, 3, "server", opened=4.5)

    assert causes([told_first, cause]) == [cause]
    earlier, alone = incident("server", 9, 8), incident("redis", 5, 4.5)
    assert causes([earlier, alone, cause]) == [earlier, alone, cause], "it ended by itself"
    grown = incident("postgresql", 5, 3, "server-1", opened=4.5)
    assert causes([told_first, grown]) == [grown], "it got another one beside it"
    report = made(incidents=[told_first, cause]).incidents
    assert (report.count, report.seconds) == (1, 7200)
    assert report.worst == "postgresql (crashed)"


def test_the_longest_of_several_is_the_worst() -> None:
    report = made(incidents=[incident("worker", 9, 8.5), incident("redis", 5, 1)])

    assert (
        "Incidents: 2, 4 h 30 min in all; the longest 4 h 0 min: redis (crashed)"
        in report_lines(report, UTC)
    )
    assert not report.is_well


NOT_READY = incident("ready check of server", 30, 25, trouble=Trouble.NOT_READY)
DRIFTED = incident("configured image of server", 480, None, trouble=Trouble.DRIFT)
FULL = incident("disk of /srv", 20, 10, trouble=Trouble.DISK)


def test_of_an_incident_that_began_earlier_counts_what_is_in_the_time() -> None:
    report = made(incidents=[incident("worker", 480, None), incident("redis", 480, 167)])

    assert (report.incidents.seconds, report.incidents.worst_seconds) == (169 * 3600, 168 * 3600)


def test_warnings_are_no_incidents_and_have_a_line_of_their_own() -> None:
    found = [NOT_READY, incident("postgresql", 50, 49.5), DRIFTED]
    lines = report_lines(made(incidents=found), UTC)

    assert (
        "Incidents: 2, 5 h 30 min in all; the longest 5 h 0 min: ready check of server (failing)"
    ) in lines
    assert "Warnings:  one, 7 days: configured image of server (not the one that runs)" in lines


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param([], "", id="none"),
        pytest.param([FULL], "one, 10 h 0 min: disk of /srv (nearly full)", id="one"),
        pytest.param(
            [FULL, DRIFTED],
            "2; the longest 7 days: configured image of server (not the one that runs)",
            id="several, which nobody sums up",
        ),
    ],
)
def test_a_day_names_its_warnings(found: list[PastIncident], words: str) -> None:
    report = made(incidents=found)
    said = daily_words(report)

    assert "incidents: " not in said
    assert said.partition("warnings: ")[2].partition("; login")[0] == words
    assert report.is_well is not bool(found)


@pytest.mark.parametrize(
    ("found", "level"),
    [
        pytest.param(DRIFTED, Level.WARNING, id="all works still"),
        pytest.param(replace(NOT_READY, ended=None), Level.FAILURE, id="it does not"),
    ],
)
def test_what_lasts_is_told_as_what_it_is(found: PastIncident, level: Level) -> None:
    [need] = made(incidents=[found]).needs

    assert need.level is level


def test_what_began_another_day_has_its_date() -> None:
    [words] = needs(incidents=[DRIFTED])

    assert "runs since 2026-11-04 08:00:00 UTC" in words


def test_nobody_logs_in_while_authentik_itself_says_that_it_is_not_ready() -> None:
    names = {Role.SERVER: ["web"], Role.WORKER: ["jobs"], Role.POSTGRESQL: ["db"], Role.REDIS: []}

    needed = needed_for_login(names)

    assert needed == {STACK, "web", "db", "ready check of web"}
    not_ready = incident("ready check of web", 30, 25, trouble=Trouble.NOT_READY)
    assert made(incidents=[not_ready], serving=needed).login.incidents == 5 * 3600
    assert made(incidents=[DRIFTED], serving=needed).login.incidents == 0


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        pytest.param(outlook(), "2025.4.4 is out; 2025.2.1 runs", id="newer"),
        pytest.param(
            outlook(security=True),
            "2025.4.4 is out, a security release; 2025.2.1 runs",
            id="security",
        ),
        pytest.param(
            replace(outlook(), hops=(), target=OLD),
            "2025.2.1 runs, and nothing newer",
            id="up to date",
        ),
        pytest.param("refused", "not known", id="no answer"),
    ],
)
def test_what_is_said_of_updates(seen: Outlook | str, words: str) -> None:
    [line] = [each for each in report_lines(made(outlook=seen), UTC) if "Update:" in each]

    assert words in line


def test_a_time_that_nobody_watched_was_no_outage() -> None:
    assert LoginReport(watched=0).share == 1
    assert LoginReport(watched=100, incidents=10, jobs=5).share == pytest.approx(0.85)
