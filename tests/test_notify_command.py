"""`akbot notify test`: it writes to everybody, reads no update, and says who was not reached."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from tests.bot_api.faults import dropped, too_many, unauthorized
from tests.bot_api.server import BotApi, bot_api
from tests.command_line import run

TOKEN = "424242:AAF-this_is_the_secret_part_012345678"
ANNA, BORIS = 42, 43


@pytest.fixture
def telegram() -> Iterator[BotApi]:
    with bot_api(token=TOKEN) as server:
        server.user(ANNA, "Anna")
        server.user(BORIS, "Boris")
        yield server


def notify(folder: Path, telegram: BotApi, *options: str, **settings: str) -> CompletedProcess[str]:
    chat = {
        "AKBOT_TELEGRAM_TOKEN": TOKEN,
        "AKBOT_TELEGRAM_ADMINS": f"{BORIS},{ANNA}",
        "AKBOT_TELEGRAM_API": telegram.base_url.removesuffix("/bot"),
    }
    done = run(folder, "notify", "test", *options, **{**chat, **settings})
    for said in (done.stdout, done.stderr):
        assert TOKEN.partition(":")[2] not in said
    return done


def test_everybody_gets_one_message_and_no_update_is_read(tmp_path: Path, telegram: BotApi) -> None:
    telegram.people[ANNA].says("/backup")

    done = notify(tmp_path, telegram)

    assert (done.returncode, done.stdout) == (0, "42: arrived\n43: arrived\n"), done.stderr
    for person in (ANNA, BORIS):
        (told,) = telegram.chat(person).texts
        assert told.startswith("🔔 A test: alarms of akbot reach you here.")
    assert telegram.updates.pending == 1
    assert telegram.seen("getUpdates") == []


def test_whoever_is_not_reached_is_named_with_what_they_can_do(
    tmp_path: Path, telegram: BotApi
) -> None:
    telegram.people[BORIS].blocks_bot()

    done, as_json = notify(tmp_path, telegram), notify(tmp_path, telegram, "--json")

    assert (done.returncode, as_json.returncode) == (1, 1)
    bot = "@test424242_bot"
    why = f"they have blocked {bot}; let them open {bot} in Telegram and press Start"
    assert done.stdout == f"42: arrived\n43: did not arrive: {why}\n"
    assert json.loads(as_json.stdout) == [
        {"user": ANNA, "topic": None, "arrived": True, "reason": "", "moved_to": None},
        {"user": BORIS, "topic": None, "arrived": False, "reason": why, "moved_to": None},
    ]


def test_one_who_has_never_written_and_one_whom_telegram_does_not_know(
    tmp_path: Path, telegram: BotApi
) -> None:
    telegram.chat(BORIS).bot = "never started"

    done = notify(tmp_path, telegram, AKBOT_TELEGRAM_ADMINS="43,999")

    assert done.returncode == 1
    assert "43: did not arrive: they have never written to @test424242_bot" in done.stdout
    assert "999: did not arrive: Telegram knows no such chat" in done.stdout


def test_where_a_group_is_told_it_is_tried_in_its_topic(tmp_path: Path, telegram: BotApi) -> None:
    group = telegram.supergroup(-1001, topics={7: "Ops"})

    done = notify(tmp_path, telegram, AKBOT_TELEGRAM_ALERTS="-1001/7 -1002")

    assert done.returncode == 1
    arrived, missed = done.stdout.splitlines()
    assert arrived == "-1001/7: arrived"
    assert missed.startswith("-1002: did not arrive: Telegram knows no such chat")
    assert missed.endswith("; add @test424242_bot to that group, and let it write there")
    assert [each.thread for each in group.from_bot] == [7]
    assert telegram.chat(ANNA).from_bot == []


NOW_NAMED = "; it is a supergroup now: name it -1001 in AKBOT_TELEGRAM_ALERTS from now on"


def test_a_group_that_became_a_supergroup_is_reached_there_and_its_number_is_told(
    tmp_path: Path, telegram: BotApi
) -> None:
    supergroup = telegram.people[ANNA].upgrades(telegram.group(-77), -1001)

    done = notify(tmp_path, telegram, AKBOT_TELEGRAM_ALERTS="-77")
    as_json = notify(tmp_path, telegram, "--json", AKBOT_TELEGRAM_ALERTS="-77")

    assert (done.returncode, done.stdout) == (0, f"-77: arrived{NOW_NAMED}\n"), done.stderr
    assert json.loads(as_json.stdout) == [
        {"user": -77, "topic": None, "arrived": True, "reason": "", "moved_to": -1001}
    ]
    assert len([text for text in supergroup.texts if "A test" in text]) == 2


async def test_a_move_that_the_chat_has_learned_of_needs_no_word_of_telegram(
    tmp_path: Path, telegram: BotApi
) -> None:
    telegram.supergroup(-1001)  # and nothing is known of what it was
    journal = Journal(StateFolder(tmp_path / "state"))
    await journal.moves.follow(-77, -1001)
    await journal.close()

    done = await asyncio.to_thread(notify, tmp_path, telegram, AKBOT_TELEGRAM_ALERTS="-77")

    assert (done.returncode, done.stdout) == (0, f"-77: arrived{NOW_NAMED}\n"), done.stderr


def test_without_groups_nothing_is_asked_of_the_journal(tmp_path: Path, telegram: BotApi) -> None:
    assert notify(tmp_path, telegram).returncode == 0
    assert not (tmp_path / "state").exists()


def test_a_wait_that_telegram_asks_for_is_waited(tmp_path: Path, telegram: BotApi) -> None:
    telegram.fail("sendMessage", too_many(1), chat=ANNA)
    telegram.fail("sendMessage", too_many(900), chat=BORIS)

    done = notify(tmp_path, telegram)

    assert done.returncode == 1
    assert "42: arrived" in done.stdout
    assert "43: did not arrive: Telegram wants fewer messages" in done.stdout


def test_an_answer_that_is_lost_is_not_told_as_certain(tmp_path: Path, telegram: BotApi) -> None:
    telegram.fail("sendMessage", dropped, chat=ANNA)

    done = notify(tmp_path, telegram)

    assert done.returncode == 1
    assert "it may have arrived all the same" in done.stdout.splitlines()[0]


def test_a_token_that_is_refused(tmp_path: Path, telegram: BotApi) -> None:
    telegram.fail("getMe", unauthorized, times=9)

    done = notify(tmp_path, telegram)

    assert done.returncode == 2
    assert "AKBOT_TELEGRAM_TOKEN: Telegram refuses the token" in done.stderr


def test_no_way_to_telegram(tmp_path: Path, telegram: BotApi) -> None:
    telegram.down()

    done = notify(tmp_path, telegram)

    assert done.returncode == 1
    assert "reach Telegram: no connection to Telegram" in done.stderr
    assert "nobody was written to" in done.stderr


@pytest.mark.parametrize("name", ["AKBOT_TELEGRAM_TOKEN", "AKBOT_TELEGRAM_ADMINS"])
def test_what_is_not_set_is_named(tmp_path: Path, telegram: BotApi, name: str) -> None:
    done = notify(tmp_path, telegram, **{name: ""})

    assert done.returncode == 2
    assert name in done.stderr
    assert telegram.requests == []
