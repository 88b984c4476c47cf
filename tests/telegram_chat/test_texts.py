"""Every text within Telegram's limits and markup, whatever people and stores call themselves."""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.agenda import Coming
from bot.domain.alarms import Alarm, LateSuccess
from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.charts import Figures
from bot.domain.cure import Treatment
from bot.domain.drill import VERDICT, Verdict
from bot.domain.errors import BusyError, IntegrityError, PortError, RefusedError
from bot.domain.findings import Finding, Level
from bot.domain.incident import Closed, Incident, Opened, Reminded, Trouble
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.messages import BackupStarted, ComponentProgressed, ComponentStored
from bot.domain.pause import Pause
from bot.domain.progress import BackupProgress
from bot.domain.report import (
    BackupsReport,
    IncidentsReport,
    LoginReport,
    Report,
    UpdateReport,
)
from bot.domain.restore import GOING_AWAY
from bot.domain.roles import Act, ChatRole
from bot.domain.stack import Role
from bot.domain.summary import summarise
from bot.entrypoints.telegram import (
    alarm_texts,
    away_texts,
    backup_texts,
    cancel_texts,
    chart_texts,
    copy_texts,
    drill_texts,
    failure_texts,
    file_texts,
    incident_texts,
    job_list_texts,
    job_texts,
    look_texts,
    planning_texts,
    prune_texts,
    question_texts,
    report_texts,
    restore_plan_texts,
    restore_texts,
    role_texts,
    start_texts,
    texts,
    update_plan_texts,
    update_texts,
    verify_texts,
)
from bot.entrypoints.telegram.asked import Asked, Person, Place, command_text, parse_origin
from bot.entrypoints.telegram.command_table import menu
from bot.entrypoints.telegram.markup import (
    COLUMNS,
    MOST_IN_CAPTION,
    bold,
    clip,
    cut,
    escape,
    fitting,
    table,
    units,
    width,
)
from bot.entrypoints.telegram.typed import Unclear
from bot.services.journal_ports import Message
from bot.services.looks import VersionsNow
from bot.services.settling import backed_up
from bot.services.verify import Verified
from tests.bot_api.markup import parse_html
from tests.telegram_chat.rolls import make_update
from tests.telegram_chat.samples import MB, component, finished, make_preview, record
from tests.telegram_chat.test_chart_texts import DOTS, use
from tests.telegram_chat.world import NOW, make_stack

WALL = texts.Wall(NOW, UTC)
ANYTHING = st.text(st.characters(), max_size=700) | st.sampled_from(
    [
        "<b>&",
        "&nbsp;",
        "\u202eevil",
        "\ud800",
        "\x00\x1b[0m",
        "👩‍👩‍👧" * 200,
        "漢字" * 300,
        "&" * 5000,
        "</pre>",
    ]
)
PARTS = {  # of texts, or for documents and terminals
    "away_texts.not_reached",
    "backup_texts.back_up_now",
    "refusal_texts.why_not",
    "job_texts.bar",
    "job_texts.figures",
    "job_texts.log_button",
    "job_texts.step_lines",
    "job_texts.tried_again",
    "job_texts.ways_on",
    "job_texts.who",
    "look_texts.why",
    "job_list_texts.gone",
    "question_texts.answered_before",
    "restore_plan_texts.how_to_agree",
    "texts.by",
    "texts.run_words",
    "texts.problem",
    "verify_texts.outcome_figures",
}
STATES = st.sampled_from(list(JobState))


def make_job(state: JobState = JobState.RUNNING, hostile: str = "Anna (42)") -> Job:
    return Job(
        id=BackupId("20261124T120000Z-k3f9"),
        kind=JobKind.BACKUP,
        trigger=Trigger.CHAT,
        actor=hostile,
        started=NOW - timedelta(minutes=4),
        state=state,
        label=hostile,
        progress=hostile,
        share=0.62,
        message=hostile,
        ended=None if state is JobState.RUNNING else NOW,
        crashes=3,
        swept=state is not JobState.STUCK,
    )


