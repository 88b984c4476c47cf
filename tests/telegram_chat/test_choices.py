"""What a command without a word offers by buttons: bound, counted once, judged like the command."""

from datetime import timedelta

import pytest

from bot.domain.catalogue import BackupState
from bot.domain.drill import VERDICT, Verdict
from bot.domain.errors import PortError
from bot.domain.jobs import READS, Job, JobKind, JobState, Trigger
from bot.domain.messages import RunBackup, RunDrill, RunUpdate
from bot.domain.pause import Pause
from bot.domain.update_outlook import Target
from bot.domain.versions import Version
from bot.entrypoints.telegram.handlers import OF_QUESTION
from tests.bot_api.chats import Chat, Message
from tests.bot_api.people import Person
from tests.telegram_chat.restores import FILES
from tests.telegram_chat.rolls import make_update
from tests.telegram_chat.samples import record
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.world import NOW, World

RECORDS = [
    record(8.5, state=BackupState.PARTIAL),
    record(30),
    record(56, state=BackupState.NOT_TRUSTED),
    *(record(24 * days) for days in range(3, 9)),
]
PATCH, NEXT = Version(2025, 2, 4), Version(2025, 4, 4)
TARGETS = (
    Target(version=PATCH, steps=1, security=True),
    Target(version=NEXT, steps=2, held="2025.4.4 is known since 2026-11-24 09:00 UTC only"),
)
SECOND = "Newest: 23 Nov 06:00 (30 h ago)"
ACTS = {"/restore": SECOND, "/drill": SECOND, "/verify": SECOND} | {
    "/update": "2025.2.4",
    "/pause": "2 h",
    "/mute": "2 h",
}
"""Each command that asks back, and a button of what it offers."""


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = RECORDS
    world.operations.preview = FILES
    world.rolls.update = make_update()
    world.rolls.targets_found = TARGETS
    return world


def drill(backup: str, *, passed: bool) -> Job:
    return Job(
        id=record(5).id,
        kind=JobKind.DRILL,
        trigger=Trigger.SCHEDULE,
        actor="akbot",
        started=NOW - timedelta(hours=5),
        state=JobState.DONE if passed else JobState.FAILED,
        plan={READS: backup, VERDICT: Verdict.PASS if passed else Verdict.FAIL},
    )


async def offered(
    world: World, command: str, chat: Chat | None = None, person: Person | None = None
) -> Message:
    """The choice that a command without a word leads to."""
    (person or world.anna).says(command, chat)
    found = await world.said("This question stands until", chat or world.anna.chat)
    await world.all_handled()
    await world.all_sent()
    return found


def effects(world: World) -> int:
    """How often one of the commands was carried out so far."""
    operations = world.operations
    asked = len(operations.starts) + len(operations.verified) + len(operations.asked)
    held = (world.pause.found is not None) + (world.muted_until is not None)
    return asked + len(world.rolls.asked) + held


async def happened(world: World) -> None:
    await world.telegram.until(lambda: effects(world) == 1)
    await world.all_handled()
    await world.all_sent()


async def test_the_newest_backups_that_can_be_used(world: World) -> None:
    world.operations.all_jobs = [
        drill(RECORDS[1].id, passed=True),
        drill(RECORDS[3].id, passed=False),
    ]
    async with world.talking():
        shown = await offered(world, "/restore")

    assert shown.labels == [
        "24 Nov 03:30 (8 h ago), partial",
        SECOND,
        "21 Nov 12:00 (3 days ago)",
        "20 Nov 12:00 (4 days ago)",
        "19 Nov 12:00 (5 days ago)",
        "Never mind",
    ]
    assert [line.split()[-1] for line in shown.text.splitlines()[1:7]] == [
        *("PROVEN", "yet", "Nov", "FAILED", "yet", "yet")
    ]
    assert "/restore latest takes the newest good one" in shown.text
    assert effects(world) == 0


async def test_where_copies_lie_is_told_where_one_lacks(world: World) -> None:
    world.operations.records = [
        record(1, stores=("nas",), lacking=("s3",)),
        record(2, stores=("nas", "s3")),
    ]
    async with world.talking():
        shown = await offered(world, "/drill")

    assert "24 Nov 11:00 lies in nas; not in s3." in shown.text


async def test_the_chosen_backup_is_the_one_that_is_shown(world: World) -> None:
    async with world.talking():
        shown = await offered(world, "/restore")
        world.operations.records = [record(0), *RECORDS]
        world.anna.presses(shown, "20 Nov 12:00 (4 days ago)")
        plan = await world.said("Go on?")
        await world.telegram.until(lambda: not shown.labels)

    assert [each.backup for each in world.operations.asked] == [RECORDS[4].id]
    assert plan.labels == ["Go on", "No"]
    assert "Anna chose: 20 Nov 12:00 (4 days ago)" in shown.text
    assert world.operations.starts == []


