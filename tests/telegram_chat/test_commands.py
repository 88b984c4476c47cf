import asyncio
from datetime import timedelta

import pytest

from bot.domain.errors import PortError
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup, RunDrill
from bot.services.journal_ports import Message
from tests.telegram_chat.samples import record
from tests.telegram_chat.world import ANNA, World


async def test_backup_begins_for_whoever_asks_with_the_words_as_label(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, "/backup before   the\nupdate")

    (command,) = world.operations.commands
    asked = world.anna.chat.all_messages[0]
    assert command.trigger is Trigger.CHAT
    assert command.actor == "Anna (42)"
    assert command.label == "before the update"
    assert command.origin == f"telegram:4242:{ANNA}:0:{asked.id}"
    assert "Backup is running" in answer.text
    assert answer.silent


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("/drill 20261124T0330", "20261124T0330"), ("/drill latest", "latest")],
)
async def test_a_drill_begins_for_whoever_asks(world: World, text: str, wanted: str) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, text)

    (command,) = world.operations.commands
    assert isinstance(command, RunDrill)
    assert (command.backup, command.trigger, command.actor) == (wanted, Trigger.CHAT, "Anna (42)")
    assert "Drill is running" in answer.text


async def test_a_drill_of_what_is_no_backup_begins_nothing(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, "/drill the one from yesterday")

    assert world.operations.commands == []
    assert "is no backup's id" in answer.text


async def test_a_backup_is_pinned_and_let_go_again(world: World) -> None:
    older, newer = record(2, 10), record(1, 10)
    world.operations.records = [newer, older]
    async with world.talking():
        which = await world.asks(world.anna, "/pin what is new")
        pinned = await world.asks(world.anna, f"/pin {older.id}")
        assert [each.pinned for each in world.operations.records] == [False, True]
        freed = await world.asks(world.anna, f"/unpin {older.id}")

    assert "Which one? Send /pin ID" in which.text
    assert f"Pinned: {older.id} stays" in pinned.text
    assert f"Not pinned: the age of {older.id}" in freed.text
    assert not any(each.pinned for each in world.operations.records)


@pytest.mark.parametrize("words", ["20990101T000000Z-aaaa", "2099"])
async def test_a_pin_that_fails_says_what_it_left(world: World, words: str) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, f"/pin {words}")

    assert "That did not work" in answer.text
    assert "The backup is as it was." in answer.text


