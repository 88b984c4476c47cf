"""The README's picture shows what the chat says today, and its alternative text says the same."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.telegram_chat.picture import (
    FILE,
    WORDS,
    draw,
    moments,
    require_drawable,
    shown,
    words,
)
from tests.telegram_chat.transcript import Entry, styled

README = (Path(__file__).parents[2] / "README.md").read_text()
_REFERENCE = re.compile(r"!\[([^]]*)\]\((\S+)\)")


def heading(entry: Entry) -> str:
    """What an entry says first, without signs and styles."""
    text = "".join(piece for _, piece in styled(entry.lines[0]))
    return re.sub(r"^[^\w/]+", "", text)


def test_the_picture_shows_what_the_goldens_say() -> None:
    with Image.open(FILE) as picture:
        drawn = picture.info.get(WORDS)

    assert drawn == words(), "run: python -m tests.telegram_chat.picture, and look at it"


def test_what_each_phone_is_for_is_in_its_frame_from_its_first_line_on() -> None:
    for golden, seen in zip(moments(), shown(), strict=True):
        assert seen[-1:] == golden[-1:], "its newest message has no room: make the phones taller"
        assert seen == golden[-len(seen) :]


def test_the_picture_is_small_and_of_twice_the_density() -> None:
    with Image.open(FILE) as picture:
        assert picture.size == draw().size
        assert picture.width > 1500

    assert FILE.stat().st_size <= 200_000


def test_the_readme_opens_with_it_and_says_the_same_in_words() -> None:
    found = _REFERENCE.search(README)
    assert found
    said, target = found.groups()
    first, second = shown()

    assert (FILE.parents[1] / target).samefile(FILE)
    assert README[: found.start()].count("\n") < 20
    for entry in (*first, second[-1]):
        assert heading(entry) in said


def test_a_sign_that_nobody_has_drawn_is_noticed() -> None:
    with pytest.raises(ValueError, match="nobody has drawn"):
        require_drawable("🦊")
