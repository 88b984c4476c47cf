"""A restore pressed through on a phone: all comes back, and can be had back from there."""

import json

import pytest

from tests.bot_api.chats import Message
from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.e2e.akbot import Akbot
from tests.e2e.test_daemon import ADA, ada, chatting, daemon, telegram
from tests.e2e.test_restore import change_everything, files, rows, served, stack, unchanged_by_up
from tests.sandbox.fixture import Sandbox

__all__ = ["ada", "chatting", "stack", "telegram"]

pytestmark = pytest.mark.docker

WORD = "restore"


@pytest.fixture
def hasty(chatting: Akbot) -> Akbot:
    """It does not look long at the gate."""
    return chatting.with_settings(AKBOT_GATE_STABLE="2", AKBOT_GATE_TIMEOUT="120")


def said(telegram: BotApi, words: str, *, seconds: float = 30) -> Message:
    telegram.wait(lambda: telegram.chat(ADA).saying(words), seconds=seconds)
    message = telegram.chat(ADA).saying(words)
    assert message
    return message


def press_through(telegram: BotApi, ada: Person, title: str, last: str) -> None:
    """Agree to the plan that is headed so, then once more, by the word that costs rows."""
    ada.presses(said(telegram, title), "Go on")
    assert said(telegram, last).labels == ["No, leave all as it is"]
    ada.says(WORD)


def test_a_restore_and_its_undo_are_pressed_through(
    stack: Sandbox, hasty: Akbot, telegram: BotApi, ada: Person
) -> None:
    then_rows, then_files = rows(stack), files(stack)
    backup_id = hasty.backup()["id"]
    change_everything(stack)
    now_rows, now_files = rows(stack), files(stack)
    assert now_rows != then_rows

    with daemon(hasty) as running:
        ada.says("/verify latest")
        assert backup_id in said(telegram, "Backup verified", seconds=60).text
        ada.says("/restore latest")
        press_through(telegram, ada, "Restore the backup of", "in place of what serves now")
        outcome = said(telegram, "✅ Restored", seconds=180)

        assert rows(stack) == then_rows
        assert files(stack) == then_files
        assert served(stack)[0] == 200
        unchanged_by_up(stack)
        assert f"Backup {backup_id} serves after" in outcome.text
        assert "nobody could log in for" in outcome.text

        ada.presses(outcome, "Take it back …")
        press_through(telegram, ada, "Take the restore of", "is taken back, in place of")
        said(telegram, "was taken back in", seconds=180)

        assert rows(stack) == now_rows
        assert files(stack) == now_files
        assert served(stack)[0] == 200
        unchanged_by_up(stack)
        jobs = json.loads(running.akbot.ok("jobs", "--json"))
        assert [(job["kind"], job["state"], job["label"]) for job in jobs[:3]] == [
            ("restore", "done", "undo"),
            ("restore", "done", backup_id),
            ("verify", "done", backup_id),
        ]
        assert running.end() == 0
    hasty.ok("restore", "--undo", "--yes")  # and once more: other tests find all as it was
    assert (rows(stack), files(stack)) == (then_rows, then_files)

    edited = [message for message in telegram.chat(ADA).from_bot if len(message.versions) > 3]
    shown = "\n".join(version.content.text for message in edited for version in message.versions)
    assert "Authentik serves meanwhile." in shown
    assert "Nobody can log in until it holds." in shown


def test_a_plan_that_has_changed_since_is_not_run_but_shown_anew(
    stack: Sandbox, hasty: Akbot, telegram: BotApi, ada: Person
) -> None:
    first = hasty.backup()["id"]
    with daemon(hasty):
        ada.says("/restore latest")
        ada.presses(said(telegram, "Restore the backup of"), "Go on")
        said(telegram, "in place of what serves now")
        second = hasty.backup()["id"]
        before = stack.docker("ps", "--all", "--quiet", "--no-trunc")
        ada.says(WORD)
        outcome = said(telegram, "❌ Not restored", seconds=120)
        assert "has changed since it was confirmed" in outcome.text
        assert "nothing that serves was changed" in outcome.text
        assert stack.docker("ps", "--all", "--quiet", "--no-trunc") == before

        plan = said(telegram, "There is a newer good one")  # by itself
        assert first in plan.text
        assert second not in plan.text
        ada.presses(plan, "No")
