"""Whatever follows a command or stands in a button: words come back, and nothing begins."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, timedelta

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
from bot.entrypoints.telegram.pressed import AGAIN_PREFIX, DEED_PREFIX
from bot.entrypoints.telegram.questions import PREFIX
from bot.services.journal_ports import QUESTION_KEY
from tests.bot_api.people import Person
from tests.telegram_chat.restores import FILES, NEWEST, planned
from tests.telegram_chat.rolls import make_update
from tests.telegram_chat.samples import record
from tests.telegram_chat.world import NOW, World

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
PAUSE = Pause(NOW, "planned work, says Boris", NOW + timedelta(hours=2))
Errors = Callable[[], list[str]]
FEW = settings(
    max_examples=5,
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


async def settled(world: World, errors: Errors) -> None:
    await world.all_handled()
    await world.all_sent()
    assert world.operations.starts == []
    assert world.operations.cancelled == []
    assert world.pause.found == PAUSE
    assert world.muted_until is None
    assert await answered(world) == []
    assert [each.pinned for each in world.operations.records] == [False, True]
    for chat in (world.anna.chat, world.vera.chat):
        for text in chat.texts:
            assert "Traceback" not in text
            assert "an error in akbot itself" not in text
    assert errors() == []


@contextmanager
def something_running(world: World) -> Iterator[None]:
    """A job that somebody else has begun, and that a word too many could stop."""
    world.operations.begin(RunBackup(trigger=Trigger.CLI, actor="root"))
    try:
        yield
    finally:
        world.operations.end(JobState.DONE)


@FEW
@given(many=st.lists(WORDS, min_size=4, max_size=4), is_busy=st.booleans())
@example(many=list(NASTY[1:5]), is_busy=True)
@example(many=list(NASTY[9:13]), is_busy=False)
async def test_words_that_make_no_sense_begin_and_stop_nothing(
    world: World, errors: Errors, many: list[str], *, is_busy: bool
) -> None:
    def say(person: Person, command: str, words: str) -> None:
        person.says(f"/{command} {words}".strip())

    with something_running(world) if is_busy else nullcontext():
        async with world.talking():
            for words in many:
                for command in COMMANDS:
                    if is_harmless(command, words):
                        say(world.anna, command, words)
                    if command != "start":
                        say(world.vera, command, words)
            await settled(world, errors)


@FEW
@given(many=st.lists(DATA, min_size=20, max_size=20))
async def test_buttons_that_nobody_made_do_nothing(
    world: World, errors: Errors, many: list[str]
) -> None:
    async with world.talking():
        message = await planned(world)  # and its question is open
        await world.asks(world.anna, "/mute")  # and its choice
        buttons = message.labels
        for number, data in enumerate(many):
            content = {
                "id": f"forged{number}",
                "from": world.anna.json(),
                "chat_instance": "1",
                "message": message.json(),
                "data": data,
            }
            world.telegram.updates.add("callback_query", content)
        await settled(world, errors)
        assert message.labels == buttons
