"""What was asked for and came to nothing: kept with its person, its chat and why, and listed."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.domain.errors import RefusedError
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from bot.domain.orders import MOST_UNMET, Order
from tests.bot_api.chats import Chat, Message
from tests.telegram_chat.restores import FILES, NEWEST, WORD, YES, confirmed, last_question, planned
from tests.telegram_chat.rolls import make_rollback, make_update
from tests.telegram_chat.samples import make_preview
from tests.telegram_chat.world import World

RUNS = "busy: backup since 12:00 UTC, begun by root"


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = [NEWEST]
    world.operations.preview = FILES
    world.rolls.update = make_update()
    world.rolls.rollback = make_rollback()
    return world


@pytest.fixture
def group(world: World) -> Chat:
    return world.telegram.supergroup()


async def kept(world: World) -> Sequence[Order]:
    """All that a list of now could show."""
    await world.all_handled()
    await world.all_sent()
    orders = await world.order_log.orders(20, unmet=True)
    return [each for each in orders if each.ended and each.ended <= world.clock.now()]


def told(orders: Sequence[Order]) -> list[tuple[str, str, str, str]]:
    return [(each.words, each.actor, str(each.state), each.message) for each in orders]


async def test_what_a_role_forbids(world: World, group: Chat) -> None:
    """By a command, by a button, and once however often it is delivered; no stranger's at all."""
    async with world.talking():
        await world.asks(world.vera, f"/restore {NEWEST.id}", group)
        listed = await world.asks(world.anna, "/backups", group)
        world.anna.presses(listed, listed.labels[0])
        await world.telegram.until(lambda: "Pin" in listed.labels)
        world.olga.presses(listed, "Pin")
        world.stranger.says("/restore", group)
        await world.all_handled()
        world.telegram.updates.deliver_again(2)
        orders = await kept(world)

    assert told(orders) == [
        (f"pin {NEWEST.id}", "Olga (44)", "refused", "it is for admins"),
        (f"restore {NEWEST.id}", "Vera (45)", "refused", "it is for admins"),
    ]
    assert all(each.origin.startswith(f"telegram:4242:{group.id}:") for each in orders)


async def test_what_another_job_is_in_the_way_of(world: World) -> None:
    world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
    async with world.talking():
        for command in ("/backup now", f"/restore {NEWEST.id}", "/update 2025.4.4", "/rollback"):
            await world.asks(world.anna, command)
        orders = await kept(world)

    wanted = ("rollback", "update 2025.4.4", f"restore {NEWEST.id}", "backup now")
    assert told(orders) == [(each, "Anna (42)", "refused", RUNS) for each in wanted]


async def test_what_a_plan_forbids(world: World) -> None:
    world.operations.preview = None
    world.rolls.rollback, world.rolls.failure = None, RefusedError("the stack is not fit")
    async with world.talking():
        for command in ("/restore undo", "/restore 2031", "/update", "/rollback"):
            said = len(world.anna.chat.from_bot)
            world.anna.says(command)
            await world.telegram.until(lambda: len(world.anna.chat.from_bot) > said + 1)  # noqa: B023
            await world.all_handled()
        orders = await kept(world)

    assert told(orders) == [
        ("rollback", "Anna (42)", "refused", "the stack is not fit"),
        ("update", "Anna (42)", "refused", "the stack is not fit"),
        ("restore 2031", "Anna (42)", "refused", 'there is no backup "2031"'),
        ("restore undo", "Anna (42)", "refused", "there is no restore to take back"),
    ]


