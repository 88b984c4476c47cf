"""`akbot run` as a process of its own: signals, chat, two at once, what it says of itself."""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.domain.pause import PAUSED, RESTORED, Pause, format_pause
from tests.bot_api.faults import unauthorized
from tests.bot_api.people import Person
from tests.bot_api.server import BotApi, bot_api
from tests.contracts.s3_proxy import Proxy, proxy_before
from tests.e2e.aftermath import in_folder, untouched
from tests.e2e.akbot import Akbot
from tests.e2e.test_backup import dump_runs, leaks_in, secrets_of, wait_until
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = pytest.mark.docker

TOKEN = "1234567890:planted-token-0123456789-abcdefghijk"
ADA = 7


@dataclass
class Daemon:
    """A running `akbot run` and all that it wrote."""

    akbot: Akbot
    process: "subprocess.Popen[str]"
    log: Path
    address: str

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://{self.address}/healthz", timeout=5) as answer:
            report: dict[str, Any] = json.load(answer)
        return report

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.health())
        except (OSError, urllib.error.URLError):
            return False

    def end(self, seconds: float = 110) -> int:
        """Stop it as Docker does; its exit code."""
        self.process.terminate()
        return self.process.wait(seconds)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def daemon(akbot: Akbot, **settings: str) -> Iterator[Daemon]:
    address = f"127.0.0.1:{free_port()}"
    # A disk of this machine that is nearly full is told of, too, which is not the tests' business.
    usual = {"AKBOT_BACKUP_SCHEDULE": "off", "AKBOT_WATCH_DISK": "100"}
    configured = akbot.with_settings(AKBOT_HEALTH_LISTEN=address, **{**usual, **settings})
    log = akbot.folder / f"daemon-{time.monotonic_ns()}.log"
    with log.open("w") as output:
        process = configured.start("run", output=output)
        running = Daemon(configured, process, log, address)
        try:
            wait_until(running.answers, "the daemon answers /healthz")
            yield running
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def telegram() -> Iterator[BotApi]:
    with bot_api(token=TOKEN) as telegram:
        yield telegram


@pytest.fixture
def ada(telegram: BotApi) -> Person:
    return telegram.user(ADA, "Ada")


@pytest.fixture
def chatting(akbot: Akbot, telegram: BotApi, tmp_path: Path) -> Akbot:
    """A bot that is set up for the chat, with Ada on the list."""
    return akbot.with_settings(
        AKBOT_STORE=f"file://{tmp_path / 'store'}",
        AKBOT_TELEGRAM_TOKEN=TOKEN,
        AKBOT_TELEGRAM_ADMINS=str(ADA),
        AKBOT_TELEGRAM_API=telegram.base_url.removesuffix("/bot"),
    )


def outcomes(telegram: BotApi, words: str) -> list[str]:
    return [text for text in telegram.chat(ADA).texts if words in text]


