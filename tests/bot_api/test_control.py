"""The stand-in in a process of its own, driven from outside."""

import base64
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.bot_api.conftest import ADA, PATIENCE
from tests.bot_api.control import RemoteBotApi

TOKEN = "42:of-the-command-line"
ROOT = Path(__file__).parents[2]


@dataclass
class Process:
    """A running stand-in, its control surface, and what a bot would connect to."""

    remote: RemoteBotApi
    ports: dict[str, int]

    def post(self, method: str, address: str = "127.0.0.1", **parameters: object) -> httpx.Response:
        url = f"http://{address}:{self.ports[address]}/bot{TOKEN}/{method}"
        return httpx.post(url, json=parameters, timeout=PATIENCE)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    port_file = tmp_path_factory.mktemp("bot_api") / "port"
    listen = ["--listen", "127.0.0.1", "--listen", "127.0.0.2"]
    command = [sys.executable, "-m", "tests.bot_api", "--token", TOKEN, *listen]
    with subprocess.Popen(
        [*command, "--port-file", str(port_file)], cwd=ROOT, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        port, control_port = map(int, port_file.read_text().split())
        yield Process(RemoteBotApi(control_port), {"127.0.0.1": port, "127.0.0.2": port})
        running.terminate()
        assert running.wait(10) == 0


def test_a_conversation_from_another_process(process: Process) -> None:
    remote = process.remote
    remote.ask("user", person=ADA, first_name="Ada")
    said = remote.ask("says", person=ADA, text="/status", age=30)
    remote.ask("edits", person=ADA, chat=ADA, message=said["id"], text="/backup")
    updates = process.post("getUpdates", "127.0.0.2").json()["result"]
    assert [next(iter(set(update) - {"update_id"})) for update in updates] == [
        "message",
        "edited_message",
    ]
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    process.post("sendMessage", chat_id=ADA, text="Sure?", reply_markup=keyboard)
    asked = remote.ask("messages", chat=ADA, containing="Sure")[-1]
    assert (asked["text"], asked["labels"], asked["from_bot"]) == ("Sure?", ["Yes"], True)
    query = remote.ask("presses", person=ADA, chat=ADA, message=asked["id"], label="Yes")
    process.post("answerCallbackQuery", callback_query_id=query, text="Started")
    assert remote.ask("notice", query=query) == {"text": "Started", "alert": False}


def test_a_topic_from_another_process(process: Process) -> None:
    process.remote.ask("supergroup", chat=-100, topics={"5": "Backups"})
    said = process.remote.ask("says", person=8, text="x", chat=-100, thread=5, anonymous=True)
    assert said["thread"] == 5
    assert process.post("sendMessage", chat_id=-100, text="x", message_thread_id=5).json()["ok"]


def test_requests_are_seen_from_another_process(process: Process) -> None:
    process.post("getMe", secret="hunter2")
    (request,) = [it for it in process.remote.ask("requests") if it["method"] == "getMe"]
    assert b"hunter2" in base64.b64decode(request["body"])
    assert request["status"] == 200
    assert TOKEN in request["path"]


def test_faults_are_ordered_from_another_process(process: Process) -> None:
    process.remote.ask("fail", method="deleteWebhook", fault="too_many", retry_after=9)
    process.remote.ask("fail", method="deleteWebhook", fault="bad_gateway")
    answers = [process.post("deleteWebhook") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 502, 200]
    assert answers[0].json()["parameters"] == {"retry_after": 9}


def test_an_outage_does_not_reach_the_control_surface(process: Process) -> None:
    process.remote.ask("down")
    with pytest.raises(httpx.ConnectError):
        process.post("getMe")
    process.remote.ask("up")
    assert process.post("getWebhookInfo").json()["ok"]


@pytest.mark.parametrize(
    ("operation", "arguments", "why"),
    [
        ("telepathy", {}, "no operation at /control/telepathy"),
        ("says", {"person": 1}, "TypeError: .*'text'"),
        ("presses", {"person": 1, "chat": 1, "message": 99, "label": "x"}, "no message 99"),
        ("messages", {"chat": 1, "containing": "x", "seconds": 0}, "nothing came within 0 s"),
    ],
)
def test_the_control_surface_says_why_not(
    process: Process, operation: str, arguments: dict[str, object], why: str
) -> None:
    process.remote.ask("user", person=1)
    with pytest.raises(AssertionError, match=why):
        process.remote.ask(operation, **arguments)
