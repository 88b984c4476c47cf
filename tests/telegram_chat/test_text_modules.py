"""What people read in the chat lies in the modules of texts, and nowhere beside them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.entrypoints import telegram

FOLDER = Path(telegram.__file__).parent
ELSEWHERE = {
    "trial": "what `akbot notify` tells on a terminal",
    "auth": "what the log tells of strangers",
    "client": "why Telegram is not reached, for the log and `akbot check`",
    "updates": "how the connection is, for the log and `akbot check`",
    "command_table": "the menu: a table of texts itself",
}
NOT_FOR_PEOPLE = {
    "chat not found": "Telegram's own words",
    "can't parse entities": "Telegram's own words",
    "told together with others": "the journal's, of what was dropped",
    "overtaken by its outcome": "the journal's, of what was dropped",
    "teller of late starts": "the name of a task",
    "closer of what was left": "the name of a task",
}
_LABEL = re.compile(r"[^\W\d_a-z][^\W\d_]* [^\W\d_]")  # begins with a capital
_WORDS = re.compile(r"(?:[^\W\d_]+[ ,;:]+){3}[^\W\d_]+")  # four in a row


def is_for_people(literal: str) -> bool:
    """Whether it reads like a sentence or a label; what is named in one may be two words."""
    return bool(_LABEL.match(literal.lstrip()) or _WORDS.search(literal))


def literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """All strings, without those of docstrings, of errors, and of the log."""
    for node in ast.iter_child_nodes(tree):
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or (isinstance(node, ast.Call) and is_error_or_log(node)):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        yield from literals(node)


def is_error_or_log(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return name.startswith("logger.") or name.endswith("Error")


def found_in(module: Path) -> list[str]:
    return [
        f"{module.name}:{each.lineno}: {each.value!r}"
        for each in literals(ast.parse(module.read_text()))
        if is_for_people(str(each.value)) and each.value not in NOT_FOR_PEOPLE
    ]


@pytest.mark.parametrize(
    ("literal", "is_one"),
    [
        ("Go on", True),
        ("Trying again.", True),
        (" lets nothing begin by itself for two hours; ", True),
        ("the store", False),
        ("outcome:", False),
        ("stopped by ", False),
        ("%d %b %H:%M", False),
    ],
)
def test_what_reads_like_a_text(literal: str, *, is_one: bool) -> None:
    assert is_for_people(literal) is is_one


def test_texts_for_people_lie_in_one_place() -> None:
    modules = [
        each
        for each in sorted(FOLDER.glob("*.py"))
        if not each.stem.endswith("texts") and each.stem not in ELSEWHERE
    ]

    assert [line for each in modules for line in found_in(each)] == []


@pytest.mark.parametrize("module", sorted(ELSEWHERE))
def test_no_exception_is_left_that_is_needed_no_more(module: str) -> None:
    assert found_in(FOLDER / f"{module}.py")
