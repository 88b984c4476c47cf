"""The log's lines: their form, the job that each is of, and that no secret stands in any."""

import asyncio
import html
import io
import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from bot.adapters.threads import Threads
from bot.domain.backup_id import BackupId
from bot.domain.errors import BotError
from bot.domain.jobs import Job, JobState, Outcome
from bot.domain.messages import Command
from bot.entrypoints.logs import LogForm, log_handler
from bot.services.job_in_hand import job_in_hand, working_on
from bot.services.jobs import Begun
from bot.services.ports import JobLog, Publish
from bot.services.runner import JobRunner
from tests.fakes_stack import NOW
from tests.services.world import COMMAND, World

TOKEN = "1234567890:planted-token-0123456789-abcdefghijk"
SECRET = 'a/b+c d"e\\f=ü'
AGE_KEY = "AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

Logged = Callable[[], str]

EARLIER = Job(
    id=BackupId("20261122T033000Z-aaaa"),
    kind=COMMAND.kind,
    trigger=COMMAND.trigger,
    actor="ada",
    started=NOW,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=[LogForm.JSON, LogForm.CONSOLE])
def log(request: pytest.FixtureRequest) -> Iterator[Logged]:
    """All that is logged, by whichever library, as the daemon writes it in either form."""
    stream = io.StringIO()
    handler = log_handler(stream, [TOKEN, SECRET], request.param)
    root = logging.getLogger()
    quiet = [logging.getLogger(name) for name in ("httpx", "telegram", "telegram.request")]
    levels = {each: each.level for each in (root, *quiet)}
    root.setLevel(logging.DEBUG)
    for each in quiet:  # a chat that ran in this process has hushed them
        each.setLevel(logging.NOTSET)
    root.addHandler(handler)
    yield stream.getvalue
    root.removeHandler(handler)
    for each, level in levels.items():
        each.setLevel(level)


def fail() -> None:
    raise BotError(f"with {SECRET}") from ValueError(f"https://api.telegram.org/bot{TOKEN}/getMe")


def log_an_exception(logger: logging.Logger) -> None:
    try:
        fail()
    except BotError:
        logger.exception("it failed")


def alone(handler: logging.Handler) -> logging.Logger:
    """A logger that nobody else sees."""
    logger = logging.Logger("bot.somewhere")  # noqa: LOG001 - likewise
    logger.addHandler(handler)
    return logger


@pytest.mark.parametrize("name", ["bot.x", "httpx", "telegram.ext", "botocore.auth", "docker.api"])
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda to: to.warning(f"it is {SECRET}"), id="words"),
        pytest.param(lambda to: to.warning("it is %s, %s", SECRET, {"a": TOKEN}), id="arguments"),
        pytest.param(lambda to: to.warning("it is %(a)r", {"a": SECRET}), id="in quotes"),
        pytest.param(lambda to: to.warning("%s", json.dumps({"a": SECRET})), id="in JSON"),
        pytest.param(lambda to: to.warning("?k=a%2Fb%2Bc%20d%22e%5Cf%3D%C3%BC"), id="URL"),
        pytest.param(
            lambda to: to.warning("%s", json.dumps({"a": SECRET}, ensure_ascii=False)),
            id="in JSON as it is",
        ),
        pytest.param(lambda to: to.warning("?k=a%2fb%2bc%20d%22e%5cf%3d%c3%bc"), id="small URL"),
        pytest.param(lambda to: to.warning("?k=a%2Fb%2Bc+d%22e%5Cf%3D%C3%BC"), id="form"),
        pytest.param(log_an_exception, id="an exception and its cause"),
        pytest.param(lambda to: to.warning("%s", BotError(SECRET)), id="an exception as argument"),
    ],
)
def test_what_the_settings_call_secret_is_masked(
    log: Logged, name: str, write: Callable[[logging.Logger], None]
) -> None:
    write(logging.getLogger(name))

    assert "***" in log()
    for part in (TOKEN, "planted", "a/b+c", "b%2Bc", "b%2bc"):
        assert part not in log()