@pytest.mark.parametrize(
    ("command", "asks", "words"),
    [
        ("/restore latest", "Go on?", f"restore {NEWEST.id}"),
        ("/update", "Update Authentik", "update 2025.4.4"),
        ("/rollback", "Take the update to", "rollback"),
    ],
)
async def test_a_no(world: World, group: Chat, command: str, asks: str, words: str) -> None:
    async with world.talking():
        world.anna.says(command, group)
        asked = await world.said(asks, group)
        world.anna.presses(asked, "No")
        world.anna.presses(asked, "No", stale=True)
        await world.telegram.until(lambda: not asked.labels)
        world.clock.advance(121)
        orders = await kept(world)

    assert told(orders) == [(words, "Anna (42)", "declined", "")]
    assert orders[0].origin.startswith(f"telegram:4242:{group.id}:0:{asked.id}")


async def test_a_no_to_the_last_question(world: World) -> None:
    async with world.talking():
        last = await last_question(world, await planned(world))
        world.anna.presses(last, "No, leave all as it is")
        await world.telegram.until(lambda: not last.labels)
        world.clock.advance(121)
        orders = await kept(world)

    assert told(orders) == [(f"restore {NEWEST.id}", "Anna (42)", "declined", "")]


async def test_a_no_to_what_was_offered_again(world: World, group: Chat) -> None:
    """Of each command in the offer that would have done something, and once."""
    async with world.talking():
        for command in ("/backup now", "/start", "/pause 2h"):
            world.anna.says(command, group, age=timedelta(hours=2))
        await world.all_handled()
        offer = await world.said("Run them now", group)
        world.anna.presses(offer, "No")
        world.anna.presses(offer, "No", stale=True)
        await world.telegram.until(lambda: not offer.labels)
        orders = await kept(world)
        listed = await world.asks(world.vera, "/jobs")

    assert sorted(told(orders)) == [
        ("backup now", "Anna (42)", "declined", ""),
        ("pause 2h", "Anna (42)", "declined", ""),
    ]
    assert "declined: backup now, 12:00" in listed.text


async def test_what_was_offered_again_and_accepted_is_none(world: World) -> None:
    async with world.talking():
        world.anna.says("/backup now", age=timedelta(hours=2))
        offer = await world.said("You asked for")
        world.anna.presses(offer, offer.labels[0])
        await world.telegram.until(lambda: world.operations.commands)
        await world.all_handled()
        world.clock.advance(hours=2)
        orders = await kept(world)

    assert orders == []


async def test_an_offer_that_nobody_answered(world: World, group: Chat) -> None:
    """Each command in it that would have done something, the last of each; over a restart."""
    old = timedelta(hours=2)
    async with world.talking():
        for command in ("/backup one", "/status", "/pause 2h", "/backup two"):
            world.anna.says(command, group, age=old)
        await world.all_handled()
        offer = await world.said("Run them now", group)
        assert await kept(world) == [], "it is open"
    world.clock.advance(hours=1)
    async with world.talking():
        listed = await world.asks(world.vera, "/jobs")
        orders = await kept(world)
        world.anna.presses(offer, "Run them")
        await world.telegram.until(lambda: not offer.labels)
        assert await kept(world) == orders

    assert sorted(told(orders)) == [
        ("backup two", "Anna (42)", "expired", ""),
        ("pause 2h", "Anna (42)", "expired", ""),
    ]
    assert all(each.origin.startswith(f"telegram:4242:{group.id}:0:") for each in orders)
    assert "⌛ expired: backup two, 12:00" in listed.text
    assert f"asked for by Anna (42) in group {group.id}" in listed.text