def make_progress(name: str = "files-media") -> BackupProgress:
    progress = BackupProgress()
    for event in (
        BackupStarted(BackupId("20261124T120000Z-k3f9"), 1000 * MB, 1000 * MB),
        ComponentStored(component("globals")),
        ComponentProgressed("postgres", 620 * MB, 150 * MB),
        ComponentProgressed(name, 5 * MB, 2 * MB),
    ):
        progress = progress.after(event)
    return progress


def asked(text: str, hours: float = 2) -> Asked:
    return Asked(
        place=Place(bot=1, chat=-100, thread=3, message_id=9),
        person=Person(id=42, name="Anna"),
        text=command_text(text),
        sent=NOW - timedelta(hours=hours),
    )


def all_texts(hostile: str, state: JobState) -> list[str]:
    job = make_job(state, hostile)
    ended = replace(job, state=JobState.FAILED) if state is JobState.RUNNING else job
    incident = Incident(
        root=hostile,
        trouble=Trouble.OUT_OF_MEMORY,
        detail=hostile,
        image="postgres:16",
        began=NOW,
        opened=NOW,
        others=frozenset({hostile, "worker"}),
        flaps=2,
    )
    alarm = Alarm(kind=JobKind.DRILL, good=None, baseline=NOW, opened=NOW, number=2, next=NOW)
    error = PortError(hostile, hint=hostile)
    stack = make_stack(hostile)
    stack = replace(stack, project=hostile, worker=replace(stack.server, state=hostile))
    container = replace(stack.server, service=hostile)
    odd = BackupRecord(job.id, BackupState.NOT_TRUSTED, hostile)
    done = finished(job.id, warnings=(hostile,) * 9)
    manifest = replace(done.manifest, label=hostile, actor=hostile)
    strange = replace(record(1), summary=summarise(manifest, b""))
    preview = make_preview(
        manifest=manifest,
        components=(hostile,) * 9,
        untouched=(hostile,) * 9,
        version_now=hostile,
        version_then=None,
        differences=(hostile,) * 20,
        warnings=(hostile,) * 20,
    )
    report = Report(
        begin=NOW - timedelta(days=7),
        end=NOW,
        backups=BackupsReport(made=7, failed=1),
        login=LoginReport(watched=1000, incidents=10),
        incidents=IncidentsReport(count=2, seconds=10, worst=hostile, worst_seconds=9),
        warnings=IncidentsReport(count=2, seconds=10, worst=hostile, worst_seconds=9),
        update=UpdateReport(current=hostile, target=hostile, unknown=hostile),
        needs=(Finding(hostile, Level.FAILURE, hostile, hostile),) * 20,
    )
    return [
        texts.status(stack, [odd], job, WALL),
        texts.status(error, error, None, WALL),
        backup_texts.page([odd, record(1), record(2, pinned=True)] * 9, 1, WALL).text,
        backup_texts.page([], 0, WALL).text,
        backup_texts.one([odd], odd.id, 0, WALL).text,
        backup_texts.one([strange], strange.id, 0, WALL).text,
        backup_texts.one([], odd.id, 0, WALL).text,
        backup_texts.unseen(error, 0, WALL).text,
        backup_texts.none_to_choose(error, WALL).text,
        backup_texts.none_yet().text,
        backup_texts.no_such_backup(RefusedError(hostile)),
        verify_texts.reading(strange, WALL),
        verify_texts.progress("Reading", strange, make_progress(), 14),
        verify_texts.reads_already(strange),
        verify_texts.verified(strange, Verified(strange.id, True, False, 1), 2.0, WALL),  # noqa: FBT003
        verify_texts.verified(strange, Verified(strange.id, False, False, 1), 2.0, WALL),  # noqa: FBT003
        verify_texts.failed(strange, error, WALL).text,
        verify_texts.failed(strange, IntegrityError(hostile), WALL).text,
        verify_texts.stopped(strange, hostile, WALL),
        verify_texts.cancelling([strange.id] * 20),
        restore_plan_texts.looking(),
        restore_plan_texts.refused(error),
        restore_plan_texts.not_the_last(hostile),
        restore_plan_texts.plan(preview, WALL),
        restore_plan_texts.plan(replace(preview, undo_of=job.id), WALL),
        restore_plan_texts.once_more(job.id, "If", WALL, is_undo=False),
        restore_plan_texts.once_more(job.id, "If", WALL, is_undo=True),
        restore_texts.progress(job, BackupProgress(steps=(hostile, GOING_AWAY) * 9), 0, WALL),
        restore_texts.progress_ended(job, WALL),
        restore_texts.restore_what(hostile),
        texts.looked("Looking."),
        texts.never_looked(),
        job_list_texts.jobs([job] * 20, WALL)[0],
        job_list_texts.one_job(job, job.id, WALL)[0],
        job_list_texts.one_job(None, hostile, WALL)[0],
        job_list_texts.no_such_job(RefusedError(hostile)),
        look_texts.versions(VersionsNow(hostile, hostile, hostile, hostile, None)),
        look_texts.which_service({Role.WORKER: container}, 30)[0],
        look_texts.logs_what(hostile),
        look_texts.silent(container),
        look_texts.log(container, [hostile] * 3, WALL) or "too long",
        look_texts.log_caption(container, [hostile]),
        look_texts.why_caption(job),
        role_texts.refused(Act.RESTORE, ChatRole.VIEWER),
        role_texts.not_cancelled(JobKind.RESTORE),
        role_texts.why_not_cancelled(JobKind.RESTORE),
        role_texts.your_role(ChatRole.OPERATOR),
        start_texts.busy(job, BusyError("busy"), WALL, may_stop=True),
        start_texts.busy(None, BusyError(hostile), WALL, may_stop=False),
        start_texts.not_begun(error),
        alarm_texts.alarm(replace(alarm, good=NOW, failed=(job, job)), WALL),
        alarm_texts.alarm(alarm, WALL),
        alarm_texts.late(LateSuccess(job, (job, job)), WALL),
        alarm_texts.over(JobKind.BACKUP, NOW - timedelta(days=2), NOW, WALL),
        alarm_texts.over(JobKind.DRILL, NOW - timedelta(days=2), NOW, WALL),
        backup_texts.to_pin([odd, record(1), record(2, pinned=True)] * 9, WALL, pinned=True).text,
        backup_texts.which_backup(Act.DRILL, [replace(odd, state=BackupState.GOOD)] * 5, {}, WALL),
        backup_texts.to_pin([], WALL, pinned=False).text,
        job_list_texts.job_details(job, WALL),
        incident_texts.opened(Opened(incident, (incident, incident)), WALL),
        incident_texts.closed(Closed(incident, NOW, hostile, frozenset({hostile})), WALL),
        incident_texts.closed(Closed(incident, NOW), WALL, {hostile: [NOW, NOW]}),
        incident_texts.gave_up(
            incident,
            [Treatment(service=hostile, at=NOW, opened=NOW, failure=hostile)],
            WALL,
        ),
        incident_texts.reminded(Reminded(incident), WALL),
        incident_texts.open_line(incident, WALL),
        incident_texts.opened(Opened(replace(incident, trouble=Trouble.SILENT)), WALL),
        start_texts.begins_late(),
        texts.unknown_command(),
        texts.takes_no_words("cancel"),
        texts.takes_no_words("resume"),
        planning_texts.how_to_pause(None, WALL),
        planning_texts.how_to_pause(NOW, WALL),
        planning_texts.how_to_mute(None, WALL),
        planning_texts.how_to_mute(NOW, WALL),
        planning_texts.paused(timedelta(hours=2), WALL),
        planning_texts.muted(NOW, WALL),
        planning_texts.resumed(was_paused=True),
        planning_texts.resumed(was_paused=False),
        planning_texts.schedule(
            [Coming(hostile, hostile, "", 5, (NOW,)), Coming(hostile, hostile, "", 0, ())],
            Pause(reason=hostile, since=NOW, until=NOW + timedelta(hours=1)),
            WALL,
        ),
        question_texts.word_too_late("rollback"),
        question_texts.which_is_meant("rollback"),
        question_texts.not_asked_there("rollback"),
        question_texts.why_not(Unclear.SEVERAL, "rollback"),
        question_texts.until("Go on?", NOW, WALL),
        restore_plan_texts.too_late(hostile),
        job_texts.progress_ended(ended, WALL),
        texts.no_options(hostile, [hostile] * 30),
        texts.no_options(hostile, []),
        start_texts.never_begun(),
        cancel_texts.cancelling(job, WALL),
        texts.help_text(menu()),
        texts.offer([asked(f"/backup {hostile}")] * 7, WALL),
        texts.offer([asked(f"/backup {hostile}")], WALL),
        texts.answered("Go on?", hostile, hostile),
        texts.closed("Go on?", "Too late."),
        texts.old_press("Go on?"),
        texts.cut_off("Go on?"),
        failure_texts.command_failed(error, WALL),
        texts.went_wrong(),
        texts.undelivered(-100, hostile, "text" * 900),
        job_texts.progress(job, make_progress(), 14, WALL),
        job_texts.outcome(job, None, WALL).text,
        job_texts.outcome(job, done, WALL).text,
        prune_texts.outcome(replace(job, kind=JobKind.PRUNE)).text,
        drill_texts.progress(job, make_progress(), 14, WALL),
        drill_texts.progress_ended(job, WALL),
        drill_texts.outcome(job).text,
        restore_texts.outcome(job).text,
        copy_texts.outcome(replace(job, kind=JobKind.COPY)).text,
        copy_texts.outcome(replace(job, kind=JobKind.REKEY)).text,
        job_texts.outcome(
            replace(job, message=backed_up({job.message: job.message})), None, WALL
        ).text,
        away_texts.while_away([(NOW, "text")] * 3, 1, 7, WALL, had_buttons=True),
        away_texts.late(bold(hostile), NOW, WALL),
        away_texts.missed([(NOW, bold(hostile) * 10)] * 9, WALL),
        away_texts.missed([(NOW, bold(hostile))], WALL),
        away_texts.in_plain_words(hostile, bold(hostile) * 30),
        file_texts.without_file(
            Message(key="d", chat=1, text=bold(hostile), document=(hostile, hostile * 500))
        ).text,
        away_texts.out_of_reach(42, hostile),
        away_texts.out_of_reach(-100, hostile),
        away_texts.trial(),
        report_texts.report(report, WALL),
        report_texts.daily(report, WALL),
        report_texts.report_what(hostile),
        texts.no_backup_name(hostile, "drill"),
        texts.pin_what(hostile),
        texts.not_pinned(error),
        texts.pinned(record(1, 1, pinned=True)),
        texts.pinned(record(1, 1)),
    ]


