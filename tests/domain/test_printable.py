import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.printable import LONGEST_NAME, one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(
            "vor dem Umzug, 100 % = «éß» 🎉", "vor dem Umzug, 100 % = «éß» 🎉", id="words"
        ),
        pytest.param("two\nlines\r\tand", r"two\nlines\r\tand", id="line breaks"),
        pytest.param("\x1b[31mred\x07\x9b", r"\x1b[31mred\x07\x9b", id="what moves the cursor"),
        pytest.param("a\u202egnp.exe\u2066", r"a\u202egnp.exe\u2066", id="changes of direction"),
        pytest.param("a\u2028b\u200b\ufeff", r"a\u2028b\u200b\ufeff", id="what cannot be seen"),
        pytest.param("\udcff", r"\udcff", id="half a character"),
        pytest.param("x" * 100, "x" * 100, id="as long as may be"),
        pytest.param("x" * 101, "x" * 99 + "…", id="too long"),
        pytest.param("\x00" * 60, (r"\x00" * 60)[:99] + "…", id="too long once it is escaped"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(categories=["C", "Z", "L", "P"]), max_size=300))
def test_it_is_one_short_line_whatever_comes(text: str) -> None:
    shown = printable(text)

    assert shown.isprintable()
    assert len(shown) <= LONGEST_NAME


def test_the_lines_of_a_program_become_one() -> None:
    assert one_line("pg_dump: error:\n\t no \x1b[1mroom\n") == r"pg_dump: error: no \x1b[1mroom"
    assert one_line("a b c", 4) == "a b…"
