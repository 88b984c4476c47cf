"""The README and the example file name every setting and command, and no other."""

import argparse
import re
from pathlib import Path

from bot.cli import make_parser
from bot.entrypoints.telegram.command_table import menu
from bot.settings import OF_THE_SHELL, Settings, setting_names

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DESCRIBED = {
    field.alias: field.description
    for name, field in Settings.model_fields.items()
    if name not in OF_THE_SHELL
}


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_table_of_settings_is_the_settings() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*) \|$", section("Settings"), re.MULTILINE))

    assert rows == DESCRIBED


def test_the_example_file_has_every_setting_and_no_other() -> None:
    text = (ROOT / "deploy/akbot.env.example").read_text()

    assert set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE)) == set(setting_names())


def commands() -> dict[str, argparse.ArgumentParser]:
    parsers = make_parser()._actions
    action = next(each for each in parsers if isinstance(each, argparse._SubParsersAction))
    return dict(action.choices)


def test_the_table_of_commands_is_the_commands() -> None:
    rows = re.findall(r"^\| `akbot ([a-z]+)(.*?)` \|", section("Commands"), re.MULTILINE)

    assert [name for name, _ in rows] == list(commands())
    for name, rest in rows:
        options = set(re.findall(r"--[a-z-]+", rest))
        assert options <= set(commands()[name]._option_string_actions), name


def test_the_table_of_the_chat_is_its_menu() -> None:
    rows = re.findall(r"^\| (`/.*?`) \| ", README, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`/([a-z]+)", row)}

    assert named == {name for name, _ in menu()}