@pytest.mark.parametrize(
    ("remedy", "shown"),
    [
        ('Run "akbot update".', "Run /update."),
        ('See "akbot jobs 20261124T120000Z-k3f9".', "See /jobs 20261124T120000Z-k3f9."),
        ('Look, then run "akbot jobs settle 2026".', 'Look, then run "akbot jobs settle 2026".'),
        ('See "akbot update --check".', 'See "akbot update --check".'),
        ('See "akbot check".', 'See "akbot check".'),
    ],
)
def test_a_report_names_the_chats_own_commands_where_it_has_them(remedy: str, shown: str) -> None:
    report = Report(
        begin=NOW - timedelta(days=1),
        end=NOW,
        backups=BackupsReport(),
        login=LoginReport(watched=1000),
        incidents=IncidentsReport(),
        update=None,
        needs=(Finding("update", Level.WARNING, "it is old", remedy),),
    )

    assert parse_html(report_texts.daily(report, WALL)).text.endswith(f"It is old. {shown}")


@settings(max_examples=150)
@given(ANYTHING, STATES)
def test_every_text_is_markup_that_telegram_takes_within_its_limits(
    hostile: str, state: JobState
) -> None:
    for text in all_texts(hostile, state):
        shown = parse_html(text)
        assert 0 < len(shown) <= 4000
        assert "\x00" not in shown.text
        assert "\u202e" not in shown.text
        shown.text.encode()


