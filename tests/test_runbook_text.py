"""The runbook as a page: every block can be run, what is not run says why, every link leads on."""

import re
import subprocess
from pathlib import Path

import pytest

from tests import runbook, test_runbook_opening
from tests.age import programs
from tests.e2e import (
    test_runbook,
    test_runbook_bot,
    test_runbook_mending,
    test_runbook_outside,
    test_runbook_rows,
)
from tests.runbook import RUNBOOK, Block, blocks

EACH_BLOCK = pytest.mark.parametrize(
    "block",
    [
        pytest.param(each, id=f"{number} {each.chapter}, {each.section}")
        for number, each in enumerate(blocks())
    ],
)
TAG_LINE = "s|^AUTHENTIK_TAG="
WAYS_BACK = (
    "Restore with the bot",
    "Restore on the live stack",
    "Restore on an empty host",
    "Restore one component",
    "A row that was deleted",
    "A table that was deleted",
    "Half-done renames",
    "The key is lost",
    "PostgreSQL's next major version",
    "A PostgreSQL outside of the project",
)


def test_what_is_not_run_is_known() -> None:
    not_run = [(each.chapter, each.section, each.not_run) for each in blocks() if each.not_run]

    assert not_run == [
        ("Get a backup and open it", "The programs", "it installs packages"),
        (
            "Restore on an empty host",
            "With akbot",
            "another test runs it, on a host that it has emptied",
        ),
        (
            "Restore on an empty host",
            "The bot",
            "it builds the bot's image, and the path is yours",
        ),
    ]


@pytest.mark.parametrize(
    "code", [pytest.param(each.code, id=each.chapter) for each in blocks() if TAG_LINE in each.code]
)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A=1\nAUTHENTIK_TAG=old\nB=2\n", "A=1\nAUTHENTIK_TAG=new\nB=2\n"),
        ("A=1\nB=2", "A=1\nB=2\nAUTHENTIK_TAG=new\n"),  # no end of the last line
        ("A=1\n", "A=1\n\nAUTHENTIK_TAG=new\n"),
        ("AUTHENTIK_TAG=old", "AUTHENTIK_TAG=new"),
    ],
)
def test_the_tag_becomes_a_line_of_its_own(
    tmp_path: Path, code: str, before: str, after: str
) -> None:
    lines = [line for line in code.splitlines() if "env-new" in line]
    env = tmp_path / ".env"
    env.write_text(before)
    (tmp_path / "env-before").write_text(before)
    values = {
        "WORK": str(tmp_path),
        "PROJECT": str(tmp_path),
        "TAG": "new",
        "PATH": "/usr/bin:/bin",
    }

    subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], env=values, check=True)

    assert env.read_text() == after


def test_every_chapter_is_followed_by_a_test() -> None:
    tests = (
        test_runbook_bot,
        test_runbook,
        test_runbook_rows,
        test_runbook_mending,
        test_runbook_opening,
        test_runbook_outside,
    )

    assert sorted(runbook.chapters()) == sorted(each for test in tests for each in test.CHAPTERS)


@EACH_BLOCK
def test_bash_can_read_it(block: Block) -> None:
    read = subprocess.run(
        [programs.find("bash"), "-n", "-c", block.code], capture_output=True, check=False
    )

    assert (read.returncode, read.stderr) == (0, b"")


@EACH_BLOCK
def test_it_leaves_the_readers_shell_alone(block: Block) -> None:
    """`set -e` and `exit` in her own shell would close it: only within brackets."""
    bare = re.sub(r"^\( .*? \)$", "", block.code, flags=re.MULTILINE | re.DOTALL)

    assert not re.search(r"\b(set -|exit\b|cd )", re.sub(r"\(cd .*\)", "", bare))


def test_what_the_reader_edits_stands_in_blocks_of_values_alone() -> None:
    values = set[str]().union(
        *(runbook.assigned(each.code) for each in blocks() if each.holds_values)
    )

    assert {"STORE", "ID", "JOB", "LOST"} < values
    for block in blocks():
        if not block.holds_values:
            assert not runbook.assigned(block.code) & values, block.section


def test_every_link_leads_to_a_heading() -> None:
    text = RUNBOOK.read_text()
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= anchors


@pytest.mark.parametrize("chapter", WAYS_BACK)
def test_a_chapter_tells_when_what_and_the_way_back(chapter: str) -> None:
    text = RUNBOOK.read_text().partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]

    assert "**When:**" in text
    assert "**What " in text
    assert "\n### The way back\n" in text
