"""What `deploy/demo` is made of; the whole of it runs in tests/soak/test_demo.py."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from bot.cli import make_parser
from bot.settings import setting_names
from tests.e2e.visitor import Prober
from tests.sandbox.people import seen_words

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "deploy/demo"
TEXT = DEMO.read_text()


def shown() -> list[list[str]]:
    """The words of each akbot command that it shows."""
    found = re.findall(r"^(?:watched )?(?:show|ends_with 4) (akbot .*?)(?: \|\| .*)?$",
                       TEXT.replace("    show", "show"), re.MULTILINE)  # fmt: skip
    return [shlex.split(each)[1:] for each in found]


def test_each_command_that_it_shows_is_one() -> None:
    commands = shown()

    for words in commands:
        make_parser().parse_args(words)
    assert [words[0] for words in commands] == [
        *("notify", "check", "backup", "backups", "drill"),
        *("update", "update", "restore", "report"),
    ]


def test_its_settings_are_settings() -> None:
    written = re.findall(r"^(AKBOT_[A-Z_]+)=", TEXT, re.MULTILINE)

    assert len(written) == 7
    assert set(written) <= set(setting_names())


def test_its_versions_are_there_and_only_the_faulty_one_is() -> None:
    [words] = re.findall(r"^(FIRST=.*?) *#", TEXT, re.MULTILINE)
    versions = dict(each.split("=") for each in words.split())
    rows = (ROOT / "tests/sandbox/tags.tsv").read_text().splitlines()
    built = dict(each.split("\t")[1:] for each in rows if each.startswith("goauthentik/demo\t"))

    assert {name: "FAULT=" in built[tag] for name, tag in versions.items()} == {
        "FIRST": False,
        "GOOD": False,
        "FAULTY": True,
    }


def test_another_word_is_a_mistake_and_nothing_begins() -> None:
    ended = subprocess.run([DEMO, "--kep"], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "usage: deploy/demo [--keep]" in ended.stderr


OK, AWAY = 200, 0


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        pytest.param(
            [(0.1, OK), (0.2, OK)],
            "2 times and got it 2 times: it was never away. People can log in now.",
            id="always there",
        ),
        pytest.param(
            [(1.0, OK), (2.0, AWAY), (4.5, 502), (5.0, OK)],
            "4 times and got it 2 times: it was away for 2.5 s. People can log in now.",
            id="away and back",
        ),
        pytest.param(
            [(1.0, OK), (2.0, AWAY)],
            "2 times and got it 1 times: it was away for 0.0 s. People CANNOT log in now.",
            id="gone",
        ),
        pytest.param(
            [],
            "0 times and got it 0 times: nobody knows whether it was away."
            " People CANNOT log in now.",
            id="nobody asked",
        ),
    ],
)
def test_what_somebody_saw_is_told(seen: list[tuple[float, int]], told: str) -> None:
    words = " ".join(seen_words(Prober(seen)))

    assert words == f"Somebody asked for the login page {told}"


@pytest.mark.parametrize(
    ("statuses", "never"), [([], False), ([OK, OK], True), ([OK, AWAY], False), ([AWAY], False)]
)
def test_a_page_that_nobody_asked_for_is_not_one_that_never_failed(
    statuses: list[int],
    never: bool,  # noqa: FBT001
) -> None:
    assert Prober([(1.0, each) for each in statuses]).never_failed is never