@settings(max_examples=100)
@given(ANYTHING, STATES)
def test_every_caption_of_a_document_fits_below_it(hostile: str, state: JobState) -> None:
    update = make_update(target=hostile)
    for caption in (
        job_texts.details(make_job(state, hostile)),
        update_plan_texts.whole_way(update),
        update_texts.said(hostile),
        look_texts.why_caption(make_job(state, hostile)),
        chart_texts.caption(Figures(DOTS, (use(hostile, 5),) * 40)),
    ):
        assert 0 < len(parse_html(caption)) <= MOST_IN_CAPTION


@given(ANYTHING, st.integers(600, 5000), st.integers(1, 20))
def test_what_is_made_to_fit_fits(hostile: str, most: int, times: int) -> None:
    text = "\n".join([bold("Head"), *[bold(hostile)] * times, bold("Tail")])
    shown = parse_html(fitting(text, most))

    assert len(shown) <= most
    assert shown.text.startswith("Head")
    assert shown.text.endswith("Tail")


@settings(max_examples=100)
@given(ANYTHING)
def test_a_table_is_never_wider_than_a_phone(hostile: str) -> None:
    shown = parse_html(table([("A", "B", "C"), (hostile, "1.5 GB", hostile), ("x", hostile, "y")]))

    assert all(width(line) <= COLUMNS for line in shown.text.splitlines())


