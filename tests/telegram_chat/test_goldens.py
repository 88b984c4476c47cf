"""Whole conversations as people see them, compared with goldens that a person has read.

`pytest tests/telegram_chat/test_goldens.py --rewrite-goldens` writes them as they are now; read
the difference before it is committed.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.restore import GOING_AWAY
from bot.entrypoints.telegram.markup import width
from tests.telegram_chat import sayings
from tests.telegram_chat.scenarios import SCENARIOS
from tests.telegram_chat.scene import Scene
from tests.telegram_chat.transcript import (
    BLOCK,
    BOT,
    Deed,
    Entry,
    Transcript,
    parse,
    standing,
    styled,
)
from tests.telegram_chat.world import World

GOLDENS = Path(__file__).parent / "goldens"
NAMES = sorted(SCENARIOS)
SERVICES = Path(__file__).parents[2] / "bot" / "services"
TELL = {"begin", "StepBegan"}


@pytest.mark.parametrize("name", NAMES)
async def test_the_conversation_is_the_one_that_was_read(
    world: World, name: str, pytestconfig: pytest.Config
) -> None:
    scenario = SCENARIOS[name]
    scene = Scene(world)
    await scene.starts()
    try:
        await scenario(scene)
    finally:
        await scene.stops()
    shown = scene.transcript((scenario.__doc__ or "").strip()).text()
    golden = GOLDENS / f"{name}.txt"
    if pytestconfig.getoption("--rewrite-goldens"):
        golden.write_text(shown)

    assert shown == golden.read_text()


def test_what_stands_in_columns_fits_a_phone() -> None:
    lines = [line for name in NAMES for line in _in_columns((GOLDENS / f"{name}.txt").read_text())]

    assert lines
    assert max(map(width, lines)) <= 36


def _in_columns(golden: str) -> list[str]:
    """The lines in monospaced blocks."""
    shown = [line for entry in parse(golden).entries for line in [*entry.lines, ""]]
    parts = "\n".join(shown).split(BLOCK)
    assert len(parts) % 2, "a block that begins in a message ends in it"
    return [line for block in parts[1::2] for line in block.splitlines()]


def test_steps_are_those_of_which_jobs_tell() -> None:
    known = [re.compile(pattern) for pattern in _steps_of_jobs()]
    told = {step for name in NAMES for step in _steps_in((GOLDENS / f"{name}.txt").read_text())}

    assert told
    assert [step for step in told if not any(each.fullmatch(step) for each in known)] == []


def _steps_in(golden: str) -> list[str]:
    steps: list[str] = re.findall(r"^ +(?:✔️ done|✔️ over|⏳ now): (.+)$", golden, re.MULTILINE)
    return [step for step in steps if not step.endswith(" steps before these")]


def _steps_of_jobs() -> Iterator[str]:
    """Patterns of what the services say that they begin."""
    yield re.escape(GOING_AWAY)
    yield re.escape(sayings.rehearsed().strip()) + ".*"
    for file in SERVICES.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in TELL:
                words = node.args[0]
                if isinstance(words, ast.Constant):
                    yield re.escape(str(words.value))
                elif isinstance(words, ast.JoinedStr):
                    yield "".join(
                        re.escape(str(each.value)) if isinstance(each, ast.Constant) else ".+"
                        for each in words.values
                    )


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_every_golden_has_a_scenario() -> None:
    assert sorted(each.stem for each in GOLDENS.glob("*.txt")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_is_read_as_it_was_written(name: str) -> None:
    golden = (GOLDENS / f"{name}.txt").read_text()

    assert parse(golden).text() == golden
    assert any(entry.speaker == BOT for entry in parse(golden).entries)


def test_what_stands_at_the_end_is_each_message_as_it_was_left() -> None:
    said = Entry(time="12:00", number=1, speaker="Anna", lines=("/backup",))
    asked = Entry(time="12:00", number=2, speaker=BOT, lines=("Sure?",), buttons=(("Yes",),))
    pressed = Entry(time="12:01", number=2, speaker="Anna", deed=Deed.PRESSES, pressed="Yes")
    edited = Entry(time="12:01", number=2, speaker=BOT, deed=Deed.EDITS, lines=("Done.",))
    gone = Entry(time="12:02", number=1, speaker="Anna", deed=Deed.DELETES)

    (left,) = standing([said, asked, pressed, edited, gone])

    assert (left.time, left.lines, left.buttons) == ("12:00", ("Done.",), ())
    assert len(standing([said, asked, pressed])) == 2


def test_an_edit_tells_only_what_is_new() -> None:
    lines = ("one", "two", "three")
    sent = Entry(time="12:00", number=1, speaker=BOT, lines=(*lines, "old"), file="a.txt")
    edited = Entry(time="12:01", number=1, speaker=BOT, deed=Deed.EDITS, lines=(*lines, "new"))
    talk = Transcript("A title.", (sent, edited))

    assert "(3 lines as before)\n    new" in talk.text()
    assert parse(talk.text()) == talk


def test_a_line_is_taken_apart_by_its_styles() -> None:
    assert list(styled("a *b c*: `d` ~e~.")) == [
        ("", "a "),
        ("bold", "b c"),
        ("", ": "),
        ("code", "d"),
        ("", " "),
        ("italic", "e"),
        ("", "."),
    ]


def test_what_is_no_golden_is_refused() -> None:
    with pytest.raises(ValueError, match="no head of an entry"):
        parse("A title.\n\nnoon, Anna\n    hello\n")