@pytest.mark.parametrize("between", ["'\"ü&<\\", "'ü", '"ü', "&ü", "ü\0\n\u2028"])
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(repr, id="by itself"),
        pytest.param(lambda secret: repr(f"it's {secret}"), id="beside one quote"),
        pytest.param(lambda secret: repr(f'it\'s {secret}: "x"'), id="beside both"),
        pytest.param(ascii, id="ASCII"),
        pytest.param(lambda secret: ascii(["'\"" + secret]), id="ASCII beside both"),
        pytest.param(lambda secret: repr(secret.encode()), id="bytes"),
        pytest.param(lambda secret: repr(b"'\"" + secret.encode()), id="bytes beside both"),
        pytest.param(lambda secret: repr(json.dumps({"a": secret})), id="JSON in quotes"),
        pytest.param(lambda secret: repr(json.dumps({"a'": secret})), id="JSON beside both"),
        pytest.param(lambda secret: repr(repr(secret)), id="twice"),
        pytest.param(html.escape, id="HTML"),
        pytest.param(lambda secret: html.escape(secret, quote=False), id="HTML text"),
        pytest.param(
            lambda secret: html.escape(secret).encode("ascii", "xmlcharrefreplace").decode(),
            id="HTML in ASCII",
        ),
        pytest.param(lambda secret: repr(html.escape(secret)), id="HTML in quotes"),
    ],
)
def test_a_secret_is_masked_however_it_is_escaped(
    between: str, write: Callable[[str], str]
) -> None:
    secret, stream = f"hidden{between}likewise", io.StringIO()
    alone(log_handler(stream, [secret], LogForm.CONSOLE)).warning("it is %s", write(secret))

    assert "***" in stream.getvalue()
    assert not re.search("hidden|likewise", stream.getvalue())


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        (f"key {AGE_KEY} read", "key AGE-SECRET-KEY-*** read"),
        ("https://user:hunter2@host/x", "https://user:***@host/x"),
        ("https://b.example/k?X-Amz-Signature=0a1b&x=1", "X-Amz-Signature=***&x=1"),
        ("/bot7654321:AAbbCCddEEffGGhhIIjjKKllMMnnOOpp/getMe", "/bot7654321:***/getMe"),
        ("{'Authorization': 'Basic dXNlcjpwYXNzd29yZA=='}", "Basic ***"),
        ("see /recovery/use-token/abcdef/", "/use-token/***/"),
    ],
)
def test_a_key_that_no_setting_knows_is_masked_by_its_looks(
    log: Logged, words: str, masked: str
) -> None:
    logging.getLogger("botocore").warning("%s", words)

    assert masked in log()


def test_what_people_need_to_read_stays(log: Logged) -> None:
    words = "AKBOT_TELEGRAM_TOKEN: it must be set; 20261123T033000Z-k3f9, sha256:" + "0a" * 32
    logging.getLogger("bot").warning("%s", words)

    assert words in log()


def test_arguments_that_do_not_fit_are_no_reason_to_show_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = io.StringIO()

    alone(log_handler(stream, [TOKEN], LogForm.JSON)).warning("it is %d", TOKEN)

    assert "'it is %d' cannot be put into words: TypeError" in stream.getvalue()
    assert TOKEN not in stream.getvalue()
    assert capsys.readouterr().err == ""


class Quiet(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_a_request_that_httpx_itself_logs_shows_no_token(log: Logged) -> None:
    with HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        httpx.get(f"http://127.0.0.1:{server.server_port}/bot{TOKEN}/getMe")
        thread.join()

    assert "HTTP Request: GET" in log()
    assert "/bot***/getMe" in log()
    assert TOKEN not in log()


def test_a_line_of_json_is_one_object_a_line() -> None:
    stream = io.StringIO()
    logger = alone(log_handler(stream, [TOKEN], LogForm.JSON))
    with working_on("20261123T033000Z-k3f9"):
        log_an_exception(logger)
    logger.info("ünquoted")

    first, second = map(json.loads, stream.getvalue().splitlines())
    assert "Traceback" in first.pop("exception")
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "error",
        "logger": "bot.somewhere",
        "job": "20261123T033000Z-k3f9",
        "message": "it failed",
    }
    assert set(second) == {"time", "level", "logger", "message"}


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        (LogForm.AUTO, io.StringIO(), True),
        (LogForm.AUTO, Terminal(), False),
        (LogForm.JSON, Terminal(), True),
        (LogForm.CONSOLE, io.StringIO(), False),
    ],
)
def test_a_terminal_gets_lines_for_people(
    form: LogForm, stream: io.StringIO, *, is_json: bool
) -> None:
    alone(log_handler(stream, [], form)).warning("hello")

    assert stream.getvalue().startswith("{") is is_json
    assert "hello" in stream.getvalue()


def about_jobs(log: Logged) -> dict[str, str]:
    """Of each message the job that its line names."""
    return {line["message"]: line.get("job", "") for line in map(json.loads, log().splitlines())}


@pytest.mark.parametrize("log", [LogForm.JSON], indirect=True)
async def test_every_line_of_a_job_names_it_and_no_other_line_does(log: Logged) -> None:
    world, logger = World(), logging.getLogger("bot.test")
    threads = Threads("test", 1)

    async def beside() -> None:
        logger.warning("in a task of it")

    async def work(_: JobLog, __: Publish) -> None:
        logger.warning("in it")
        await asyncio.create_task(beside())
        await asyncio.to_thread(logger.warning, "on a thread")
        await threads.run(logger.warning, "on an adapter's thread")
        raise BotError("it cannot go on")

    async def run_job(_: object, begun: Begun | None) -> object:
        return await world.jobs.run(COMMAND, work, begun)

    runner = JobRunner(
        world.journal, world.clock, run_job, world.records, world.engine.find_stack,
        world.pin, world.read_back, world.preview, world.standing,
    )  # fmt: skip
    logger.warning("before")
    job = await runner.start(COMMAND)
    await runner.close(10)
    logger.warning("after")
    await threads.close()

    named = about_jobs(log)
    assert {words for words, of in named.items() if of == job.id} >= {
        "in it",
        "in a task of it",
        "on a thread",
        "on an adapter's thread",
        f"job {job.id} failed: it cannot go on",
    }
    assert named["before"] == named["after"] == ""