def test_the_table_of_backups_fits_and_says_everything() -> None:
    states = [BackupState.PARTIAL, BackupState.NOT_TRUSTED, BackupState.INCOMPLETE]
    records = [record(1, 999_900_000_000, state, pinned=state == "partial") for state in states]
    shown = parse_html(backup_texts.page(records, 0, WALL).text).text

    assert "partial, pin" in shown
    assert "not trusted" in shown
    assert "…" not in shown
    assert max(width(line) for line in shown.splitlines()[:4]) <= COLUMNS


@given(ANYTHING, st.integers(12, 300))
def test_what_is_cut_says_so_and_fits(text: str, longest: int) -> None:
    kept = cut(text, longest)

    assert units(kept) <= longest
    assert kept == text or kept.endswith("(cut)")


def test_columns_are_as_many_as_a_phone_shows() -> None:
    assert COLUMNS == 36


@given(ANYTHING, st.integers(1, 40))
def test_what_is_clipped_fits(text: str, columns: int) -> None:
    assert width(clip(text, columns)) <= columns


@given(ANYTHING)
def test_a_command_survives_being_written_down(text: str) -> None:
    before = asked(f"/backup {text}")
    after = Asked.from_line(before.line(), before.person)

    assert after == before
    assert "\n" not in before.line()


@pytest.mark.parametrize(
    "origin", ["", "cli", "telegram:1:2:3", "telegram:1:a:0:1", "telegram:1:1:0:1x"]
)
def test_other_origins_are_no_chats(origin: str) -> None:
    assert parse_origin(origin) is None


def test_an_origin_says_where_from() -> None:
    for thread in (None, 7):
        place = Place(bot=1, chat=-100, thread=thread, message_id=5)
        assert parse_origin(place.origin) == place
        accepted = replace(asked("/backup"), place=place, accepted="o-100m9.2")
        assert parse_origin(accepted.request.origin) == place
        assert accepted.request.origin != place.origin


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=3), "13:59 (just now)"),
        (timedelta(minutes=5), "13:55 (5 min ago)"),
        (timedelta(hours=20), "23 Nov 18:00 (20 h ago)"),
        (timedelta(days=400), "20 Oct 2025 15:00 (400 days ago)"),
    ],
)
def test_times_are_those_of_the_reader(ago: timedelta, words: str) -> None:
    wall = texts.Wall(NOW, ZoneInfo("Europe/Helsinki"))

    assert wall.moment(NOW - ago) == words


SIGNS = "🔴🟢🔕✅❌⏳⏹⚠🆘✔↩📌❗🔒🆕🔔\ufe0f "


def lonely_signs(text: str) -> list[str]:
    """The lines that begin with a sign and no word, so that only the sign's name is read aloud."""
    lines = parse_html(text).text.splitlines()
    signed = [line for line in lines if line and not line[0].isspace() and line[0] in SIGNS]
    return [line for line in signed if not line.lstrip(SIGNS)[:1].isalnum()]


