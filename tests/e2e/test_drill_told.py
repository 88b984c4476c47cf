"""A drill that fails rings in the chat, with its reason, whoever began it."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.e2e.akbot import Akbot
from tests.e2e.damaged import Damage, StoredSet, file_missing, rows_missing, table_dropped
from tests.e2e.test_backup import wait_until
from tests.e2e.test_daemon import ada, chatting, daemon, outcomes, telegram
from tests.e2e.test_drill import folder_of
from tests.e2e.test_restore import flip
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

__all__ = ["ada", "chatting", "telegram"]

pytestmark = pytest.mark.docker

MEDIA = "media.tar.zst.age"


def byte_flipped(stored: StoredSet) -> str:
    flip(stored.folder / MEDIA)
    return 'component "media": decrypt: '


def object_missing(stored: StoredSet) -> str:
    (stored.folder / MEDIA).unlink()
    return 'component "media" is missing'


WAYS: Sequence[Damage] = (
    *(rows_missing, table_dropped, file_missing),
    *(byte_flipped, object_missing),
)


def test_each_way_to_fail_is_told_with_its_reason(
    chatting: Akbot, filled: Sandbox, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    backup_id = chatting.backup("--component", "postgres", "--component", "media")["id"]
    stored = StoredSet(filled, chatting, folder_of(tmp_path, backup_id))
    whole = {path: path.read_bytes() for path in stored.folder.iterdir()}

    with daemon(chatting):
        for number, damage in enumerate(WAYS, start=1):
            reason = damage(stored)
            ada.says(f"/drill {backup_id}")
            telegram.wait(
                lambda number=number: len(outcomes(telegram, "Drill failed")) == number,  # type: ignore[misc]
                seconds=400,
            )
            told = outcomes(telegram, "Drill failed")[-1]
            assert reason in told
            assert "do not count on this backup" in told
            for path, data in whole.items():
                path.unlink(missing_ok=True)
                path.write_bytes(data)


@THOROUGH
@pytest.mark.usefixtures("filled")
def test_one_that_fails_on_schedule_is_told_unasked(
    chatting: Akbot, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    backup_id = chatting.backup()["id"]
    flip(folder_of(tmp_path, backup_id) / MEDIA)
    ada.says("/start")

    with daemon(chatting, AKBOT_DRILL_SCHEDULE="* * * * *"):
        telegram.wait(lambda: outcomes(telegram, "Drill failed"), seconds=400)
        [job] = [
            each for each in json.loads(chatting.ok("jobs", "--json")) if each["kind"] == "drill"
        ][-1:]

    [told] = outcomes(telegram, "Drill failed")[:1]
    assert 'component "media": decrypt: ' in told
    assert backup_id in told
    assert (job["trigger"], job["state"]) == ("schedule", "failed")


@THOROUGH
@pytest.mark.usefixtures("filled")
def test_that_planned_drills_lack_the_key_is_told_once(
    chatting: Akbot, telegram: BotApi, ada: Person
) -> None:
    chatting.backup()
    recipient = re.search("age1[0-9a-z]+", chatting.identity.read_text())
    assert recipient
    chatting.identity.unlink()
    ada.says("/start")

    def done() -> list[str]:
        jobs = json.loads(chatting.ok("jobs", "--json"))
        return [each["message"] for each in jobs if each["kind"] == "drill" and each["ended"]]

    keyless = chatting.with_settings(AKBOT_RECIPIENTS=recipient[0])
    with daemon(keyless, AKBOT_DRILL_SCHEDULE="* * * * *"):
        wait_until(lambda: len(done()) == 2, "two drills have ended")

    second, first = done()
    assert "degraded: the private key is not on this host" in first
    assert second.endswith("was not restored: the private key is not on this host")
    assert len(outcomes(telegram, "Drill")) == 1
    assert len(outcomes(telegram, "Drill without the private key")) == 1