async def test_a_press_under_anothers_question(
    world: World, group: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    """Of whoever may do it themselves; the question stands, and is its person's alone."""
    async with world.talking():
        last = await last_question(world, await planned(world, chat=group), group)
        caplog.clear()
        query = world.boris.presses(last, YES)
        await world.telegram.until(lambda: world.telegram.queries[query].notice)
        world.telegram.updates.deliver_again(1)
        orders = await kept(world)
        logged = [each.getMessage() for each in caplog.records if "user 43" in each.getMessage()]
        assert last.labels

    assert told(orders) == [("restore", "Boris (43)", "refused", "somebody else was asked")]
    where = f"user 43 (admin) in group {group.id}"
    assert set(logged) == {
        f"chat: {where} asked for /restore by somebody else's question and was refused"
    }
    assert world.operations.starts == []


REFUSED = ("restore", "Boris (43)", "refused", "somebody else was asked")


@pytest.mark.parametrize("replies", [True, False])
@pytest.mark.parametrize("in_topic", [True, False])
async def test_a_word_for_anothers_question(
    world: World, caplog: pytest.LogCaptureFixture, *, replies: bool, in_topic: bool
) -> None:
    """Typed, as a press would be: it is kept once, and the question is its person's alone."""
    topic = 7000 if in_topic else None
    group = world.telegram.supergroup(topics={7000: "Ops"} if in_topic else {})
    async with world.talking():
        last = await word_asked(world, group, topic)
        caplog.clear()
        world.boris.says(WORD, group, thread=topic, reply_to=last if replies else None)
        told_boris = await world.said("This question is for somebody else.", group)
        world.telegram.updates.deliver_again(1)
        orders = await kept(world)
        assert last.labels
        assert group.last is told_boris
        assert told_boris.thread == topic
        noted = [each.getMessage() for each in caplog.records if "refused" in each.getMessage()]
        world.anna.says(WORD, group, thread=topic)
        await world.telegram.until(lambda: world.operations.commands)

    assert told(orders) == [REFUSED]
    assert all(each.startswith("chat: user 43 (admin)") for each in noted)
    assert noted


async def test_a_word_of_a_role_that_may_not(world: World, group: Chat) -> None:
    """As a reply it is meant; by itself it is only said."""
    async with world.talking():
        last = await word_asked(world, group)
        world.olga.says(WORD, group)
        world.vera.says(f"{WORD}?", group, reply_to=last)
        assert await kept(world) == []
        assert group.last is last
        world.olga.says(WORD, group, reply_to=last)
        orders = await kept(world)
        assert "/restore is for admins" in group.last.text
        assert last.labels

    assert told(orders) == [("restore", "Olga (44)", "refused", "it is for admins")]
    assert world.operations.starts == []


@pytest.mark.parametrize("where", ["private", "another group", "another topic"])
async def test_a_word_elsewhere_is_for_nobodys_question(world: World, where: str) -> None:
    group = world.telegram.supergroup(topics={7000: "Ops", 8000: "Tea"})
    other = {"private": None, "another group": world.telegram.supergroup(-1009)}.get(where, group)
    async with world.talking():
        await word_asked(world, group, 7000)
        world.boris.says(WORD, other, thread=8000 if where == "another topic" else None)
        orders = await kept(world)

    assert orders == []
    assert world.operations.starts == []


@pytest.mark.parametrize(
    ("wait", "answers"),
    [
        pytest.param(121, False, id="it has expired"),
        pytest.param(0, True, id="it was answered"),
    ],
)
async def test_a_word_where_no_question_is_open(
    world: World, group: Chat, wait: int, *, answers: bool
) -> None:
    async with world.talking():
        last = await word_asked(world, group)
        if answers:
            world.anna.presses(last, last.labels[0])
            await world.telegram.until(lambda: not last.labels)
        world.clock.advance(wait)
        world.boris.says(WORD, group)
        orders = await kept(world)

    assert [each for each in orders if each.actor == "Boris (43)"] == []


async def test_a_word_said_twice_is_not_for_anothers_question(world: World, group: Chat) -> None:
    """Whoever was asked for it, too, meant that."""
    async with world.talking():
        await word_asked(world, group)
        world.boris.says("/restore latest", group)
        plan = await world.telegram.until(lambda: plan_of(group))
        world.boris.presses(plan, "Go on")
        await world.telegram.until(lambda: len(asked_in(group)) == 2)
        await world.all_sent()
        world.clock.advance(5)
        for _ in range(2):
            world.boris.says(WORD, group)
            await world.telegram.until(lambda: world.operations.commands)
            await world.all_handled()
        orders = await kept(world)

    assert [each for each in told(orders) if each == REFUSED] == []
    assert len(world.operations.commands) == 1


async def word_asked(world: World, chat: Chat, topic: int | None = None) -> Message:
    """The last question to Anna, whose answer is typed."""
    world.operations.preview = make_preview()
    world.anna.says("/restore latest", chat, thread=topic)
    plan = await world.said("Go on? Nothing has been changed", chat)
    last = await last_question(world, plan, chat)
    await world.all_sent()
    world.clock.advance(5)
    return last


def plan_of(chat: Chat) -> Message | None:
    """The plan that waits for a button."""
    return next((each for each in chat.from_bot if "Go on" in each.labels), None)


def asked_in(chat: Chat) -> list[Message]:
    """The last questions."""
    return [each for each in chat.from_bot if "Last question" in each.text]


async def test_a_cancel_of_nothing_and_one_that_is_not_theirs(world: World) -> None:
    async with world.talking():
        await world.asks(world.olga, "/cancel")
        world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
        await world.asks(world.olga, "/cancel")
        orders = await kept(world)

    assert told(orders) == [("cancel", "Olga (44)", "refused", "nothing was running")]


async def test_the_list_shows_the_newest_few_and_all_that_was_done(world: World) -> None:
    async with world.talking():
        for _ in range(10):
            world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
            world.operations.end(JobState.DONE)
            world.clock.advance(60)
        for _ in range(6):
            await world.asks(world.vera, "/mute 2h")
            world.clock.advance(60)
        listed = await world.asks(world.anna, "/jobs")

    lines = listed.text.splitlines()
    assert lines[0].startswith("⛔ refused: mute 2h, 12:")
    assert lines[1:3] == ["   asked for by Vera (45)", "   Reason: it is for operators and admins"]
    assert listed.text.count("refused") == MOST_UNMET
    assert listed.text.count("✅ done: backup") == 10
    assert len(listed.labels) == 10


@pytest.mark.parametrize(
    ("command", "first", "asks", "words"),
    [
        ("/restore latest", "", "Go on?", f"restore {NEWEST.id}"),
        ("/restore latest", "Go on", "Last question", f"restore {NEWEST.id}"),
        ("/update", "", "Update Authentik", "update 2025.4.4"),
        ("/update", "Without rehearsal …", "without trying it", "update 2025.4.4"),
        ("/rollback", "", "Take the update to", "rollback"),
    ],
)
async def test_a_question_that_nobody_answered(
    world: World, command: str, first: str, asks: str, words: str
) -> None:
    """Also where the bot was stopped meanwhile; the question that was answered is not listed."""
    group = world.telegram.supergroup()
    async with world.talking():
        world.anna.says(command, group)
        if first:
            world.anna.presses(await world.said("This question stands", group), first)
        asked = await world.said(asks, group)
        orders = await kept(world)
        assert orders == [], "it is open"
        assert "expired" not in (await world.asks(world.vera, "/jobs")).text
        await world.all_sent()
    world.clock.advance(121)
    async with world.talking():
        listed = await world.asks(world.vera, "/jobs")
        orders = await kept(world)

    assert told(orders) == [(words, "Anna (42)", "expired", "")]
    assert orders[0].origin.startswith(f"telegram:4242:{group.id}:0:")
    assert listed.text.startswith(f"⌛ expired: {words}, 12:00")
    assert f"asked for by Anna (42) in group {group.id}" in listed.text
    assert asked.labels or first


@pytest.mark.parametrize("rows", [False, True], ids=["pressed", "typed"])
async def test_a_question_that_was_answered_is_none(world: World, *, rows: bool) -> None:
    world.operations.preview = make_preview() if rows else FILES
    async with world.talking():
        await confirmed(world)
        await world.all_handled()
        world.clock.advance(121)
        orders = await kept(world)

    assert orders == []