async def test_the_same_update_twice_runs_once(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup")
        await world.all_handled()
        world.telegram.updates.deliver_again()
        await world.asks(world.anna, "/jobs")

    assert len(world.operations.commands) == 1


async def test_updates_in_the_wrong_order_are_all_answered(world: World) -> None:
    async with world.talking():
        with world.telegram.updates.reordered():
            world.anna.says("/help")
            world.anna.says("/jobs")
            world.anna.says("/backups")
        await world.telegram.until(lambda: len(world.anna.chat.from_bot) == 3)

    assert len(set(world.anna.chat.texts)) == 3


async def test_a_kill_after_the_backup_began_does_not_begin_another(world: World) -> None:
    world.operations.begun_but_silent = asyncio.Event()
    async with world.talking():
        world.anna.says("/backup")
        await world.operations.begun_but_silent.wait()
    world.operations.begun_but_silent = None

    async with world.talking():
        await world.telegram.until(lambda: world.anna.chat.from_bot)
        await world.all_handled()

    assert len(world.operations.commands) == 1
    assert "Backup is running" in world.anna.chat.last.text


async def test_a_kill_after_the_answer_was_written_runs_nothing_again(world: World) -> None:
    message = world.anna.says("/cancel")
    key = f"answer:telegram:4242:{ANNA}:0:{message.id}"
    answer = Message(key=key, chat=ANNA, text="Stopping.")
    await world.outbox.put(answer, world.clock.now())
    world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
    async with world.talking():
        await world.all_handled()
        await world.all_sent()

    assert world.anna.chat.texts == ["Stopping."]
    assert world.operations.cancelled == []


async def test_busy_says_what_runs_since_when_and_how_far(world: World) -> None:
    async with world.talking():
        await world.asks(world.boris, "/backup")
        world.clock.advance(180)
        answer = await world.asks(world.anna, "/backup")

    assert "backup since 12:00 (3 min ago), asked for by Boris (43)" in answer.text
    assert "Nothing was begun" in answer.text
    assert len(world.operations.commands) == 1


async def test_a_backup_that_cannot_begin_says_why_and_what_to_do(world: World) -> None:
    world.operations.failure = PortError('find the stack: "docker" <unreachable>', hint="Start it.")
    async with world.talking():
        answer = await world.asks(world.anna, "/backup")

    assert '"docker" <unreachable>' in answer.text
    assert "Start it." in answer.text
    assert "untouched" in answer.text


async def test_a_backup_that_takes_its_time_to_begin_keeps_nobody_waiting(world: World) -> None:
    world.operations.begun_but_silent = asyncio.Event()
    async with world.talking():
        world.anna.says("/backup")
        world.anna.says("/help")
        await world.eventually(lambda: len(world.anna.chat.from_bot) == 3)

    assert any("about to begin" in text for text in world.anna.chat.texts)


async def test_status_shows_containers_in_words(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, "/status")

    assert "✅ healthy: postgresql" in answer.text
    assert "❌ exited: worker, restarted 3 times" in answer.text
    assert "no good backup yet" in answer.text


async def test_status_says_what_it_cannot_see(world: World) -> None:
    world.operations.failure = PortError("list containers: connection refused")
    async with world.talking():
        answer = await world.asks(world.anna, "/status")

    assert "The containers cannot be seen: list containers: connection refused." in answer.text
    assert "The backups cannot be listed" in answer.text


@pytest.mark.parametrize("asked", ["/cancel later", "/cancel@test4242_bot the drill <b>"])
async def test_words_after_cancel_may_have_meant_later(world: World, asked: str) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup")
        answer = await world.asks(world.boris, asked)

    assert "stops what is running, at once. Send it without words" in answer.text
    assert world.operations.cancelled == []


async def test_cancel_says_what_it_stops(world: World) -> None:
    async with world.talking():
        nothing = await world.asks(world.anna, "/cancel")
        await world.asks(world.anna, "/backup")
        answer = await world.asks(world.boris, "/cancel")

    assert nothing.text == "Nothing is running, so nothing was stopped."
    assert "Stopping: backup since 12:00" in answer.text
    assert world.operations.cancelled == ["Boris (43)"]


async def test_jobs_tells_who_asked_and_with_an_id_all_about_one(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup")
        job = world.operations.end(JobState.FAILED, "the store is full")
        listed = await world.asks(world.boris, "/jobs")
        one = await world.asks(world.boris, f"/jobs {job.id}")
        none = await world.asks(world.boris, "/jobs <b>")

    assert "❌ failed: backup 12:00" in listed.text
    assert "Anna (42)" in listed.text
    assert "Outcome: the store is full" in one.text
    assert '"<b>" is no job. Send /jobs' in none.text


async def test_a_job_whose_process_was_killed_is_not_told_to_run(world: World) -> None:
    async with world.talking():
        job = world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
        world.operations.is_killed = True

        listed = await world.asks(world.boris, "/jobs")
        one = await world.asks(world.boris, f"/jobs {job.id}")
        status = await world.asks(world.boris, "/status")

    assert "the command was stopped in it" in one.text
    assert "running" not in (listed.text + one.text + status.text).lower()


async def test_jobs_takes_the_beginning_of_an_id(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup")
        first = world.operations.end()
        world.clock.advance(90)
        await world.asks(world.anna, "/backup")
        world.operations.end()
        one = await world.asks(world.boris, f"/jobs {first.id[:-2]}")
        both = await world.asks(world.boris, f"/jobs {first.id[:8]}")

    assert first.id in one.text
    assert "Begun 12:00" in one.text
    assert f'"{first.id[:8]}" fits 2 jobs. Send /jobs' in both.text


@pytest.mark.parametrize("text", ["--component media", "move —component=media", "--pin"])
async def test_an_option_of_the_command_line_is_answered_and_begins_nothing(
    world: World, text: str
) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, f"/backup {text}")
        await world.all_handled()
        await world.all_sent()

    assert "takes no options here" in answer.text
    assert "config, globals, postgres, redis." in answer.text
    assert world.operations.commands == []
    assert world.boris.chat.from_bot == []


async def test_a_dash_in_a_label_is_no_option(world: World) -> None:
    async with world.talking():
        await world.asks(world.anna, "/backup well-known — the move -- of 2026")

    assert world.operations.commands[0].label == "well-known — the move -- of 2026"


@pytest.mark.parametrize("text", ["/help", "/start", "/HELP@test4242_bot"])
async def test_help_names_every_command(world: World, text: str) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, text)

    menu = [each["command"] for scope in world.telegram.commands.values() for each in scope]
    for name in ("backup", "backups", "status", "jobs", "cancel", "help"):
        assert f"/{name}: " in answer.text
        assert name in menu


async def test_an_unknown_command_gets_a_hint(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, "/bakcup")

    assert "/help" in answer.text


async def test_in_a_group_commands_of_other_bots_are_left_alone(world: World) -> None:
    group = world.telegram.supergroup(topics={7: "Ops"})
    async with world.talking():
        world.anna.says("/dance", group)
        world.anna.says("/status@other_bot", group)
        mine = await world.asks(world.anna, "/dance@test4242_bot", chat=group, thread=7)

    assert len(group.from_bot) == 1
    assert mine.thread == 7


@pytest.mark.parametrize("bot", ["other_bot", "test4242_botany_bot"])
@pytest.mark.parametrize("hours", [0, 2])
async def test_a_command_for_another_bot_is_left_to_it(world: World, bot: str, hours: int) -> None:
    group = world.telegram.supergroup()
    async with world.talking():
        for place in (group, world.anna.chat):
            for command in ("backup", "cancel", "dance"):
                world.anna.says(f"/{command}@{bot}", place, age=timedelta(hours=hours))
        await world.all_handled()
        await world.all_sent()

    assert not world.operations.commands
    assert not group.from_bot
    assert not world.anna.chat.from_bot


async def test_an_error_of_ours_is_admitted(world: World) -> None:
    world.operations.failure = ZeroDivisionError()
    async with world.talking():
        answer = await world.asks(world.anna, "/backups")

    assert "an error in akbot itself" in answer.text