async def test_backups_of_one_minute_have_buttons_of_their_own(world: World) -> None:
    world.operations.records = [record(30 - 1 / 120), record(30)]
    async with world.talking():
        shown = await offered(world, "/verify")
        first, second, _ = shown.labels
        world.anna.presses(shown, second)
        await happened(world)

    assert first != second
    assert world.operations.verified == [world.operations.records[1].id]


async def test_where_there_is_nothing_to_choose_it_goes_on(world: World) -> None:
    world.operations.records = RECORDS[1:3]
    async with world.talking():
        world.anna.says("/drill")
        await world.telegram.until(lambda: world.operations.commands)

    (command,) = world.operations.commands
    assert isinstance(command, RunDrill)
    assert command.backup == "latest"


async def test_while_a_job_runs_nothing_is_offered(world: World) -> None:
    world.operations.begin(RunBackup(trigger=Trigger.SCHEDULE, actor="schedule"))
    async with world.talking():
        for command in ("/restore", "/drill", "/update"):
            answer = await world.asks(world.anna, command)
            assert "Not now: backup since" in answer.text


async def test_a_store_that_is_away_is_told(world: World) -> None:
    world.operations.failure = PortError("list the backups: no answer")
    async with world.talking():
        answer = await world.asks(world.anna, "/verify")

    assert "list the backups: no answer" in answer.text
    assert effects(world) == 0


async def test_the_versions_that_are_sensible_and_what_holds_one_back(world: World) -> None:
    async with world.talking():
        shown = await offered(world, "/update")
        assert shown.labels == ["2025.2.4", "2025.4.4, held back", "Never mind"]
        assert "• 2025.2.4: in one step, security release" in shown.text
        assert "• 2025.4.4: in 2 steps, the newest" in shown.text
        assert "Held back: 2025.4.4 is known since 09:00 (3 h ago) only" in shown.text
        assert world.rolls.asked == []
        world.anna.presses(shown, "2025.4.4, held back")
        await world.said("Update Authentik 2025.2.1 to 2025.4.4?")

    (asked,) = world.rolls.asked
    assert isinstance(asked, RunUpdate)
    assert asked.tag == "2025.4.4"


async def test_with_one_version_the_way_to_it_is_shown_at_once(world: World) -> None:
    world.rolls.targets_found = TARGETS[1:]
    async with world.talking():
        world.anna.says("/update")
        await world.said("Update Authentik 2025.2.1 to 2025.4.4?")

    (asked,) = world.rolls.asked
    assert isinstance(asked, RunUpdate)
    assert asked.tag == "", "nobody has named it, so that what holds it back counts"


@pytest.mark.parametrize(
    ("label", "length"),
    [
        ("30 min", timedelta(minutes=30)),
        ("8 h", timedelta(hours=8)),
        ("Until tomorrow 08:00", None),
    ],
)
@pytest.mark.parametrize("command", ["/pause", "/mute"])
async def test_lengths(world: World, command: str, label: str, length: timedelta | None) -> None:
    """A length counts from the press; the morning is the one that was shown."""
    async with world.talking():
        shown = await offered(world, command)
        assert shown.labels == ["30 min", "2 h", "8 h", "Until tomorrow 08:00", "Never mind"]
        world.clock.advance(60)
        await world.asks(world.boris, "/help")  # it listens, so that the press is a young one
        pressed = world.clock.now()
        world.anna.presses(shown, label)
        await happened(world)

    until = pressed + length if length else NOW + timedelta(hours=20)
    assert until in {world.muted_until, world.pause.found and world.pause.found.until}


async def test_what_is_on_can_be_ended(world: World) -> None:
    """No time passes, or it would be less than two hours that are left."""
    until = NOW + timedelta(hours=2)
    world.pause.found = Pause(NOW, "planned work, says Boris", until)
    async with world.talking():
        paused = await world.asks(world.anna, "/pause")
        assert paused.text.startswith("⏸ Paused until 14:00 (in 2 h 0 min).\nFor how long?")
        await world.asks(world.boris, "/help")
        world.anna.presses(paused, "Resume")
        await world.telegram.until(lambda: world.anna.chat.saying("All goes on."))
        world.muted_until = until
        muted = await world.asks(world.anna, "/mute")
        assert muted.text.startswith("🔕 Muted until 14:00 (in 2 h 0 min).")
        await world.asks(world.boris, "/help")
        world.anna.presses(muted, "Unmute")
        await world.telegram.until(lambda: world.anna.chat.saying("🔔 Not muted"))

    assert world.pause.found is None
    assert world.muted_until == NOW


