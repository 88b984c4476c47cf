"""Every text about updates, with the strangest names in it, is one that Telegram takes."""

from dataclasses import replace

from hypothesis import given, settings

from bot.domain.errors import ConfigError, RefusedError, UpToDateError
from bot.domain.findings import Finding, Level
from bot.domain.jobs import JobKind, JobState, Trigger
from bot.domain.progress import BackupProgress
from bot.domain.restore import GOING_AWAY
from bot.domain.schema_change import SchemaChange, WayBack
from bot.domain.update_gate import Judgement, Verdict
from bot.domain.update_holds import Hold, HoldKind
from bot.domain.update_news import NewRelease, NoAnswer
from bot.domain.update_outlook import Target
from bot.domain.upgrade_path import LINE
from bot.domain.versions import Version
from bot.entrypoints.telegram import job_list_texts, job_texts, update_plan_texts, update_texts
from bot.entrypoints.telegram.job_texts import step_lines
from tests.bot_api.markup import parse_html
from tests.telegram_chat.rolls import DIFF, hops, make_rollback, make_update
from tests.telegram_chat.test_texts import ANYTHING, STATES, WALL, lonely_signs, make_job
from tests.telegram_chat.world import NOW

EVERY_FAMILY = hops(*(Version(*family, 9) for family in LINE))

LATEST = Version(2026, 8, 0)


def all_texts(hostile: str, state: JobState) -> list[str]:
    error = RefusedError(hostile, hint=hostile)
    finding = Finding(hostile, Level.WARNING, hostile, hostile)
    preview = make_update(
        current=hostile,
        target=hostile,
        hops=EVERY_FAMILY,
        warnings=(finding,) * 20,
        diff=f"{hostile}\n" * 30,
        not_checked=(hostile,) * 20,
    )
    taken_back = make_rollback(
        version_now=hostile, version_then=None, change=SchemaChange(WayBack.SWAP, hostile)
    )
    job = replace(make_job(state, hostile), kind=JobKind.UPDATE)
    judgement = Judgement(Verdict.ASK, hostile, (hostile,) * 30)
    hold = Hold(HoldKind.UNSETTLED, hostile, remedy=hostile)
    news = NewRelease(
        place=hostile,
        current=hostile,
        target=hostile,
        steps=2,
        notes="https://x",
        security=True,
        holds=(hold,) * 30,
    )
    return [
        update_plan_texts.no_version(ConfigError(hostile, hint=hostile)),
        update_plan_texts.up_to_date(UpToDateError(hostile), ""),
        update_plan_texts.up_to_date(UpToDateError(hostile), hostile),
        update_plan_texts.which_version([Target(version=LATEST, steps=3, held=hostile)] * 3),
        update_plan_texts.refused(error),
        update_plan_texts.not_taken_back(error),
        update_plan_texts.not_the_last(hostile),
        update_plan_texts.rollback_takes_no_words(),
        update_plan_texts.plan(preview, WALL).text,
        update_plan_texts.whole_way(preview),
        update_plan_texts.once_more(hostile),
        update_plan_texts.way_back(taken_back, WALL, is_group=True),
        update_plan_texts.way_back(replace(taken_back, written=0), WALL, is_group=False),
        update_texts.progress(job, BackupProgress(steps=(hostile, GOING_AWAY) * 9), 0, WALL),
        update_texts.progress_ended(job, WALL),
        update_texts.outcome(job).text,
        update_texts.outcome(replace(job, kind=JobKind.ROLLBACK)).text,
        update_texts.said(hostile),
        update_texts.nothing_said(),
        update_texts.stays(hostile, judgement, NOW, WALL),
        update_texts.new_release(news),
        update_texts.new_release(replace(news, security=False)),
        update_texts.no_answer(NoAnswer(NOW, hostile)),
    ]


@settings(max_examples=60)
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


def test_every_sign_has_a_word_beside_it() -> None:
    for state in JobState:
        for text in all_texts("name", state):
            assert lonely_signs(text) == []


def test_a_held_back_version_says_so_on_its_button() -> None:
    assert update_plan_texts.version_label(Target(version=LATEST)) == "2026.8.0"
    held = Target(version=LATEST, held="too fresh")
    assert update_plan_texts.version_label(held) == "2026.8.0, held back"


def test_a_short_plan_needs_no_document_and_a_cut_one_has_all() -> None:
    assert update_plan_texts.plan(make_update(), WALL).document is None
    short = update_plan_texts.plan(make_update(diff=DIFF), WALL)
    assert short.document is None
    assert f"<pre>{DIFF}</pre>" in short.text

    wide = update_plan_texts.plan(make_update(diff=f"{DIFF}\n+{'x' * 200}"), WALL)
    assert wide.document
    assert f"+{'x' * 200}" in wide.document[1]
    assert "The document above has all of it" in wide.text


def test_what_must_be_done_is_shown_before_what_may() -> None:
    [into_2025_12] = hops(Version(2025, 10, 4), Version(2025, 12, 1))
    blocking = [each.blocking for each in into_2025_12.demands]
    assert True in blocking
    assert False in blocking

    text = update_plan_texts.plan(make_update(hops=(into_2025_12,)), WALL).text

    assert text.rindex("❗ must: ") < text.index("\nnote: ")


def test_what_is_not_looked_at_afterwards_is_said() -> None:
    text = update_plan_texts.plan(
        make_update(not_checked=("the test login (it ended)",)), WALL
    ).text

    assert "Not checked afterwards, since it does not work now: the test login (it ended)." in text


def test_a_wait_that_is_over_is_not_called_done_and_early_steps_are_counted() -> None:
    steps = [f"step {number}" for number in range(14)]
    lines = step_lines([*steps, "waiting until 2025.2.4 holds", "starting 2025.2.1"])

    assert lines[0] == "✔️ done: 4 steps before these"
    assert lines[1] == "✔️ done: step 4"
    assert lines[-2:] == ["✔️ over: waiting until 2025.2.4 holds", "⏳ now: starting 2025.2.1"]
    assert step_lines(steps[:13])[0] == "✔️ done: step 0", "one line for one step says more"
    assert step_lines([]) == []


def test_between_two_steps_of_the_way_people_can_log_in() -> None:
    job = replace(make_job(), kind=JobKind.UPDATE)
    away = BackupProgress(steps=("backing up", GOING_AWAY, "waiting until 2025.2.4 holds"))
    between = replace(away, steps=(*away.steps, "2025.2.4 is promoted"))
    again = replace(between, steps=(*between.steps, GOING_AWAY))

    told = [
        "Nobody can log in" in update_texts.progress(job, each, 0, WALL)
        for each in (away, between, again)
    ]
    assert told == [True, False, True]


def test_what_ran_on_schedule_was_asked_for_by_nobody() -> None:
    job = replace(make_job(JobState.FAILED), trigger=Trigger.SCHEDULE, actor="schedule")

    assert "On schedule" in job_texts.outcome(job, None, WALL).text
    assert "asked for by" not in job_texts.outcome(job, None, WALL).text.lower()
    assert "on schedule" in job_list_texts.jobs([job], WALL)[0]
