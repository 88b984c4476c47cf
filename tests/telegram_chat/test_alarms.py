"""What nobody asked for in a chat and went badly: everybody on the list hears of it."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.alarms import Alarm, Hindrance, LateSuccess
from bot.domain.backup_id import make_backup_id
from bot.domain.catalogue import LATEST
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.messages import Command, RunBackup, RunCopy, RunDrill, RunPrune, RunRekey
from bot.domain.roles import ChatPlace
from tests.bot_api.faults import Hold
from tests.telegram_chat.test_release_news import NEWS
from tests.telegram_chat.world import ANNA, LONG_ENOUGH, NOW, World

SCHEDULED = RunBackup(trigger=Trigger.SCHEDULE, actor="schedule")
NIGHT = NOW - timedelta(hours=8)
FULL = "the store is full"


def fail(world: World, message: str = FULL) -> None:
    world.operations.begin(SCHEDULED)
    world.operations.end(JobState.FAILED, message)


async def test_everybody_on_the_list_hears_of_a_failure(world: World) -> None:
    async with world.talking():
        fail(world)
        await world.eventually(lambda: world.anna.chat.from_bot and world.boris.chat.from_bot)

    for person in (world.anna, world.boris):
        assert FULL in person.chat.last.text
        assert person.chat.last.labels == ["Try again", "Show log"]
        assert len(person.chat.from_bot) == 1


@pytest.mark.parametrize(
    ("command", "labels"),
    [
        (RunDrill(trigger=Trigger.SCHEDULE, actor="schedule"), ["Try again", "Show log"]),
        (RunDrill(trigger=Trigger.CLI, actor="root", backup="2026"), ["Show log"]),
        (RunPrune(trigger=Trigger.SCHEDULE, actor="schedule"), ["Show log"]),
        (RunCopy(trigger=Trigger.SCHEDULE, actor="schedule"), ["Show log"]),
        (RunRekey(trigger=Trigger.CLI, actor="root"), ["Show log"]),
    ],
    ids=["drill", "drill by hand", "prune", "copy", "rekey"],
)
async def test_what_fails_unasked_has_buttons_that_lead_on(
    world: World, command: Command, labels: list[str]
) -> None:
    async with world.talking():
        world.operations.begin(command)
        world.operations.end(JobState.FAILED, FULL)
        told = await world.said("store is full")

    assert told.labels == labels
    assert ("Press “Try again”" in told.text) == ("Try again" in labels)


async def test_one_who_has_blocked_the_bot_costs_the_others_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.anna.blocks_bot()
    async with world.talking():
        fail(world, "pg_dump: error\n" * 400)
        await world.eventually(lambda: len(world.boris.chat.from_bot) == 3)
        await world.all_sent()

    told = [each for each in world.boris.chat.from_bot if "I cannot write to" not in each.text]
    assert [bool(each.file) for each in told] == [False, True]
    assert "pg_dump: error" in told[0].text
    assert "nobody could be told" not in caplog.text


async def test_what_reaches_nobody_is_an_error_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.anna.blocks_bot()
    world.boris.blocks_bot()
    async with world.talking():
        fail(world)
        await world.eventually(lambda: "nobody could be told" in caplog.text)
        await world.all_sent()

    (error,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert world.operations.all_jobs[0].id in error.getMessage()


async def test_with_nobody_on_the_list_a_failure_is_an_error_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.allowed = frozenset()
    async with world.talking():
        fail(world)
        await world.eventually(lambda: "nobody is told" in caplog.text)

    assert "AKBOT_TELEGRAM_ADMINS" in caplog.text


async def test_a_kill_between_two_of_them_loses_none(world: World) -> None:
    hold = Hold()
    world.telegram.fail("sendMessage", hold, chat=ANNA)
    async with world.talking():
        fail(world)
        await world.eventually(lambda: world.boris.chat.from_bot)
        await world.telegram.until(lambda: len(world.telegram.seen("sendMessage")) == 2)
        async with asyncio.timeout(LONG_ENOUGH):
            while len(await world.outbox.waiting()) > 1:  # noqa: ASYNC110 - a journal has no events
                await asyncio.sleep(0.01)
    hold.release()

    async with world.talking():
        await world.eventually(lambda: world.anna.chat.saying(FULL))
        await world.all_sent()

    assert len(world.boris.chat.from_bot) == 1


async def test_once_one_of_them_tries_again_nobody_else_needs_to(world: World) -> None:
    async with world.talking():
        fail(world)
        await world.eventually(lambda: world.anna.chat.from_bot and world.boris.chat.from_bot)
        world.boris.presses(world.boris.chat.last, "Try again")
        await world.eventually(lambda: world.boris.chat.saying("is running"))
        await world.eventually(lambda: not world.anna.chat.last.labels)

    assert len(world.operations.commands) == 1


async def test_whoever_stops_a_job_hears_how_it_ended(world: World) -> None:
    async with world.talking():
        world.operations.begin(SCHEDULED)
        answer = await world.asks(world.boris, "/cancel")
        assert "You will hear when it has ended" in answer.text
        world.operations.end(JobState.CANCELLED, "cancelled by Boris (43)")
        await world.eventually(lambda: world.boris.chat.saying("Backup cancelled"))
        await world.asks(world.anna, "/help")
        await world.all_sent()

    assert len(world.boris.chat.from_bot) == 2
    assert len(world.anna.chat.from_bot) == 1


async def test_whoever_stops_the_job_of_another_hears_it_beside_that_one(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup")
        await world.asks(world.boris, "/cancel")
        await world.asks(world.anna, "/cancel")
        world.operations.end(JobState.CANCELLED, "cancelled by Boris (43)")
        await world.eventually(lambda: world.boris.chat.saying("Backup cancelled after"))
        await world.eventually(lambda: world.anna.chat.saying("Backup cancelled after"))
        await world.all_sent()

    told = [text for text in world.anna.chat.texts if "Backup cancelled after" in text]
    assert len(told) == 1


def planned(state: JobState, minutes: int, message: str = "") -> Job:
    began = NIGHT + timedelta(minutes=minutes)
    return Job(
        id=make_backup_id(began, "k3f9"),
        kind=JobKind.BACKUP,
        trigger=Trigger.SCHEDULE,
        actor="schedule",
        slot=NIGHT,
        started=began,
        state=state,
        message=message,
        ended=began + timedelta(minutes=1),
    )


def make_alarm(good: datetime | None = NIGHT - timedelta(days=1)) -> Alarm:
    failed = tuple(planned(JobState.FAILED, each, f"<{FULL}>") for each in (68, 22, 6, 0))
    return Alarm(
        kind=JobKind.BACKUP,
        good=good,
        baseline=good or NIGHT - timedelta(days=3),
        opened=NIGHT + timedelta(minutes=69),
        number=0,
        next=NIGHT + timedelta(minutes=69, hours=6),
        failed=failed,
    )


async def test_an_alarm_has_the_cause_and_the_age_of_the_last_good_one(world: World) -> None:
    world.operations.all_jobs = [make_alarm().failed[0]]
    async with world.talking() as chat:
        await chat.alarms.alarm(make_alarm())
        await chat.alarms.alarm(make_alarm())
        told = await world.said("No good backup since 23 Nov 04:00 (32 h ago)")
        await world.said("No good backup", world.boris.chat)
        assert (
            "4 planned ones failed, the last at 05:09 (6 h ago): <the store is full>." in told.text
        )
        assert "I remind you at 11:09" in told.text
        assert told.labels == ["Try again", "Show log", "Status"]
        assert not told.silent
        world.anna.presses(told, "Try again")
        await world.said("Backup is running")

    assert len(world.boris.chat.from_bot) == 1


async def test_a_group_is_told_in_its_topic_and_not_each_admin(world: World) -> None:
    group = world.telegram.supergroup(topics={7: "Ops"})
    world.alerts = (ChatPlace(group.id, 7),)
    world.groups = frozenset({ChatPlace(-5)})
    world.operations.all_jobs = [make_alarm().failed[0]]
    async with world.talking() as chat:
        await chat.alarms.alarm(make_alarm())
        await chat.tell_news(NEWS)
        world.operations.begin(RunPrune(trigger=Trigger.CLI, actor="root"))
        world.operations.end(JobState.FAILED, "no space")
        await world.said("Deleting old backups failed", group)
        told = await world.said("No good backup since", group)
        await world.said("Authentik 2025.4.4 is out", group)
        world.anna.presses(told, "Try again")
        await world.said("Backup is running", group)

    assert {each.thread for each in group.from_bot} == {7}
    assert world.anna.chat.from_bot == []


async def test_what_the_group_cannot_hear_each_admin_does(world: World) -> None:
    world.alerts = (ChatPlace(-1009),)
    async with world.talking() as chat:
        await chat.alarms.alarm(make_alarm())
        for person in (world.anna, world.boris):
            await world.said("A message for chat -1009 could not be delivered", person.chat)
            assert person.chat.saying("No good backup since")


async def test_trying_again_under_an_alarm_takes_the_button_from_everybody(world: World) -> None:
    world.operations.all_jobs = [make_alarm().failed[0]]
    async with world.talking() as chat:
        await chat.alarms.alarm(make_alarm())
        told = await world.said("No good backup since")
        await world.said("No good backup since", world.boris.chat)
        await world.all_sent()
        world.anna.presses(told, "Try again")
        await world.said("Backup is running")
        await world.eventually(lambda: not told.labels)
        await world.eventually(lambda: not world.boris.chat.last.labels)


async def test_a_second_press_counts_once_what_the_first_began_has_failed(world: World) -> None:
    world.operations.all_jobs = [make_alarm().failed[0]]
    async with world.talking() as chat:
        await chat.alarms.alarm(make_alarm())
        told = await world.said("No good backup since")
        world.anna.presses(told, "Try again")
        await world.said("Backup is running")
        query = world.anna.presses(told, "Try again", stale=True)
        notice = await world.eventually(lambda: world.telegram.queries[query].notice)
        assert notice
        assert notice.text == "It has been tried again already."
        world.operations.end(JobState.FAILED, FULL)
        await world.said("Backup failed after")
        world.anna.presses(told, "Try again", stale=True)
        await world.eventually(lambda: len(world.operations.commands) == 2)
        world.operations.end()
        await world.said("Backup done")
        world.anna.presses(told, "Try again", stale=True)
        await world.all_handled()

    assert len(world.operations.commands) == 2


async def test_a_press_under_an_alarm_in_an_absence_is_said_to_have_done_nothing(
    world: World,
) -> None:
    world.operations.all_jobs = [make_alarm().failed[0]]
    async with world.talking() as chat:
        await chat.alarms.alarm(make_alarm())
        told = await world.said("No good backup since")
        await world.all_sent()
    world.anna.presses(told, "Try again")
    world.clock.advance(600)
    async with world.talking():
        await world.eventually(lambda: "while I was away" in told.text)

    assert told.labels == ["Try again", "Show log", "Status"]
    assert world.operations.commands == []


async def test_an_alarm_without_any_run_asks_why_there_was_none(world: World) -> None:
    async with world.talking() as chat:
        await chat.alarms.alarm(replace(make_alarm(None), failed=()))
        told = await world.said("No good backup so far")

    assert "was the bot off" in told.text
    assert told.labels == ["Back up now", "Status"]


async def test_an_alarm_says_what_let_none_begin(world: World) -> None:
    why = "busy: backup since 04:00 UTC"
    alarm = replace(make_alarm(), hindrance=Hindrance(NIGHT, NOW - timedelta(minutes=2), why))
    async with world.talking() as chat:
        await chat.alarms.alarm(replace(alarm, failed=()))
        told = await world.said("No good backup since")
        assert (
            "The one planned for 04:00 could not begin at 11:58 (2 min ago):"
            " busy: backup since 04:00." in told.text
        )
        assert "was the bot off" not in told.text
        assert told.labels == ["Back up now", "Status"]
        await chat.alarms.alarm(replace(alarm, number=1))
        told = await world.said("4 planned ones failed")

    assert "The one planned for 04:00 could not begin" in told.text
    assert told.labels == ["Try again", "Show log", "Status"]


async def test_what_is_missing_is_made_from_its_alarm(world: World) -> None:
    alarm = replace(make_alarm(None), failed=())
    async with world.talking() as chat:
        await chat.alarms.alarm(alarm)
        world.anna.presses(await world.said("No good backup so far"), "Back up now")
        await world.said("Backup is running")
        world.operations.end()
        await chat.alarms.alarm(replace(alarm, kind=JobKind.DRILL))
        world.anna.presses(await world.said("No drill that passed so far"), "Drill now")
        await world.said("Drill is running")

    backup, drill = world.operations.commands
    assert (backup.kind, backup.label) == (JobKind.BACKUP, "")
    assert isinstance(drill, RunDrill)
    assert drill.backup == LATEST


async def test_the_log_of_the_last_failure_is_shown_from_its_alarm(world: World) -> None:
    alarm = make_alarm()
    world.operations.all_jobs = [alarm.failed[0]]
    async with world.talking() as chat:
        await chat.alarms.alarm(alarm)
        world.anna.presses(await world.said("No good backup since"), "Show log")
        log = await world.said("what the database's log says")

    assert log.file
    assert log.file.name == f"{alarm.failed[0].id}.txt"


async def test_the_end_is_told_to_whoever_heard_of_it_and_once(world: World) -> None:
    good = NOW - timedelta(minutes=5)
    async with world.talking() as chat:
        await chat.alarms.over(JobKind.BACKUP, good)
        await chat.alarms.alarm(make_alarm())
        await world.said("No good backup")
        await world.all_sent()
    async with world.talking() as chat:
        await chat.alarms.over(JobKind.BACKUP, good)
        await chat.alarms.over(JobKind.BACKUP, NOW)
        told = await world.said("A good backup was made")
        await world.all_sent()

    assert (
        told.text
        == "✅ A good backup was made at 11:55 (5 min ago), after 31 h 55 min without one."
    )
    assert len(world.anna.chat.from_bot) == 2


async def test_success_after_failures_says_so(world: World) -> None:
    failed = tuple(planned(JobState.FAILED, each, FULL) for each in (0, 6))
    success = LateSuccess(planned(JobState.DONE, 22), failed)
    async with world.talking() as chat:
        await chat.alarms.late(success)
        told = await world.said("The planned backup is good, at try 3")

    assert "Done 04:23 (7 h ago). It failed at 04:01 and 04:07: the store is full." in told.text


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_success_after_failures_that_ends_an_alarm_is_one_message(
    world: World, *, restarts: bool
) -> None:
    failed = tuple(planned(JobState.FAILED, each, FULL) for each in (0, 6))
    success = LateSuccess(planned(JobState.DONE, 22), failed)
    good = success.job.started
    async with world.talking() as chat:
        await chat.alarms.alarm(make_alarm())
        await chat.alarms.over(JobKind.BACKUP, good, success)
        told = await world.said("A good backup was made")
        if not restarts:
            await chat.alarms.late(success)
        await world.all_sent()
    async with world.talking() as chat:
        await chat.alarms.over(JobKind.BACKUP, good, success)
        await chat.alarms.late(success)
        await world.all_sent()

    assert "is good at try 3. It failed at 04:01 and 04:07: the store is full." in told.text
    assert success.job.id in told.text
    assert len(world.anna.chat.from_bot) == 2


async def test_a_success_after_failures_is_told_beside_the_end_of_an_older_alarm(
    world: World,
) -> None:
    next_night = 24 * 60
    failed = tuple(planned(JobState.FAILED, next_night + each, FULL) for each in (0, 6))
    success = LateSuccess(planned(JobState.DONE, next_night + 22), failed)
    async with world.talking() as chat:
        await chat.alarms.alarm(make_alarm())
        await chat.alarms.over(JobKind.BACKUP, NOW)
        world.clock.advance(24 * 3600)
        await chat.alarms.over(JobKind.BACKUP, success.job.started, success)
        await chat.alarms.late(success)
        await chat.alarms.alarm(make_alarm(success.job.started))
        await chat.alarms.over(JobKind.BACKUP, world.clock.now(), success)
        await world.all_sent()

    ends = [text for text in world.anna.chat.texts if "A good backup was made" in text]
    assert ["at try 3" in text for text in ends] == [False, False]
    assert world.anna.chat.saying("The planned backup is good, at try 3")


async def test_a_planned_backup_that_is_tried_again_wakes_nobody(world: World) -> None:
    async with world.talking():
        world.operations.begin(SCHEDULED)
        world.operations.all_jobs[0] = replace(world.operations.all_jobs[0], slot=NIGHT)
        world.operations.end(JobState.FAILED, FULL)
        fail(world, "another one")
        await world.eventually(lambda: world.anna.chat.saying("another one"))
        await world.all_sent()

    assert len(world.anna.chat.from_bot) == 1
