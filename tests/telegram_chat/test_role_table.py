"""Every command by every role in every kind of place: allowed, refused or silent."""

import asyncio
import logging
from datetime import timedelta
from functools import partial

import pytest

from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunRestore
from bot.domain.roles import Act, ChatPlace
from bot.domain.update_outlook import Target
from bot.domain.versions import Version
from bot.entrypoints.telegram.choosing import OF_CHOICE
from bot.entrypoints.telegram.command_table import COMMANDS
from bot.entrypoints.telegram.handlers import OF_QUESTION
from bot.entrypoints.telegram.permits import OF_DEED
from bot.entrypoints.telegram.pressed import Deed, DeedData
from tests.bot_api.chats import Chat, Message
from tests.bot_api.people import ANONYMOUS, Person
from tests.bot_api.world import Notice
from tests.telegram_chat.restores import FILES, NEWEST, OLDER
from tests.telegram_chat.rolls import make_rollback, make_update
from tests.telegram_chat.world import LONG_ENOUGH, World

GROUP, FORUM, ELSEWHERE, TOPIC = -1_001_000_000_011, -1_001_000_000_012, -1_001_000_000_013, 7
LOOK = ("help", "start", "status", "backups", "jobs", "logs", "version", "schedule", "report")
WORK = ("backup", "verify", "drill", "cancel", "pause", "resume", "mute")
CHANGE = ("pin", "unpin", "restore", "update", "rollback")
ALLOWED = {
    "viewer": LOOK,
    "operator": (*LOOK, *WORK),
    "admin": (*LOOK, *WORK, *CHANGE),
}
LOOKS = {
    *(Deed.PAGE, Deed.SHOW, Deed.STATUS, Deed.JOBS, Deed.JOB),
    *(Deed.SAID, Deed.WHY, Deed.LOG, Deed.ALL_JOBS),
}
PRESSED = {
    "viewer": LOOKS,
    "operator": {*LOOKS, Deed.BACKUP, Deed.VERIFY, Deed.DRILL},
    "admin": {
        *(*LOOKS, Deed.BACKUP, Deed.VERIFY, Deed.DRILL, Deed.PIN, Deed.UNPIN),
        *(Deed.RESTORE, Deed.UNDO, Deed.UPDATE, Deed.ROLLBACK),
    },
}
COUNTS = {"viewer": (0, 0, 0, 0), "operator": (2, 1, 0, 0), "admin": (2, 1, 2, 2)}
SILENT_ROLES = ("stranger", "anonymous admin")
HEARD = ("private", "named group", "named topic")
UNHEARD = ("another topic", "another group")


@pytest.fixture
def world(world: World) -> World:
    world.groups = frozenset({ChatPlace(GROUP), ChatPlace(FORUM, TOPIC)})
    world.operations.records = [NEWEST]
    world.operations.preview = FILES
    world.rolls.update = make_update()
    world.rolls.rollback = make_rollback()
    return world


def person_of(world: World, role: str) -> Person:
    people = {"viewer": world.vera, "operator": world.olga, "stranger": world.stranger}
    return people.get(role, world.anna)


def place_of(world: World, place: str, person: Person) -> tuple[Chat, int | None]:
    forum = world.telegram.supergroup(FORUM, topics={TOPIC: "Ops", 8: "Chatter"})
    places: dict[str, tuple[Chat, int | None]] = {
        "private": (person.chat, None),
        "named group": (world.telegram.supergroup(GROUP), None),
        "named topic": (forum, TOPIC),
        "another topic": (forum, 8),
        "another group": (world.telegram.supergroup(ELSEWHERE), None),
    }
    return places[place]


def has_more(chat: Chat, said: int) -> bool:
    return len(chat.from_bot) > said


def notice_of(world: World, query: str) -> Notice | None:
    return world.telegram.queries[query].notice


def test_the_table_has_every_command_and_every_button_a_role() -> None:
    assert set(ALLOWED["admin"]) == set(COMMANDS)
    assert {each.act for each in COMMANDS.values()} == set(Act)
    assert set(OF_DEED) == set(Deed)
    assert set(OF_CHOICE.items()) <= set(OF_QUESTION.items())


