"""Whatever follows a command or stands in a button: words come back, and nothing begins."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, timedelta
from functools import partial
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from bot.domain.catalogue import is_backup_name
from bot.domain.errors import ConfigError
from bot.domain.jobs import JobState, Trigger
from bot.domain.messages import RunBackup
from bot.domain.pause import Pause, parse_end
from bot.entrypoints.telegram.asked import command_text
from bot.entrypoints.telegram.choosing import OF_CHOICE
from bot.entrypoints.telegram.command_table import COMMANDS
from bot.entrypoints.telegram.pressed import AGAIN_PREFIX, DEED_PREFIX, Deed, DeedData
from bot.entrypoints.telegram.questions import PREFIX
from bot.services.journal_ports import QUESTION_KEY
from tests.bot_api.chats import Chat, Message
from tests.bot_api.people import Person
from tests.telegram_chat.restores import FILES, NEWEST
from tests.telegram_chat.rolls import make_update
from tests.telegram_chat.samples import record
from tests.telegram_chat.world import NOW, World

THREAD = 7
NASTY = (
    "",
    "undo undo",
    "--yes",
    "latest; reboot",
    "$(reboot)",
    "<b>&amp;</i>",
    "worker -1",
    "worker 99999999999999999999",
    "worker ٣",
    "../../etc/passwd",
    "\u202eog",
    "2026.2.0 2026.2.1",
    "until 2026-02-30 08:00",
    "until 0001-01-01 00:00",
    "99999.99.99",
    "a" * 4_000,
    "\x00\x1b[31m",
    "🦊" * 300,
)
WORDS = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.from_regex(r"[-a-zA-Z0-9:/. ]{0,40}", fullmatch=True),
)
DATA = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.builds(
        lambda prefix, rest: prefix + rest,
        st.sampled_from([PREFIX, DEED_PREFIX, AGAIN_PREFIX]),
        st.from_regex(r"[a-z:0-9-]{0,30}", fullmatch=True),
    ),
    st.builds(
        lambda kind, rest: f"{PREFIX}{kind}{rest}",
        st.sampled_from([*OF_CHOICE]),
        st.from_regex(r"[0-9a-f]{12}:[0-9]{1,3}", fullmatch=True),
    ),
)
PEOPLE = ("anna", "olga", "vera", "stranger")
PRIVATE, GROUP, TOPIC = PLACES = ("in private", "in a group", "in a topic")
WORKS = {Deed.BACKUP, Deed.DRILL, Deed.PIN, Deed.UNPIN}
"""What a button does at once, for whoever may; the others show something, or ask first."""


class Said(NamedTuple):
    command: str
    words: str
    who: str
    where: str


class Bent(NamedTuple):
    """A change of what a real button carries."""

    button: int
    at: int
    how: str
    sign: str

    def of(self, carried: Sequence[str]) -> str:
        data = carried[self.button % len(carried)]
        at = self.at % (len(data) + 1)
        after = data[at:] if self.how == "put" else data[at + 1 :]
        return {"cut": data[:at], "twice": data + data}.get(self.how, data[:at]) + (
            "" if self.how in {"cut", "twice"} else self.sign + after
        )


class Forged(NamedTuple):
    data: str | Bent
    who: str
    where: str


SIGNS = st.one_of(st.sampled_from([*"0129:abq-", "", "٣", "\n"]), st.characters(codec="utf-8"))
BENT = st.builds(
    Bent,
    st.integers(0, 20),
    st.integers(0, 64),
    st.sampled_from(["cut", "twice", "put", "swap"]),
    SIGNS,
)
WHO, WHERE = st.sampled_from(PEOPLE), st.sampled_from(PLACES)
SAID = st.builds(Said, st.sampled_from([*COMMANDS]), WORDS, WHO, WHERE)
FORGED = st.builds(Forged, st.one_of(DATA, BENT, BENT), WHO, WHERE)


def every(words: Sequence[str], where: str, *who: str) -> list[Said]:
    return [Said(*each) for each in product(COMMANDS, words, who, [where])]


PAUSE = Pause(NOW, "planned work, says Boris", NOW + timedelta(hours=2))
Errors = Callable[[], list[str]]
MANY = settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a failure names its words as it is
)


@pytest.fixture
def world(world: World) -> World:
    world.operations.records = [NEWEST, record(30, pinned=True)]
    world.operations.preview = FILES
    world.pause.found = PAUSE
    world.rolls.update = make_update()
    return world


@pytest.fixture
def group(world: World) -> Chat:
    return world.telegram.supergroup(topics={THREAD: "Ops"})


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Errors:
    """What was logged as an error; unlike `caplog` itself it is short to show."""
    return lambda: [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]


def is_length(asked: str) -> bool:
    try:
        parse_end(asked, NOW, UTC)
    except ConfigError:
        return False
    return True


def is_harmless(command: str, words: str) -> bool:
    """Whether they are no request that would rightly begin or change something."""
    asked = " ".join(command_text(f"/{command} {words}").split()[1:])
    if command == "backup":  # any words are a label
        return False
    if command in {"pause", "mute"}:
        return asked.lower() != "off" and not is_length(asked)
    if command in {"resume", "cancel"}:
        return asked != ""
    return command not in {"drill", "pin", "unpin"} or (asked != "" and not is_backup_name(asked))


async def answered(world: World) -> list[str]:
    """The questions that have an answer."""
    queued = await world.outbox.named(QUESTION_KEY)
    names = [each.message.key.removeprefix(QUESTION_KEY) for each in queued]
    found = [(name, await world.questions.find(name)) for name in names]
    return [name for name, question in found if question and question[1]]


async def settled(world: World, errors: Errors, group: Chat) -> None:
    await world.all_handled()
    await world.all_sent(passing=1)
    assert world.operations.starts == []
    assert world.operations.cancelled == []
    assert world.pause.found == PAUSE
    assert world.muted_until is None
    assert await answered(world) == []
    assert [each.pinned for each in world.operations.records] == [False, True]
    for chat in (group, *(getattr(world, name).chat for name in PEOPLE)):
        for text in chat.texts:
            assert "Traceback" not in text
            assert "an error in akbot itself" not in text
    assert world.stranger.chat.from_bot == []
    assert errors() == []
    world.clock.advance(61)  # a group takes as many messages again


@contextmanager
def something_running(world: World) -> Iterator[None]:
    """A job that somebody else has begun, and that a word too many could stop."""
    world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
    try:
        yield
    finally:
        world.operations.end(JobState.DONE)


@MANY
@given(many=st.lists(SAID, min_size=20, max_size=30), is_busy=st.booleans())
@example(many=every(NASTY[1:5], PRIVATE, "anna", "vera"), is_busy=True)
@example(many=every(NASTY[9:12], TOPIC, "olga", "stranger"), is_busy=False)
async def test_words_that_make_no_sense_begin_and_stop_nothing(
    world: World, errors: Errors, group: Chat, many: list[Said], *, is_busy: bool
) -> None:
    with something_running(world) if is_busy else nullcontext():
        async with world.talking():
            for command, words, who, where in many:
                if who in {"anna", "olga"} and not is_harmless(command, words):
                    continue
                person: Person = getattr(world, who)
                place = None if where == PRIVATE else group
                thread = THREAD if where == TOPIC else None
                person.says(f"/{command} {words}".strip(), place, thread=thread)
            await settled(world, errors, group)


def is_a_press(data: str, who: str, carried: Sequence[str]) -> bool:
    """Whether it is what a real button carries, and rightly does what that does."""
    if who not in {"anna", "olga"}:
        return False
    question, _, choice = data.rpartition(":")
    if choice.isdecimal() and f"{question}:{int(choice)}" in carried:
        return True
    try:
        return data.startswith(DEED_PREFIX) and DeedData.read(data).deed in WORKS
    except ValueError:
        return False


async def answer(world: World, chat: Chat, thread: int | None, command: str, words: str) -> Message:
    """The answer to Anna's *command* there that says *words*; a question in it is open."""
    before = len(chat.from_bot)
    world.anna.says(command, chat, thread=thread)
    [found, *_] = await world.eventually(
        lambda: [each for each in chat.from_bot[before:] if words in each.text]
    )
    return found


