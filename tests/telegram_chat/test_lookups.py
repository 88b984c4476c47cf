"""`/logs`, `/version`, and the buttons under lists and outcomes: to look things up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import PortError
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from bot.domain.versions import Version
from bot.services.looks import Span
from tests.telegram_chat.samples import record
from tests.telegram_chat.world import NOW, World

LINES = [f"2026-11-24T11:59:{second:02}.123456789Z line {second} <b>&" for second in range(60)]


async def test_version_says_what_runs_and_whether_a_newer_one_is_known(world: World) -> None:
    async with world.talking():
        unknown = await world.asks(world.vera, "/version")
        world.lookout.now = replace(world.lookout.now, newest=Version(2025, 4, 4))
        newer = await world.asks(world.vera, "/version")
        world.lookout.now = replace(world.lookout.now, newest=Version(2025, 4, 1), digest=None)
        newest = await world.asks(world.vera, "/version")
        world.lookout.failure = PortError("find the stack: no answer")
        away = await world.asks(world.vera, "/version")

    assert unknown.text.splitlines() == [
        "akbot 1.0",
        "Authentik 2025.4.1",
        "Image: ghcr.io/goauthentik/server:2025.4.1",
        "Digest: abababababab",
        "Which version is the newest I do not know yet; /update looks.",
    ]
    assert "Newest known: 2025.4.4. /update shows the way." in newer.text
    assert "No newer version is known." in newest.text
    assert "Digest: none, the image was built here" in newest.text
    assert "find the stack: no answer" in away.text


async def test_the_last_lines_stand_in_the_chat_with_the_time_of_day(world: World) -> None:
    world.lookout.lines = LINES
    async with world.talking():
        answer = await world.asks(world.vera, "/logs worker 3")

    assert world.lookout.asked == [("worker", 3, None)]
    assert answer.text.splitlines() == [
        "worker, the last 3 lines:",
        "11:59:57 line 57 <b>&",
        "11:59:58 line 58 <b>&",
        "11:59:59 line 59 <b>&",
    ]
    assert answer.file is None


async def test_what_is_too_long_for_a_message_comes_as_a_document(world: World) -> None:
    world.lookout.lines = [f"{LINES[0]} {'x' * 500}"] * 30
    async with world.talking():
        answer = await world.asks(world.vera, "/logs worker")

    assert answer.file
    assert answer.file.name == "worker.log"
    assert answer.file.content.decode().splitlines() == world.lookout.lines
    assert "The last 30 lines of worker; secrets in it are masked." in answer.text


@pytest.mark.parametrize(("text", "lines"), [("/logs", 30), ("/logs 100", 100)])
async def test_without_a_service_there_are_buttons(world: World, text: str, lines: int) -> None:
    world.lookout.lines = LINES[:1]
    async with world.talking():
        which = await world.asks(world.vera, text)
        assert which.labels == ["server", "worker", "postgresql", "redis"]
        for label in ("worker", "redis"):
            world.vera.presses(which, label)
            await world.said(f"{label}, the last 1 lines", world.vera.chat)

    assert world.lookout.asked == [("worker", lines, None), ("redis", lines, None)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/logs worker 0", "I do not know what worker 0 means"),
        ("/logs worker 1001", "I do not know what worker 1001 means"),
        ("/logs worker 10 20", "I do not know what"),
        ("/logs nginx", 'there is no service "nginx" here'),
        ("/logs worker", "worker has said nothing that Docker keeps"),
    ],
)
async def test_what_cannot_be_shown_is_said(world: World, text: str, words: str) -> None:
    async with world.talking():
        answer = await world.asks(world.vera, text)

    assert words in answer.text


async def test_a_failed_backup_shows_its_log(world: World) -> None:
    world.lookout.lines = ["2026-11-24T12:00:09Z FATAL: no space"]
    reason = "dump the database: " + "no space left; " * 60
    async with world.talking():
        await world.asks(world.olga, "/backup nightly")
        world.clock.advance(10)
        job = world.operations.end(JobState.FAILED, reason)
        outcome = await world.said("Reason:", world.olga.chat)
        assert outcome.labels == ["Try again", "Show log"]
        world.vera.says("/help")
        world.olga.presses(outcome, "Show log")
        shown = await world.said("what the database's log says", world.olga.chat)

    assert shown.file
    content = shown.file.content.decode()
    assert shown.file.name == f"{job.id}.txt"
    assert reason in content
    assert '"nightly"' in content
    assert content.endswith("--- postgresql, while it ran\n2026-11-24T12:00:09Z FATAL: no space")
    around = timedelta(seconds=5)
    span = Span(NOW - around, NOW + timedelta(seconds=10) + around)
    assert world.lookout.asked == [("postgresql", 200, span)]


async def test_no_key_or_password_of_a_failure_is_shown(world: World) -> None:
    secrets = (
        "postgres://u:secretpw@h/x",
        "https://sso/recovery/use-token/openme/",
        "AGE-SECRET-KEY-1OPENME",
    )
    reason = f"open {' and '.join(secrets)}: refused; {'no space left; ' * 60}"
    async with world.talking():
        await world.asks(world.olga, "/backup")
        job = world.operations.end(JobState.FAILED, reason)
        outcome = await world.said("Reason:", world.olga.chat)
        details = await world.said("All that was said", world.olga.chat)
        world.olga.presses(outcome, "Show log")
        log = await world.said("what the database's log says", world.olga.chat)
        one = await world.asks(world.olga, f"/jobs {job.id}")

    assert details.file
    assert log.file
    masked = (
        "open postgres://u:***@h/x and https://sso/recovery/use-token/***/ and"
        " AGE-SECRET-KEY-***: refused"
    )
    files = [details.file.content.decode(), log.file.content.decode()]
    for shown in (outcome.text, one.text, *files):
        assert masked in shown
        assert "secretpw" not in shown


async def test_the_log_of_a_job_is_shown_without_the_engine(world: World) -> None:
    async with world.talking():
        await world.asks(world.olga, "/backup")
        world.operations.end(JobState.FAILED, "the Engine is away")
        outcome = await world.said("Reason:", world.olga.chat)
        world.lookout.failure = PortError("find the stack: no answer")
        world.olga.presses(outcome, "Show log")
        shown = await world.said("what the database's log says", world.olga.chat)

    assert shown.file
    assert b"is not to be had" in shown.file.content


async def test_jobs_are_looked_through_in_one_message(world: World) -> None:
    async with world.talking():
        world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
        world.operations.end(JobState.FAILED, "the store is away")
        listed = await world.asks(world.vera, "/jobs")
        assert listed.labels == ["backup 12:00"]
        world.vera.presses(listed, "backup 12:00")
        await world.telegram.until(lambda: "Outcome: the store is away" in listed.text)
        assert listed.labels == ["Show log", "← All jobs"]
        world.vera.presses(listed, "← All jobs")
        await world.telegram.until(lambda: listed.labels == ["backup 12:00"])


async def test_jobs_say_in_which_group_they_were_asked_for(world: World) -> None:
    group = world.telegram.supergroup(topics={7: "Ops"})
    async with world.talking():
        await world.asks(world.olga, "/backup", group, thread=7)
        world.operations.end()
        listed = await world.asks(world.vera, "/jobs")
        one = await world.asks(world.vera, f"/jobs {world.operations.all_jobs[0].id}")

    for answer in (listed, one):
        assert f"asked for by Olga (44) in group {group.id}, topic 7" in answer.text


@pytest.mark.parametrize("command", ["pin", "unpin"])
async def test_a_pin_without_an_id_is_chosen_by_a_button(world: World, command: str) -> None:
    old, pinned = record(30), record(60, pinned=True)
    world.operations.records = [old, pinned]
    async with world.talking():
        which = await world.asks(world.anna, f"/{command}")
        [label] = which.labels
        world.anna.presses(which, label)
        word = "Unpin" if command == "pin" else "Pin"
        await world.telegram.until(lambda: word in which.labels)

    assert [each.pinned for each in world.operations.records] == [
        command == "pin",
        command == "pin",
    ]


async def test_there_is_nothing_to_unpin(world: World) -> None:
    world.operations.records = [record(30)]
    async with world.talking():
        answer = await world.asks(world.anna, "/unpin")

    assert answer.text == "No backup is pinned. /backups lists them all."