def test_a_backup_from_the_chat_shows_progress_and_tells_its_outcome(
    filled: Sandbox, chatting: Akbot, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    with untouched(filled), daemon(chatting) as running:
        ada.says("/backup before the move")
        telegram.wait(lambda: outcomes(telegram, "verified and signed"))
        [job] = json.loads(running.akbot.ok("jobs", "--json"))
        assert (job["state"], job["trigger"], job["label"]) == ("done", "chat", "before the move")
        assert running.end() == 0

    edited = [message for message in telegram.chat(ADA).from_bot if message.edits]
    assert edited, "progress is one message, edited in place"
    assert len(outcomes(telegram, "verified and signed")) == 1
    assert {path.parent.name for path in in_folder(tmp_path / "store")} == {job["id"]}


@pytest.mark.usefixtures("large_table")
def test_a_daemon_that_was_killed_in_a_backup_tells_how_it_ended(
    filled: Sandbox, chatting: Akbot, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    with untouched(filled):
        with daemon(chatting) as running:
            ada.says("/backup")
            wait_until(lambda: dump_runs(filled), "pg_dump copies rows")
            running.process.kill()
            running.process.wait()
        with daemon(chatting) as running:
            telegram.wait(lambda: outcomes(telegram, "no half backup is left"))
            [job] = json.loads(running.akbot.ok("jobs", "--json"))
            assert (job["state"], job["swept"], job["crashes"]) == ("interrupted", True, 1)
            assert running.end() == 0

    assert len(outcomes(telegram, "no half backup is left")) == 1
    assert not in_folder(tmp_path / "store")


@pytest.mark.usefixtures("large_table")
def test_sigterm_lets_the_backup_in_hand_end(
    filled: Sandbox, chatting: Akbot, telegram: BotApi, ada: Person
) -> None:
    with untouched(filled), daemon(chatting) as running:
        ada.says("/backup")
        wait_until(lambda: dump_runs(filled), "pg_dump copies rows")
        assert running.end() == 0

        [job] = json.loads(running.akbot.ok("jobs", "--json"))
        assert job["state"] == "done"
        assert outcomes(telegram, "verified and signed"), "it was told before the end"


@pytest.fixture
def slow(filled: Sandbox) -> Iterator[Proxy]:
    """An S3 service so slow that there is time to look."""
    with proxy_before(filled.s3) as proxy:
        proxy.read_slowly = 0.02
        yield proxy


@pytest.fixture
def lasting(chatting: Akbot, slow: Proxy, tmp_path: Path) -> Akbot:
    """A bot whose backups take long."""
    store = f"s3://akbot/{tmp_path.name}?endpoint={slow.endpoint}&region=us-east-1"
    return chatting.with_settings(AKBOT_STORE=store)


@pytest.mark.usefixtures("large_table")
def test_a_second_backup_is_told_busy_with_what_is_running_since_when(
    filled: Sandbox, lasting: Akbot, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    with untouched(filled), daemon(lasting) as running:
        ada.says("/backup")
        wait_until(lambda: dump_runs(filled), "pg_dump copies rows")

        same = running.akbot("backup")
        other = running.akbot.with_settings(AKBOT_STATE=str(tmp_path / "other"))("backup")
        ada.says("/backup")
        telegram.wait(lambda: outcomes(telegram, "Not now"))

        ada.says("/cancel")
        telegram.wait(lambda: outcomes(telegram, "ancelled"))
        assert running.end() == 0

    assert (same.code, other.code) == (3, 3)
    assert re.search(r"akbot: busy: backup since \d\d:\d\d UTC, .*begun by Ada", same.err)
    assert re.search(
        r"akbot: busy: backup since \d\d:\d\d UTC, by an akbot with another", other.err
    )


def test_a_token_that_telegram_refuses_leaves_the_daemon_without_chat(
    filled: Sandbox, chatting: Akbot, telegram: BotApi
) -> None:
    telegram.fail("getMe", unauthorized, times=10_000)
    telegram.fail("getUpdates", unauthorized, times=10_000)
    with untouched(filled), daemon(chatting) as running:
        wait_until(lambda: running.health()["chat"] == "refused", "it notices")
        assert running.health()["status"] == "degraded"
        findings = json.loads(running.akbot("check", "--json").out)
        [chat] = [each for each in findings if each["subject"] == "chat"]
        assert chat["level"] == "failure"
        assert "@BotFather" in chat["remedy"]
        running.akbot.backup()
        assert running.end() == 0

    assert "refuse" in running.log.read_text()


def test_a_port_that_is_taken_is_a_setting_to_correct(akbot: Akbot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = akbot.with_settings(AKBOT_HEALTH_LISTEN=address, AKBOT_BACKUP_SCHEDULE="off")("run")

    assert ended.code == 2
    assert "AKBOT_HEALTH_LISTEN" in ended.err


def test_no_secret_is_in_log_journal_or_anything_that_telegram_was_sent(
    filled: Sandbox, chatting: Akbot, telegram: BotApi, ada: Person
) -> None:
    chatting = chatting.with_settings(AWS_SECRET_ACCESS_KEY="planted-s3-secret-0123456789")
    stranger = telegram.user(8, "Eve")
    with daemon(chatting) as running:
        for text in ("/backup", "/status", "/backups", "/jobs", "/help"):
            ada.says(text)
        stranger.says("/backup")
        telegram.wait(lambda: outcomes(telegram, "verified and signed"))
        telegram.down()
        wait_until(lambda: running.health()["chat"] == "unreachable", "it notices")
        telegram.up()
        wait_until(lambda: running.health()["chat"] == "ok", "it talks again")
        assert running.end() == 0
    planted = {**secrets_of(filled, chatting), "token": TOKEN}

    written = {
        "log": running.log.read_bytes(),
        "journal": b"".join(path.read_bytes() for path in chatting.state.glob("journal.db*")),
        "messages": b"\n".join(request.body for request in telegram.requests),
    }
    assert telegram.chat(8).from_bot == []
    assert leaks_in(planted, b"x" + TOKEN.encode()) == {"token"}, "the search finds what is there"
    for what, content in written.items():
        assert content, f"{what} is empty: the test would show nothing"
        assert leaks_in(planted, content) == set(), what


def test_two_daemons_do_not_share_a_state_folder(akbot: Akbot, tmp_path: Path) -> None:
    with daemon(akbot, AKBOT_STORE=f"file://{tmp_path / 'store'}") as running:
        other = f"127.0.0.1:{free_port()}"
        ended = running.akbot.with_settings(AKBOT_HEALTH_LISTEN=other)("run")

    assert ended.code == 3
    assert 'another "akbot run" works with' in ended.err


def test_a_damaged_journal_is_told_at_the_start_and_by_check(akbot: Akbot) -> None:
    akbot.ok("jobs")
    (akbot.state / "journal.db").write_bytes(b"not a database" * 1000)

    ended = akbot("run")

    assert ended.code == 1
    assert '/journal.db" is damaged' in ended.err
    [finding] = [
        finding
        for finding in json.loads(akbot("check", "--json").out)
        if finding["subject"] == "state"
    ]
    assert finding["level"] == "failure"
    assert "is damaged" in finding["message"]


@THOROUGH
@pytest.mark.usefixtures("filled")
def test_scheduled_backups_that_fail_are_told_in_chat_with_their_cause(
    chatting: Akbot, telegram: BotApi, ada: Person
) -> None:
    ada.says("/start")
    with daemon(chatting, AKBOT_BACKUP_SCHEDULE="* * * * *"):
        (chatting.state / "signing.key").write_text("damaged")
        telegram.wait(lambda: outcomes(telegram, "signing.key"), seconds=200)

    assert all("No good backup so far" in text for text in outcomes(telegram, "signing.key"))


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("beside", [False, True], ids=["its state", "its settings"])
def test_a_paused_host_asks_telegram_for_nothing_until_it_is_resumed(
    chatting: Akbot,
    telegram: BotApi,
    ada: Person,
    beside: bool,  # noqa: FBT001
) -> None:
    pause = Pause(datetime.now(UTC), "the old host may still live")
    Path(chatting.environment["AKBOT_STORE"].removeprefix("file://")).mkdir()  # else it is missed
    chatting.state.mkdir(mode=0o700)
    mark = chatting.folder / RESTORED if beside else chatting.state / PAUSED
    mark.write_bytes(format_pause(pause))
    planned = {"AKBOT_BACKUP_SCHEDULE": "0 0 1 1 *"}

    with daemon(chatting, **planned) as running:
        health = running.health()
        assert (health["status"], health["paused"]) == ("ok", pause.words)
        assert health["next_backup"] == ""
        assert "Paused: schedules and chat are paused" in running.akbot.ok("status")
        ada.says("/help")
        wait_until(lambda: pause.words in running.log.read_text(), "the log says so")
        assert not telegram.requests

        running.akbot.ok("resume")

        telegram.wait(lambda: telegram.chat(ADA).texts)
        health = running.health()
        assert health["paused"] == ""
        assert health["next_backup"]
        assert running.end() == 0


def test_a_journal_that_goes_while_the_bot_runs_makes_it_unhealthy(akbot: Akbot) -> None:
    with daemon(akbot) as running:
        journal = akbot.state / "journal.db"
        journal.rename(akbot.state / "elsewhere")
        with pytest.raises(urllib.error.HTTPError) as refused:
            running.health()
        report = json.load(refused.value)
        assert (refused.value.code, report["status"]) == (503, "failed")
        assert "was removed or replaced" in report["failing"][0]

        (akbot.state / "elsewhere").rename(journal)
        wait_until(running.answers, "it is well again", seconds=90)
        assert running.end() == 0