@MANY
@given(many=st.lists(FORGED, min_size=20, max_size=30))
@example(many=[Forged("b:l::0", "vera", GROUP)])
async def test_buttons_that_nobody_made_do_nothing(
    world: World, errors: Errors, group: Chat, many: list[Forged]
) -> None:
    async with world.talking():
        asked = {}
        for where, chat, thread in (
            (PRIVATE, world.anna.chat, None),
            (GROUP, group, None),
            (TOPIC, group, THREAD),
        ):
            shown = partial(answer, world, chat, thread)
            question = await shown("/restore latest", "Go on? Nothing has been changed")
            choice = await shown("/mute", "For how long?")
            asked[where] = (question, choice, await shown("/backups", "Press one"))
        real = {each: each.labels for messages in asked.values() for each in messages[:2]}
        for number, (forged, who, where) in enumerate(many):
            messages = asked[where]
            carried = [each.data for message in messages for row in message.buttons for each in row]
            data = forged.of(carried) if isinstance(forged, Bent) else forged
            person = world.anna if where == PRIVATE else getattr(world, who)
            if data and not is_a_press(data, "anna" if where == PRIVATE else who, carried):
                person.forges(messages[number % len(messages)], data)
        await settled(world, errors, group)
        assert {each: each.labels for each in real} == real