@pytest.mark.parametrize("place", HEARD)
@pytest.mark.parametrize("role", ALLOWED)
async def test_who_is_on_a_list_is_answered_and_kept_from_what_is_for_others(
    world: World, role: str, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    person = person_of(world, role)
    chat, thread = place_of(world, place, person)
    refused = []
    async with world.talking():
        for command in COMMANDS:
            world.clock.advance(10)  # a group takes twenty messages a minute
            before, said = len(world.operations.starts), len(chat.from_bot)
            asked = person.says(f"/{command}", chat, thread=thread)
            await world.telegram.until(partial(has_more, chat, said))
            await world.all_handled()
            await world.all_sent(passing=1)
            answer = await world.outbox.find(
                f"answer:telegram:4242:{chat.id}:{thread or 0}:{asked.id}"
            )
            if answer and answer.message.text.startswith(f"/{command} is for "):
                refused.append(command)
                assert len(world.operations.starts) == before
            if len(world.operations.starts) > before:
                world.operations.end()
                ended = f"outcome:{world.operations.all_jobs[0].id}"
                async with asyncio.timeout(LONG_ENOUGH):
                    while await world.outbox.find(ended) is None:
                        world.clock.advance(1)
                        await asyncio.sleep(0.01)

    assert {message.thread for message in chat.from_bot} == {thread}
    assert set(refused) == set(COMMANDS) - set(ALLOWED[role])
    notes = [each for each in caplog.records if "was refused" in each.getMessage()]
    assert len(notes) == len(refused)
    assert all(f"user {person.id} ({role})" in each.getMessage() for each in notes)
    allowed = {"backup", "drill"} & set(ALLOWED[role])
    assert {each.kind for each in world.operations.starts} == allowed


def line_of(deed: Deed) -> str:
    if deed is Deed.LOG:
        return DeedData(deed, "worker", 20).line()
    return DeedData(deed, NEWEST.id).line()


def effects(world: World) -> tuple[object, ...]:
    """What has come of presses so far."""
    begun, pins = list(world.operations.starts), [each.pinned for each in world.operations.records]
    read, planned = list(world.operations.verified), list(world.operations.asked)
    return begun, pins, read, planned, list(world.rolls.asked), list(world.lookout.asked)


def counts(world: World) -> tuple[int, ...]:
    """Of backups and drills, backups read back, plans of restores, and of updates and rollbacks."""
    operations = world.operations
    asked = (operations.starts, operations.verified, operations.asked, world.rolls.asked)
    return tuple(len(each) for each in asked)


@pytest.mark.parametrize("role", PRESSED)
async def test_every_button_by_every_role(
    world: World, role: str, caplog: pytest.LogCaptureFixture
) -> None:
    person, group = person_of(world, role), world.telegram.supergroup(GROUP)
    refused = set()
    async with world.talking():
        message = await world.asks(world.anna, "/backups", group)
        for deed in Deed:
            world.clock.advance(10)
            before = effects(world)
            query = person.forges(message, line_of(deed))
            await world.all_handled()
            notice = await world.telegram.until(partial(notice_of, world, query))
            if " is for " in notice.text:
                refused.add(deed)
                assert effects(world) == before
                assert group.saying(notice.text) is None, "a toast, which others do not see"
            await world.all_sent(passing=1)
            if world.operations.starts and world.operations.all_jobs[0].ended is None:
                world.operations.end()
        await world.telegram.until(lambda: counts(world) == COUNTS[role])

    assert refused == set(Deed) - PRESSED[role]
    assert caplog.text.count("was refused") == len(refused)


@pytest.mark.parametrize("role", [*PRESSED, "stranger"])
async def test_every_choice_by_every_role(world: World, role: str) -> None:
    """Somebody else's, so that nobody but the admin who asked may press it."""
    world.operations.records = [NEWEST, OLDER]
    world.rolls.targets_found = [Target(version=Version(2025, 4, each)) for each in (3, 4)]
    person = world.boris if role == "admin" else person_of(world, role)
    group = world.telegram.supergroup(GROUP)
    async with world.talking():
        for act in OF_CHOICE.values():
            world.clock.advance(30)
            world.anna.says(f"/{act}", group)
            choice = await world.eventually(partial(open_choice, group))
            assert choice
            for label in choice.labels:
                query = person.presses(choice, label, stale=True)
                await world.all_handled()
                if role == "stranger":
                    assert notice_of(world, query) is None
                    continue
                notice = await world.telegram.until(partial(notice_of, world, query))
                allowed = act in ALLOWED[role]
                assert ("for somebody else" if allowed else f"/{act} is for ") in notice.text
            world.anna.presses(choice, "Never mind")
            await world.telegram.until(lambda: not choice.labels)  # noqa: B023 - waited for here

    assert effects(world) == ([], [False, False], [], [], [], [])
    assert (world.pause.found, world.muted_until) == (None, None)


def open_choice(chat: Chat) -> Message | None:
    return next((each for each in chat.from_bot if "Never mind" in each.labels), None)


async def test_no_button_answers_a_stranger(world: World) -> None:
    group = world.telegram.supergroup(GROUP)
    async with world.talking():
        message = await world.asks(world.anna, "/backups", group)
        queries = [world.stranger.forges(message, line_of(deed)) for deed in Deed]
        await world.all_handled()
        await world.all_sent()

    assert effects(world) == ([], [False], [], [], [], [])
    assert all(notice_of(world, query) is None for query in queries)
    assert group.from_bot == [message]


@pytest.mark.parametrize(
    ("role", "place"),
    [
        *((role, place) for role in SILENT_ROLES for place in (*HEARD, *UNHEARD)),
        *((role, place) for role in ALLOWED for place in UNHEARD),
    ],
)
async def test_silence_for_whoever_is_on_no_list_and_wherever_nobody_is_listened_to(
    world: World, role: str, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    anonymous = role == "anonymous admin"
    person = person_of(world, role)
    chat, thread = place_of(world, place, person)
    if anonymous and place == "private":
        return  # there is no such thing
    async with world.talking():
        for command in COMMANDS:
            person.says(f"/{command}", chat, thread=thread, anonymous=anonymous)
        await world.all_handled()
        await world.all_sent()

    assert chat.from_bot == []
    assert world.operations.starts == []
    assert world.operations.asked == []
    assert world.rolls.asked == []
    notes = [each for each in caplog.records if "no answer" in each.getMessage()]
    assert len(notes) == (0 if anonymous else 1), "one line an hour"


async def test_what_was_edited_or_forwarded_is_never_run(world: World) -> None:
    async with world.talking():
        said = world.anna.says("good morning")
        world.telegram.updates.allowed = None
        world.anna.edits(said, "/backup")
        message = world.anna.says("/backup").json()
        world.telegram.updates.add(
            "message",
            message
            | {
                "message_id": 9_000,
                "forward_origin": {"type": "hidden_user", "sender_user_name": "X", "date": 1},
            },
        )
        await world.all_handled()

    assert len(world.operations.starts) == 1, "the one that was written"


async def test_nobody_presses_in_the_name_of_a_group(world: World) -> None:
    """Not even where somebody has put the number that stands for all anonymous ones on a list."""
    world.allowed |= {1087968824}
    group = world.telegram.supergroup(GROUP)
    async with world.talking():
        await world.asks(world.anna, "/backup", group)
        world.operations.end(JobState.FAILED, "no space")
        outcome = await world.said("Reason: no space", group)
        again = next(b.data for row in outcome.buttons for b in row if b.label == "Try again")
        content = {"id": "1", "from": ANONYMOUS, "chat_instance": "1", "data": again}
        world.telegram.updates.add("callback_query", content | {"message": outcome.json()})
        await world.all_handled()

    assert len(world.operations.starts) == 1


async def test_a_button_is_judged_by_whoever_presses_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    group = world.telegram.supergroup(GROUP)
    async with world.talking():
        listed = await world.asks(world.anna, "/backups", group)
        world.anna.presses(listed, listed.labels[0])
        await world.telegram.until(lambda: "Restore …" in listed.labels)
        for label in ("Restore …", "Pin", "Drill", "Verify"):
            query = world.vera.presses(listed, label)
            await world.telegram.until(partial(notice_of, world, query))
            notice = world.telegram.queries[query].notice
            assert notice
            assert "You can: /help" in notice.text
        world.olga.presses(listed, "Restore …")
        await world.all_handled()
        assert (world.operations.starts, world.operations.asked) == ([], [])
        assert not world.operations.records[0].pinned
        world.olga.presses(listed, "Drill")
        await world.telegram.until(lambda: world.operations.commands)

    assert caplog.text.count("was refused") == 5


async def test_try_again_is_for_those_who_may_begin_it(world: World) -> None:
    group = world.telegram.supergroup(GROUP)
    async with world.talking():
        await world.asks(world.olga, "/backup", group)
        world.operations.end(JobState.FAILED, "no space")
        outcome = await world.said("Reason: no space", group)
        query = world.vera.presses(outcome, "Try again")
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        await world.all_handled()
        assert len(world.operations.starts) == 1
        world.olga.presses(outcome, "Try again")
        await world.telegram.until(lambda: len(world.operations.starts) == 2)


async def test_a_role_that_was_taken_away_takes_its_open_questions_along(world: World) -> None:
    async with world.talking():
        world.anna.says("/update")
        plan = await world.said("Update Authentik")
        await world.all_handled()
        await world.all_sent()
    world.allowed, world.viewers = frozenset({43}), frozenset({42})
    async with world.talking():
        await world.all_handled()
        query = world.anna.presses(plan, "Update")
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        await world.all_handled()

    notice = world.telegram.queries[query].notice
    assert notice
    assert notice.text.startswith("/update is for admins. You can: /help")
    assert world.operations.starts == []


async def test_operators_stop_no_restore(world: World) -> None:
    async with world.talking():
        world.operations.begin(RunRestore(trigger=Trigger.CLI, actor="root", backup=NEWEST.id))
        refused = await world.asks(world.olga, "/cancel")
        stopped = await world.asks(world.anna, "/cancel")

    assert refused.text == "The restore that runs is stopped by admins only. Nothing was stopped."
    assert "Stopping: restore" in stopped.text
    assert world.operations.cancelled == ["Anna (42)"]


async def test_an_old_command_that_is_not_for_its_person_is_not_even_offered(world: World) -> None:
    async with world.talking():
        world.vera.says("/restore", age=timedelta(hours=2))
        await world.telegram.until(lambda: world.vera.chat.from_bot)

    assert world.vera.chat.last.text.startswith("/restore is for admins.")
    assert not world.vera.chat.last.labels
