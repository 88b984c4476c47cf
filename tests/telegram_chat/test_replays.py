"""A confirmation pressed or typed twice, by another, too late, after a restart, after a change.

At most one action comes of it, for a restore, an update and a rollback, by a button or by a word.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.jobs import CHANGED, JobState
from bot.domain.messages import RunRestore, RunRollback, RunUpdate
from tests.bot_api.chats import Chat, Message
from tests.bot_api.people import Person
from tests.telegram_chat.restores import FILES, NEWEST, UNDO, WORD, YES
from tests.telegram_chat.rolls import SWAPS, make_rollback, make_update
from tests.telegram_chat.samples import make_preview
from tests.telegram_chat.stumbling import Stumbling
from tests.telegram_chat.world import World


@dataclass(frozen=True)
class Deed:
    """*command* leads to the question that says *asks*, after *first* was pressed, if anything.

    *label* is the button of it that acts, "" where *word* is typed; *changed* lets the plan be
    another one than was shown.
    """

    command: str
    asks: str
    set_up: Callable[[World], None]
    changed: Callable[[World], None]
    first: str = ""
    label: str = ""
    word: str = ""

    async def question(self, world: World, chat: Chat) -> Message:
        world.anna.says(self.command, chat)
        if self.first:
            plan = await world.said("This question stands until", chat)
            world.anna.presses(plan, self.first)
        asked = await world.said(self.asks, chat)
        await world.all_handled()
        await world.all_sent()
        return asked

    async def last_of(self, world: World, plan: Message) -> Message:
        """The question that acts, which follows from *plan*."""
        if not self.first:
            return plan
        world.anna.presses(plan, self.first)

        def last() -> Message | None:
            asked = [each for each in plan.chat.from_bot if self.asks in each.text and each.labels]
            return asked[-1] if asked else None

        found = await world.telegram.until(last)
        await world.all_handled()
        await world.all_sent()
        return found

    def agree(self, person: Person, asked: Message) -> str:
        """Press or type; the id of the press, "" for a word."""
        if self.label:
            return person.presses(asked, self.label, stale=True)
        person.says(self.word, asked.chat)
        return ""


def restore(plan: object) -> Callable[[World], None]:
    def set_up(world: World) -> None:
        world.operations.records = [NEWEST]
        world.operations.preview = plan  # type: ignore[assignment]

    return set_up


def update(**changes: object) -> Callable[[World], None]:
    return lambda world: setattr(world.rolls, "update", make_update(**changes))


def rollback(**changes: object) -> Callable[[World], None]:
    return lambda world: setattr(world.rolls, "rollback", make_rollback(**changes))


LOSES = {"change": SWAPS, "written": 1204}
DEEDS = {
    "restore of files": Deed(
        "/restore",
        "Last question",
        restore(FILES),
        restore(replace(FILES, newest=False)),
        first="Go on",
        label=YES,
    ),
    "restore of rows": Deed(
        "/restore",
        "Last question",
        restore(make_preview()),
        restore(make_preview(newest=False)),
        first="Go on",
        word=WORD,
    ),
    "undo": Deed(
        "/restore undo",
        "Last question",
        restore(UNDO),
        restore(replace(UNDO, version_then="2025.2.0")),
        first="Go on",
        word=WORD,
    ),
    "update": Deed(
        "/update", "Update Authentik", update(), update(current="2025.2.2"), label="Update"
    ),
    "update without rehearsal": Deed(
        "/update",
        "without trying it on a copy first?",
        update(),
        update(current="2025.2.2"),
        first="Without rehearsal …",
        label="Yes, without rehearsal",
    ),
    "rollback": Deed(
        "/rollback",
        "Take the update to",
        rollback(),
        rollback(version_then="2025.2.0"),
        label="Roll back",
    ),
    "rollback of rows": Deed(
        "/rollback",
        "Take the update to",
        rollback(**LOSES),
        rollback(version_then="2025.2.0", **LOSES),
        word="rollback",
    ),
}


@pytest.fixture(params=DEEDS)
def deed(request: pytest.FixtureRequest, world: World) -> Deed:
    deed = DEEDS[request.param]
    deed.set_up(world)
    return deed


@pytest.fixture
def group(world: World) -> Chat:
    return world.telegram.supergroup()


async def quiet(world: World) -> None:
    await world.all_handled()
    await world.all_sent()


async def begun(world: World) -> RunRestore | RunUpdate | RunRollback:
    await world.telegram.until(lambda: world.operations.commands)
    command = world.operations.commands[0]
    assert isinstance(command, RunRestore | RunUpdate | RunRollback)
    return command


async def test_twice(world: World, deed: Deed, group: Chat) -> None:
    async with world.talking():
        asked = await deed.question(world, group)
        for _ in range(2):
            deed.agree(world.anna, asked)
        await begun(world)
        world.operations.end(JobState.DONE, "it serves")
        deed.agree(world.anna, asked)
        world.telegram.updates.deliver_again(3)
        await quiet(world)

    assert len(world.operations.starts) == 1


async def test_by_another_person(world: World, deed: Deed, group: Chat) -> None:
    """An admin, whose question it is not, and those who may not do it at all."""
    async with world.talking():
        asked = await deed.question(world, group)
        others = (world.boris, world.olga, world.vera)
        queries = [query for person in others if (query := deed.agree(person, asked))]
        deed.agree(world.stranger, asked)
        await quiet(world)
        known = world.telegram.queries
        await world.telegram.until(lambda: all(known[query].notice for query in queries))
        assert world.operations.starts == []
        deed.agree(world.anna, asked)
        command = await begun(world)

    assert command.actor == "Anna (42)"
    if deed.label:
        texts = [notice.text for query in queries if (notice := known[query].notice)]
        assert texts[0] == "This question is for somebody else."
        assert all("is for admins. You can: /help" in text for text in texts[1:])


async def test_in_another_chat(world: World, deed: Deed, group: Chat) -> None:
    async with world.talking():
        asked = await deed.question(world, group)
        if deed.word:
            world.anna.says(deed.word)
        else:
            copied = {
                "id": "forwarded",
                "from": world.anna.json(),
                "chat_instance": "1",
                "message": {**asked.json(), "chat": world.anna.chat.json()},
                "data": next(b.data for row in asked.buttons for b in row if b.label == deed.label),
            }
            world.telegram.updates.add("callback_query", copied)
        await quiet(world)

    assert world.operations.starts == []


async def test_after_two_minutes(world: World, deed: Deed, group: Chat) -> None:
    async with world.talking():
        asked = await deed.question(world, group)
        world.clock.advance(121)
        await world.asks(world.boris, "/help")  # it listens, so that the press is a young one
        deed.agree(world.anna, asked)
        await quiet(world)

    assert world.operations.starts == []
    if deed.label:
        assert "the question has expired" in asked.text


async def test_after_a_restart(world: World, deed: Deed, group: Chat) -> None:
    """The question is still there; what was answered before the restart is not answered again."""
    async with world.talking():
        asked = await deed.question(world, group)
    async with world.talking():
        await quiet(world)
        deed.agree(world.anna, asked)
        await begun(world)
        world.operations.end(JobState.DONE, "it serves")
        await quiet(world)
    async with world.talking():
        await quiet(world)
        deed.agree(world.anna, asked)
        world.telegram.updates.deliver_again(2)
        await quiet(world)

    assert len(world.operations.starts) == 1


async def test_after_the_plan_has_changed(world: World, deed: Deed, group: Chat) -> None:
    """The job is told what was agreed to and does nothing else; the new plan is asked about."""
    async with world.talking():
        asked = await deed.question(world, group)
        shown = plan_hashes(world)
        deed.changed(world)
        deed.agree(world.anna, asked)
        first = await begun(world)
        assert first.agreed in shown
        assert first.agreed not in plan_hashes(world)
        world.clock.advance(1)
        world.operations.end(JobState.FAILED, CHANGED)
        outcome = await world.said("it would do has changed", group)
        await world.telegram.until(lambda: plans_in(group))
        if deed.label or deed.first:  # else it is the word that the new question asks for, too
            deed.agree(world.anna, asked)
        await quiet(world)
        assert len(world.operations.starts) == 1
        assert "Show me the plan anew" in outcome.labels

        (plan,) = plans_in(group)
        anew = await deed.last_of(world, plan)
        for person in (world.boris, world.olga, world.vera, world.stranger):
            deed.agree(person, anew)
        await quiet(world)
        assert len(world.operations.starts) == 1
        deed.agree(world.anna, anew)
        await world.telegram.until(lambda: len(world.operations.commands) == 2)

    second = world.operations.commands[1]
    assert isinstance(second, RunRestore | RunUpdate | RunRollback)
    assert second.agreed in plan_hashes(world) - shown


async def test_a_plan_that_has_changed_is_asked_about_once(
    world: World, deed: Deed, group: Chat
) -> None:
    """Also over a restart; and not any more when that was long ago."""
    outbox = world.outbox = Stumbling(world.outbox)  # type: ignore[assignment]
    async with world.talking():
        deed.agree(world.anna, await deed.question(world, group))
        await begun(world)
        outbox.about, outbox.times["put"] = "looking:", 1
        world.operations.end(JobState.FAILED, CHANGED)
        await world.said("it would do has changed", group)
        await world.eventually(lambda: plans_in(group))
        await quiet(world)
        assert not outbox.times["put"]
    async with world.talking():
        await world.asks(world.boris, "/help")
        await quiet(world)
    assert len(plans_in(group)) == 1

    later = replace(world.operations.all_jobs[0], id=BackupId("20261124T120500Z-late"))
    world.operations.all_jobs.insert(0, later)
    world.clock.advance(660)
    async with world.talking():
        await world.eventually(lambda: group.saying(later.id))
        await quiet(world)
    assert len(plans_in(group)) == 1


def plans_in(chat: Chat) -> list[Message]:
    """The questions about plans that wait for an answer."""
    return [each for each in chat.from_bot if "No" in each.labels]


def plan_hashes(world: World) -> set[str]:
    """Of all that a question about it could be about."""
    preview, way, back = world.operations.preview, world.rolls.update, world.rolls.rollback
    hashes = {preview.plan_hash, replace(preview, backup_id=NEWEST.id).plan_hash} if preview else ()
    hashes_of_update = (way.plan_hash, way.unrehearsed.plan_hash) if way else ()
    return {*hashes, *hashes_of_update, *((back.plan_hash,) if back else ())}