@pytest.mark.parametrize("log", [LogForm.JSON], indirect=True)
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BotError("the store is full"), "copy: the store is full"),
        (ValueError("no"), "copy failed on an error of akbot itself"),
    ],
)
async def test_the_failure_of_a_job_that_follows_names_it_too(
    log: Logged, error: Exception, words: str
) -> None:
    world = World()

    async def work(_: JobLog, __: Publish) -> None:
        raise error

    async def run_job(command: Command, begun: Begun | None) -> object:
        return await world.jobs.run(command, work, begun)

    runner = JobRunner(
        world.journal, world.clock, run_job, world.records, world.engine.find_stack,
        world.pin, world.read_back, world.preview, world.standing, copies=True,
    )  # fmt: skip
    await runner.catch_up()

    [job] = await world.journal.jobs()
    assert about_jobs(log)[words] == job.id


@pytest.mark.parametrize("log", [LogForm.JSON], indirect=True)
async def test_a_job_that_could_not_follow_is_named_by_nothing(log: Logged) -> None:
    world = World()

    async def run_job(_: Command, __: Begun | None) -> object:
        raise BotError("no")

    runner = JobRunner(
        world.journal, world.clock, run_job, world.records, world.engine.find_stack,
        world.pin, world.read_back, world.preview, world.standing, copies=True,
    )  # fmt: skip
    await runner.catch_up()

    assert about_jobs(log)["copy: no"] == ""


@pytest.mark.parametrize("log", [LogForm.JSON], indirect=True)
def test_after_a_job_within_a_job_the_outer_one_is_in_hand_again(log: Logged) -> None:
    with working_on("outer"):
        with working_on("inner"):
            logging.getLogger("bot").warning("inside")
        logging.getLogger("bot").warning("outside")

    assert about_jobs(log) == {"inside": "inner", "outside": "outer"}


async def test_an_earlier_job_is_in_hand_while_it_is_settled() -> None:
    world, in_hand = World(), []

    async def settle(job: Job, state: JobState, words: str) -> Outcome:
        in_hand.append((job.id, job_in_hand()))
        return Outcome(state, words)

    async def work(_: JobLog, __: Publish) -> None:
        raise BotError("no")

    undo = replace(world.jobs.undo, settler={COMMAND.kind: settle}.get)
    jobs = replace(world.jobs, undo=undo)
    await world.journal.begin(EARLIER)
    with pytest.raises(BotError, match="no"):
        await jobs.run(COMMAND, work)

    assert len(in_hand) == 2, "the earlier one, and the one that failed"
    assert [job_id for job_id, _ in in_hand] == [named for _, named in in_hand]


UNCAUGHT = f"""
import threading, warnings
from bot.entrypoints.logs import LogForm, mask_warnings, start_log
%s
thread = threading.Thread(target=lambda: 1 / 0, name={TOKEN!r})
thread.start()
thread.join()
class Bad:
    def __del__(self): raise ValueError({TOKEN!r})
Bad()
raise RuntimeError("https://api.telegram.org/bot{TOKEN}/getMe")
"""
DAEMON = f"start_log([{TOKEN!r}], LogForm.JSON); warnings.warn({TOKEN!r})"
COMMAND_LINE = f"mask_warnings([{TOKEN!r}])"


def uncaught(start: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", UNCAUGHT % start], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    return ended.stderr


def test_what_nobody_catches_is_masked_too() -> None:
    written = uncaught(DAEMON)

    lines = [json.loads(line) for line in written.splitlines()]
    assert [line["level"] for line in lines] == ["warning", "critical", "critical", "critical"]
    assert "ZeroDivisionError" in lines[1]["exception"]
    assert "RuntimeError: https://api.telegram.org/bot***/getMe" in lines[-1]["exception"]
    assert "planted" not in written


def test_what_nobody_catches_in_a_command_is_masked_too() -> None:
    written = uncaught(COMMAND_LINE)

    assert written.count("an error of akbot itself, which nobody has caught") == 3
    assert "ZeroDivisionError" in written
    assert "ValueError: ***" in written
    assert written.endswith("RuntimeError: https://api.telegram.org/bot***/getMe\n")
    assert "planted" not in written


def test_a_command_that_keeps_no_log_masks_its_warnings() -> None:
    code = f"""
import logging
from bot.entrypoints.logs import mask_warnings
mask_warnings([{TOKEN!r}])
logging.getLogger("httpx").info("quiet")
logging.getLogger("httpx").warning("asked %s", {TOKEN!r})
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stderr == "asked ***\n"