def test_every_sign_has_a_word_beside_it() -> None:
    for state in JobState:
        for text in all_texts("name", state):
            assert lonely_signs(text) == []
    assert lonely_signs("✅\n⚠️ …\n✔️ done") == ["✅", "⚠️ …"]


def test_no_text_is_left_out_here() -> None:
    tried = "".join(each.read_text() for each in Path(__file__).parent.glob("test_*.py"))
    for file in Path(texts.__file__).parent.glob("*texts.py"):
        module = importlib.import_module(f"{texts.__package__}.{file.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                whole = f"{file.stem}.{name}"
                assert f"{whole}(" in tried or whole in PARTS, whole


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("the store is full", "The store is full."),
        ("the store is full.", "The store is full."),
        ("pg_dump: error: no space", "pg_dump: error: no space."),
        ("2025.4.4 serves", "2025.4.4 serves."),
        ('"media" is cut', '"media" is cut.'),
    ],
)
def test_how_a_job_ended_is_a_sentence(message: str, sentence: str) -> None:
    assert job_texts.reason(make_job(JobState.FAILED, message), 100) == escape(sentence)


@pytest.mark.parametrize(
    ("took", "words"),
    [
        (None, []),
        (3, []),
        (4, []),
        (4.1, ["About 1 min left, until 12:00"]),
        (9.6, ["About 6 min left, until 12:05"]),
    ],
)
def test_four_minutes_on_the_time_left_is_that_of_the_last_one(
    took: float | None, words: list[str]
) -> None:
    last = None if took is None else timedelta(minutes=took)
    left = job_texts.time_left(make_job(), last, WALL)

    assert left == [f"{each}, if it takes as long as the last one." for each in words]


def test_an_outcome_names_what_to_do_next() -> None:
    told: Callable[[JobState], job_texts.Told] = lambda state: job_texts.outcome(  # noqa: E731
        make_job(state, "no space"), None, WALL
    )

    assert told(JobState.FAILED).again
    assert told(JobState.INTERRUPTED).again
    assert not told(JobState.CANCELLED).again
    assert not told(JobState.STUCK).again
    assert "akbot jobs settle 20261124T120000Z-k3f9" in told(JobState.STUCK).text
    assert "may still lie in the store" in told(JobState.STUCK).text


def test_the_end_of_a_prune_says_nothing_of_a_backup_that_failed() -> None:
    for state in JobState:
        job = replace(make_job(state, "access denied"), kind=JobKind.PRUNE)
        told = prune_texts.outcome(job)
        assert "access denied." in told.text
        assert "Backup failed" not in told.text
        assert not told.again, "the button would make a backup"
        assert not told.document
        assert ("akbot jobs settle" in told.text) is (state is JobState.STUCK)
    long = replace(make_job(JobState.FAILED, "no " * 400), kind=JobKind.PRUNE)
    assert prune_texts.outcome(long).document == (f"{long.id}.txt", "no " * 400)


def drilled(state: JobState, verdict: Verdict | None, message: str) -> str:
    plan = {VERDICT: str(verdict)} if verdict else {}
    return drill_texts.outcome(
        replace(make_job(state, message), kind=JobKind.DRILL, plan=plan)
    ).text


def test_a_drill_that_failed_is_another_alarm_than_one_that_could_not_run() -> None:
    failed = drilled(JobState.FAILED, Verdict.FAIL, "the drill of backup X failed: a table")
    missing = drilled(JobState.FAILED, Verdict.COULD_NOT_RUN, "the drill could not run: no key")
    assert "Try again" not in failed
    assert "Press “Try again” for another one." in missing
    broken = drilled(JobState.FAILED, None, "an error of akbot itself")

    assert "Drill failed" in failed
    assert "do not count on this backup" in failed
    assert "Send /backup for a new one" in failed
    for text in (missing, broken):
        assert "could not run" in text
        assert "do not count on" not in text
    assert "Drill passed" in drilled(JobState.DONE, Verdict.PASS, "backup X came back in 3 s")


