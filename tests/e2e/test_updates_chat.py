"""An update, its way back and its question, pressed through on a phone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot_api.chats import Message
from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.e2e.akbot import Akbot
from tests.e2e.test_backup import wait_until
from tests.e2e.test_chat_restore import said
from tests.e2e.test_daemon import ADA, TOKEN, ada, daemon, telegram
from tests.e2e.test_kills import kill
from tests.e2e.test_restore import served
from tests.e2e.test_updates import bot_of
from tests.e2e.test_updates_kills import phase
from tests.registry_server import registry_server, status
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

__all__ = ["ada", "telegram"]

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox) -> Iterator[Sandbox]:
    """2025.2.1; its registry has one patch more, and then what migrates."""
    fresh = sandbox.fresh()
    fresh.stand_ins("goauthentik/server:2025.2.4", "goauthentik/server:2025.4.4")
    yield fresh
    sandbox.fresh()


@pytest.fixture
def bot(stack: Sandbox, telegram: BotApi, tmp_path: Path) -> Akbot:
    return bot_of(
        stack,
        tmp_path,
        AKBOT_TELEGRAM_TOKEN=TOKEN,
        AKBOT_TELEGRAM_ADMINS=str(ADA),
        AKBOT_TELEGRAM_API=telegram.base_url.removesuffix("/bot"),
    )


def test_an_update_is_pressed_through_and_taken_back_with_a_word(
    stack: Sandbox, bot: Akbot, telegram: BotApi, ada: Person
) -> None:
    with daemon(bot) as running:
        ada.says("/update 2025.4.4")
        plan = said(telegram, "Update Authentik 2025.2.1 to 2025.4.4?", seconds=120)
        ada.presses(plan, "Update")
        outcome = said(telegram, "✅ Update to 2025.4.4 done", seconds=540)
        assert served(stack) == (200, "2025.4.4")

        ada.presses(outcome, "Take it back …")
        asked = said(telegram, "Take the update to 2025.4.4 back?", seconds=60)
        if asked.labels == ["No"]:
            ada.says("rollback")
        else:
            ada.presses(asked, "Roll back")
        said(telegram, "✅ Rollback done", seconds=300)
        assert served(stack) == (200, "2025.2.1")

        jobs = json.loads(running.akbot.ok("jobs", "--json"))
        assert [(job["kind"], job["state"], job["trigger"]) for job in jobs[:2]] == [
            ("rollback", "done", "chat"),
            ("update", "done", "chat"),
        ]
        assert running.end() == 0


@THOROUGH
def test_a_new_version_is_told_by_the_clock(
    stack: Sandbox, bot: Akbot, telegram: BotApi, ada: Person
) -> None:
    assert served(stack)[0] == 200
    with daemon(bot, AKBOT_UPDATE_CHECK_SCHEDULE="* * * * *") as running:
        told = said(telegram, "New release: Authentik", seconds=150)
        assert running.end() == 0

    assert told.labels == ["Show me the way"]
    assert ada.chat.from_bot == [told]


def open_questions(telegram: BotApi) -> list[Message]:
    """Those whether a version stays."""
    asked = telegram.chat(ADA).from_bot
    return [each for each in asked if "is up: keep it?" in each.text and each.labels]


@THOROUGH
def test_a_question_with_which_the_bot_is_killed_is_put_once_more(
    stack: Sandbox, bot: Akbot, telegram: BotApi, ada: Person
) -> None:
    """Whether a version stays that holds, while the public URL answers 502."""
    with registry_server() as proxy:  # which only stands there, as one before Authentik does
        proxy.fault = status(200)
        public = bot.with_settings(AKBOT_PUBLIC_URL=proxy.url)
        with daemon(public) as running:
            ada.says("/update 2025.2.4")
            ada.presses(said(telegram, "Update Authentik 2025.2.1", seconds=120), "Update")
            wait_until(lambda: phase(bot) == "start", "the new version is started", 300)
            proxy.fault = status(502)
            first = said(telegram, "2025.2.4 is up: keep it?", seconds=180)
            ada.says("/help")  # sent in order: once that is answered the first one is known as sent
            said(telegram, "/schedule")
            kill(running.process)

        with daemon(public) as running:
            telegram.wait(lambda: "I ask once more" in first.text)
            telegram.wait(lambda: open_questions(telegram), seconds=180)
            [second] = open_questions(telegram)
            assert second.id != first.id
            assert served(stack) == (200, "2025.2.4")
            ada.presses(second, "Keep it")
            outcome = said(telegram, "✅ Update to 2025.2.4 done", seconds=60)
            assert "a person keeps it, though all holds inside" in outcome.text
            assert running.end() == 0

        proxy.fault = status(200)
        public.ok("rollback", "--yes", "--no-safety-backup")
    assert served(stack) == (200, "2025.2.1")
