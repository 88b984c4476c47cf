"""The pages that people copy from: bash reads them, akbot takes its commands, the files exist.

The runbook's blocks are run: see tests/runbook.py.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli import make_parser
from tests.age import programs
from tests.test_docs import commands

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = {
    path: (ROOT / path).read_text()
    for path in ("README.md", "deploy/RUNBOOK.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md")
}
EACH_PAGE = pytest.mark.parametrize("page", PAGES)
MADE = {"deploy/.env", "tests/sandbox/.state/env"}  # by deploy/setup and tests/sandbox/up


def blocks() -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```$", PAGES["README.md"], re.MULTILINE | re.DOTALL)


def lines() -> Iterator[list[str]]:
    """The words of each line of the README's blocks, comments left out."""
    for block in blocks():
        for line in block.replace("\\\n", " ").splitlines():
            shell = shlex.shlex(line, posix=True, punctuation_chars=True)
            shell.whitespace_split = True
            yield list(shell)


def of_akbot(words: list[str]) -> list[str]:
    """What follows `akbot` in a line, up to the next sign of the shell."""
    text = " ".join(map(shlex.quote, words))
    return re.findall(r"(?:^|[ /])akbot ([a-z][^'&|<>]*)", text)


ORDERS = sorted({order.strip() for words in lines() for order in of_akbot(words)})


def code_in_sentences(page: str) -> list[str]:
    sentences = re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", sentences)


@pytest.mark.parametrize("block", blocks())
def test_bash_can_read_what_the_readme_says(block: str) -> None:
    read = subprocess.run(
        [programs.find("bash"), "-n", "-c", block], capture_output=True, check=False
    )

    assert (read.returncode, read.stderr) == (0, b"")


@pytest.mark.parametrize("order", ORDERS)
def test_akbot_takes_what_the_readme_says(order: str) -> None:
    _, unknown = make_parser().parse_known_args(shlex.split(order))

    assert unknown == []


def test_the_readme_says_how_to_begin_and_how_to_come_back() -> None:
    """Else nothing would be looked at above."""
    assert {"check", "backup", "kit", "restore", "update", "rollback"} <= {
        order.partition(" ")[0] for order in ORDERS
    }


@EACH_PAGE
def test_what_a_sentence_calls_a_command_is_one(page: str) -> None:
    named = [
        (name, set(re.findall(r"--[a-z-]+", rest)))
        for code in code_in_sentences(page)
        for name, rest in re.findall(r"(?:^|[ /])akbot ([a-z]+)(.*)", code)
    ]

    for name, options in named:
        assert options <= set(commands()[name]._option_string_actions), name


@EACH_PAGE
def test_every_file_that_is_named_exists(page: str) -> None:
    named = {
        path.rstrip(".,:")
        for code in (*code_in_sentences(page), *blocks())
        for path in re.findall(
            r"(?:^|[ \n:])((?:bot|deploy|tests|\.github|\.ci)/[^\s`:=,)\"']+)", code
        )
    }

    assert named
    assert [path for path in sorted(named - MADE) if not list(ROOT.glob(path))] == []