def test_a_drill_that_only_read_the_backup_claims_no_more() -> None:
    """Also to who had asked to stop it, once it was told before."""
    for message in ("X lies there; degraded: no key", "X lies there, and was not restored: no key"):
        text = drilled(JobState.DONE, Verdict.READ, message)

        assert "X lies there" in text
        assert "the backup was read, and not restored" in text
        assert "passed" not in text
        assert "AKBOT_IDENTITY_FILE" in text


def test_the_end_of_a_restore_says_what_to_press() -> None:
    texts_of = {
        state: restore_texts.outcome(
            replace(make_job(state, "why"), kind=JobKind.RESTORE, swept=state is JobState.FAILED)
        ).text
        for state in JobState
    }
    assert "the button takes the restore back" in texts_of[JobState.DONE]
    assert "akbot jobs settle 2026" in texts_of[JobState.STUCK]
    assert "tried again every minute" in texts_of[JobState.INTERRUPTED]
    assert "tried again" not in texts_of[JobState.FAILED]
    assert all("why." in text for text in texts_of.values())


def test_a_prune_that_is_cancelled_removes_no_backup_of_its_own() -> None:
    prune = replace(make_job(), kind=JobKind.PRUNE, crashes=0)

    assert "has stored" not in cancel_texts.cancelling(prune, WALL)
    assert "still goes, and no other" in cancel_texts.cancelling(prune, WALL)


@pytest.mark.parametrize(
    ("kind", "phase", "lead", "then"),
    [
        (JobKind.RESTORE, "start", "Stopping: ", "serves again, with every row"),
        (JobKind.RESTORE, "keep", "That cannot be stopped any more: ", "/restore undo"),
        (JobKind.UPDATE, "ready", "Stopping: ", "What serves was not touched"),
        (JobKind.UPDATE, "start", "Stopping: ", "serves again, with every row"),
        (JobKind.UPDATE, "back", "That cannot be stopped any more: ", "is coming back"),
        (JobKind.UPDATE, "keep", "That cannot be stopped any more: ", "/rollback takes it back"),
        (JobKind.ROLLBACK, "back", "That cannot be stopped any more: ", "goes to its end"),
        (JobKind.ROLLBACK, "keep", "That cannot be stopped any more: ", "/update shows the way"),
    ],
)
def test_the_answer_to_cancel_promises_what_comes_true(
    kind: JobKind, phase: str, lead: str, then: str
) -> None:
    plan = "restore" if kind is JobKind.RESTORE else "update"
    job = replace(make_job(), kind=kind, plan={plan: "{}", "phase": phase}, crashes=0)

    told = cancel_texts.cancelling(job, WALL)

    assert told.startswith(lead)
    assert then in told
    assert told.endswith("You will hear when it has ended.")


@pytest.mark.parametrize("kind", list(JobKind))
@pytest.mark.parametrize("crashes", [0, 1])
def test_every_kind_of_job_has_its_answer_to_cancel(kind: JobKind, crashes: int) -> None:
    told = cancel_texts.cancelling(replace(make_job(), kind=kind, crashes=crashes), WALL)

    assert ("being put right" in told) is bool(crashes)


@pytest.mark.parametrize("state", list(JobState))
def test_a_restore_tells_in_its_own_words_which_state_serves(state: JobState) -> None:
    words = "The bot was stopped in it; the state before serves again, its data whole"
    job = replace(make_job(state, f"t{words[1:]}"), kind=JobKind.RESTORE)

    told = restore_texts.outcome(job)

    assert words in told.text
    assert "Backup" not in told.text
    assert not told.again
    assert ("akbot jobs settle" in told.text) is (state is JobState.STUCK)


def test_the_status_says_where_the_newest_backup_is_missing() -> None:
    lacking = replace(record(3), stores=("nas",), lacking=("offsite (does not answer)",))

    assert "⚠️ Degraded: it is not in offsite (does not answer)" in texts.status(
        make_stack(), [lacking], None, WALL
    )
    assert "Degraded" not in texts.status(make_stack(), [record(3)], None, WALL)