@pytest.mark.parametrize("command", ACTS)
async def test_never_mind_does_nothing(world: World, command: str) -> None:
    async with world.talking():
        shown = await offered(world, command)
        world.anna.presses(shown, "Never mind")
        await world.telegram.until(lambda: "Anna chose: Never mind" in shown.text)
        await world.all_handled()

    assert not shown.labels
    assert effects(world) == 0


@pytest.mark.parametrize("command", ACTS)
async def test_pressed_twice_and_delivered_again(world: World, command: str) -> None:
    async with world.talking():
        shown = await offered(world, command)
        for _ in range(2):
            world.anna.presses(shown, ACTS[command], stale=True)
        await happened(world)
        world.anna.presses(shown, "Never mind", stale=True)
        world.telegram.updates.deliver_again(3)
        await world.all_handled()

    assert effects(world) == 1
    assert not shown.labels
    assert f"Anna chose: {ACTS[command]}" in shown.text


@pytest.mark.parametrize("command", ACTS)
async def test_by_another_too_late_and_after_a_restart(world: World, command: str) -> None:
    group = world.telegram.supergroup()
    async with world.talking():
        shown = await offered(world, command, group)
        query = world.boris.presses(shown, ACTS[command])
        world.stranger.presses(shown, ACTS[command])
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        await world.all_handled()
        assert effects(world) == 0
    async with world.talking():
        await world.all_handled()
        world.anna.presses(shown, ACTS[command])
        await happened(world)
        world.clock.advance(121)
        world.anna.presses(shown, "Never mind", stale=True)
        await world.all_handled()

    notice = world.telegram.queries[query].notice
    assert notice
    assert notice.text == "This question is for somebody else."
    assert effects(world) == 1


@pytest.mark.parametrize("command", ACTS)
async def test_after_two_minutes(world: World, command: str) -> None:
    async with world.talking():
        shown = await offered(world, command)
        world.clock.advance(121)
        await world.asks(world.boris, "/help")  # it listens, so that the press is a young one
        world.anna.presses(shown, ACTS[command])
        await world.telegram.until(lambda: "the question has expired" in shown.text)
        await world.all_handled()

    assert effects(world) == 0


@pytest.mark.parametrize("command", ACTS)
async def test_a_role_that_was_taken_away_takes_the_choice_along(
    world: World, command: str
) -> None:
    async with world.talking():
        shown = await offered(world, command)
    world.allowed, world.viewers = frozenset({43}), frozenset({42})
    async with world.talking():
        await world.all_handled()
        query = world.anna.presses(shown, ACTS[command])
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        await world.all_handled()

    notice = world.telegram.queries[query].notice
    assert notice
    assert notice.text.startswith(f"{command} is for ")
    assert effects(world) == 0


@pytest.mark.parametrize("command", ACTS)
async def test_the_data_fits_and_each_kind_is_judged(world: World, command: str) -> None:
    async with world.talking():
        shown = await offered(world, command)

    datas = [button.data for row in shown.buttons for button in row]
    assert all(len(each.encode()) <= 64 for each in datas)
    act = OF_QUESTION[datas[0].removeprefix("q:")[0]]
    assert f"/{act}" == command


@pytest.mark.parametrize("command", ACTS)
async def test_a_command_that_is_handled_again_offers_once(world: World, command: str) -> None:
    """As after a kill between the offer and the note that the command was handled."""
    inbox = world.inbox = Stumbling(world.inbox)  # type: ignore[assignment]
    async with world.talking():
        inbox.times["handled"] = 1
        world.anna.says(command)
        await world.eventually(lambda: not inbox.times["handled"])
        shown = await world.said("This question stands until")
        await world.eventually(lambda: world.telegram.updates.polled, seconds=5)
        await world.all_handled(passing=5)
        await world.all_sent()

    stand = [each for each in world.anna.chat.from_bot if "This question stands" in each.text]
    assert stand == [shown]
    assert shown.labels


async def test_buttons_are_those_of_the_question_that_is_known(world: World) -> None:
    """A kill between the question and its message, and another list by then."""
    outbox = world.outbox = Stumbling(world.outbox)  # type: ignore[assignment]
    async with world.talking():
        outbox.about, outbox.times["put"] = "question:", 1
        world.anna.says("/drill")
        await world.eventually(lambda: not outbox.times["put"])
        world.operations.records = [record(0), *RECORDS]
        shown = await world.eventually(
            lambda: world.anna.chat.saying("This question stands"), seconds=5
        )
        assert shown
        assert shown.labels[0] == "24 Nov 03:30 (8 h ago), partial"
        world.anna.presses(shown, SECOND)
        await world.telegram.until(lambda: world.operations.commands)

    (command,) = world.operations.commands
    assert isinstance(command, RunDrill)
    assert command.backup == RECORDS[1].id
