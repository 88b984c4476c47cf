"""A drill that fails rings in the chat, with its reason, whoever began it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.e2e.akbot import Akbot
from tests.e2e.test_daemon import ada, chatting, daemon, outcomes, telegram
from tests.e2e.test_drill import folder_of, one_more_row, one_more_table, resign
from tests.e2e.test_restore import flip

__all__ = ["ada", "chatting", "telegram"]

pytestmark = pytest.mark.docker

MEDIA = "media.tar.zst.age"
WAYS: Mapping[str, Callable[[Akbot, Path], None]] = {
    'authentik_core_user" has': lambda akbot, folder: resign(akbot, folder, one_more_row),
    'authentik_core_gone" is missing': lambda akbot, folder: resign(akbot, folder, one_more_table),
    'component "media": decrypt: ': lambda _, folder: flip(folder / MEDIA),
    'component "media" is missing': lambda _, folder: (folder / MEDIA).unlink(),
}
"""What is done to a backup by the reason that people are told: rows, a table, a byte, a file."""


@pytest.mark.usefixtures("filled")
def test_each_way_to_fail_is_told_with_its_reason(
    chatting: Akbot, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    backup_id = chatting.backup("--component", "postgres", "--component", "media")["id"]
    folder = folder_of(tmp_path, backup_id)
    whole = {path: path.read_bytes() for path in folder.iterdir()}

    with daemon(chatting):
        for number, (reason, spoil) in enumerate(WAYS.items(), start=1):
            spoil(chatting, folder)
            ada.says(f"/drill {backup_id}")
            telegram.wait(
                lambda number=number: len(outcomes(telegram, "Drill failed")) == number,  # type: ignore[misc]
                seconds=60,
            )
            told = outcomes(telegram, "Drill failed")[-1]
            assert reason in told
            assert "do not count on this backup" in told
            for path, data in whole.items():
                path.unlink(missing_ok=True)
                path.write_bytes(data)


@pytest.mark.usefixtures("filled")
def test_one_that_fails_on_schedule_is_told_unasked(
    chatting: Akbot, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    backup_id = chatting.backup()["id"]
    flip(folder_of(tmp_path, backup_id) / MEDIA)
    ada.says("/start")

    with daemon(chatting, AKBOT_DRILL_SCHEDULE="* * * * *"):
        telegram.wait(lambda: outcomes(telegram, "Drill failed"), seconds=120)
        [job] = [
            each for each in json.loads(chatting.ok("jobs", "--json")) if each["kind"] == "drill"
        ][-1:]

    [told] = outcomes(telegram, "Drill failed")[:1]
    assert 'component "media": decrypt: ' in told
    assert backup_id in told
    assert (job["trigger"], job["state"]) == ("schedule", "failed")
