"""The runbook's chapter that needs the bot: it restores from inside its container."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.recovery import reader_of
from tests.e2e.test_backup import wait_until
from tests.e2e.test_bot_service import akbot as in_bot
from tests.e2e.test_bot_service import containers, settings
from tests.e2e.test_restore import (
    change_everything,
    files,
    forget_kept,
    rows,
    served,
    unchanged_by_up,
)
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.docker, THOROUGH]

__all__ = ["settings"]

WITH_BOT = "Restore with the bot"
CHAPTERS = (WITH_BOT,)
QUICK = {"AKBOT_GATE_STABLE": "2", "AKBOT_GATE_TIMEOUT": "120", "AKBOT_DRILL_SCHEDULE": "off"}


@pytest.fixture
def bot(filled: Sandbox, settings: dict[str, str]) -> Iterator[Sandbox]:
    """The stack with the bot running."""
    forget_kept(filled)
    filled.psql("DROP TABLE IF EXISTS test_added")
    filled.bot_up(**settings, **QUICK)
    yield filled
    filled.bot_down()
    forget_kept(filled)
    filled.psql("DROP TABLE IF EXISTS test_added")


def test_the_bot_restores_and_takes_it_back(bot: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    then_rows, then_files, then = rows(bot), files(bot), served(bot)
    backup = json.loads(in_bot(bot, "backup", "--json"))["id"]
    change_everything(bot)
    now_rows, now_files = rows(bot), files(bot)
    reader = reader_of(bot, akbot, tmp_path).with_values(ID=backup)

    assert backup in reader.follow(WITH_BOT, "Look first")
    assert rows(bot) == now_rows
    reader.follow(WITH_BOT, "Let it serve")
    assert "IT SERVES" in reader.follow(WITH_BOT, "See that it holds")
    assert (rows(bot), files(bot), served(bot)) == (then_rows, then_files, then)
    unchanged_by_up(bot)
    began = containers(bot)["authentik"]

    reader.follow(WITH_BOT, "The way back")
    assert (rows(bot), files(bot)) == (now_rows, now_files)

    served_since = containers(bot)["authentik"]
    assert served_since != began
    reader.follow(WITH_BOT, "Only one mount")
    assert rows(bot) == now_rows
    assert {name: each for name, each in files(bot).items() if name.startswith("media")} == {
        name: each for name, each in then_files.items() if name.startswith("media")
    }
    reader.follow(WITH_BOT, "The way back")

    said = reader.follow(WITH_BOT, "If it died in the middle")
    assert "restore" in said
    assert reader.left(WITH_BOT) == []
    wait_until(lambda: served(bot)[0] == 200, "the login page is served")
    in_bot(bot, "restore", backup, "--yes", "--no-safety-backup")
    assert (rows(bot), files(bot)) == (then_rows, then_files)
