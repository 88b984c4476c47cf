"""What a dead man's switch hears of backups and drills, over real HTTP."""

import asyncio
import io
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bot.adapters.heartbeat import HttpHeartbeat
from bot.adapters.http_client import HttpClient
from bot.domain.backup_id import make_backup_id
from bot.domain.errors import PortError
from bot.domain.heartbeat import BEGAN, Beat, Known, beat_at_end, newly_given_up
from bot.domain.jobs import PARTIAL, Job, JobKind, JobState, Trigger
from bot.domain.messages import JobBegan, JobEnded
from bot.domain.slots import CATCH_UP
from bot.entrypoints.heartbeat import Heartbeat
from bot.entrypoints.logs import LogForm, log_handler
from tests.services.simulated_time import SimulatedClock

NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
JOB = Job(
    id=make_backup_id(NOW, "k3f9"),
    kind=JobKind.BACKUP,
    trigger=Trigger.SCHEDULE,
    actor="schedule",
    slot=NOW,
    started=NOW,
)
DONE = replace(JOB, state=JobState.DONE, message="whole", ended=NOW)
FAILED = replace(JOB, state=JobState.FAILED, message="the store is full", ended=NOW)
FAILED_TOO = replace(FAILED, slot=None, started=NOW + timedelta(minutes=30))


@pytest.mark.parametrize(
    ("job", "beat"),
    [
        (DONE, Beat("")),
        (FAILED, None),
        (FAILED_TOO, Beat("/fail", b"the store is full")),
        (replace(JOB, state=JobState.CANCELLED), None),
        (replace(DONE, message="degraded: nas is away"), Beat("", b"nas is away")),
    ],
)
def test_what_is_said_of_an_end(job: Job, beat: Beat | None) -> None:
    assert beat_at_end(job) == beat


def failed(*minutes: int, slot: int = 0, state: JobState = JobState.FAILED) -> list[Job]:
    """Runs of the slot so many minutes after NOW, which began and ended so many after NOW."""
    moments = [NOW + timedelta(minutes=each) for each in minutes]
    planned = replace(FAILED, slot=NOW + timedelta(minutes=slot), state=state)
    return [replace(planned, started=each, ended=each, message=f"{each:%H:%M}") for each in moments]


GIVEN_UP = failed(0, 6, 22, 68)
NEXT = failed(60, slot=60)
GOOD = failed(70, slot=60, state=JobState.DONE)
PART = [replace(each, slot=None, plan={PARTIAL: "yes"}) for each in GOOD]


@pytest.mark.parametrize(
    ("jobs", "minute", "words"),
    [
        pytest.param(GIVEN_UP[:3], 67, [], id="it is tried once more"),
        pytest.param(GIVEN_UP, 68, ["04:38"], id="it was the last time"),
        pytest.param(failed(0), 359, [], id="there is time left"),
        pytest.param(failed(0), 360, ["03:30"], id="and now there is none"),
        pytest.param([*failed(0, 6), *NEXT], 60, ["03:36"], id="the next one failed, too"),
        pytest.param([*failed(0), *NEXT, *GOOD], 400, [], id="the next one made it good"),
        pytest.param(
            [*failed(9999, slot=9999, state=JobState.DONE), *GIVEN_UP],
            68,
            ["04:38"],
            id="a good one of times to come, by a clock that was ahead",
        ),
        pytest.param(
            [*GIVEN_UP, *failed(73, slot=73, state=JobState.DONE)],
            68,
            [],
            id="a good one since, by a clock that is a little ahead",
        ),
        pytest.param([*GIVEN_UP, *PART], 71, ["04:38"], id="some components are not the stack"),
        pytest.param([*GOOD, *failed(120, slot=120)], 480, ["05:30"], id="one after a good one"),
        pytest.param([*failed(0), *failed(5, state=JobState.CANCELLED)], 400, [], id="cancelled"),
        pytest.param(
            [*GIVEN_UP, *failed(60, 61, 62, 63, slot=60)], 68, ["04:38", "04:33"], id="two"
        ),
        pytest.param([FAILED_TOO], 400, [], id="a person's own"),
    ],
)
def test_which_slots_are_told_as_given_up(jobs: list[Job], minute: int, words: list[str]) -> None:
    assert [job.message for job in given_up(jobs, minute)] == words


def given_up(jobs: list[Job], minute: int, since: int = 0, *told: datetime) -> list[Job]:
    drill = replace(FAILED, kind=JobKind.DRILL)
    known = Known(NOW + timedelta(minutes=since), told)
    now = NOW + timedelta(minutes=minute)
    return newly_given_up([drill, *jobs], JobKind.BACKUP, known, CATCH_UP, now)


def test_what_was_told_by_it_or_by_an_earlier_process_is_not_told_again() -> None:
    assert given_up(GIVEN_UP, 70, 68)
    assert given_up(failed(0), 360, 360), "its slot is given up in that moment"
    assert not given_up(GIVEN_UP, 70, 69)
    assert not given_up(GIVEN_UP, 70, 68, NOW)


@dataclass
class Switch:
    """A server that remembers what it was asked."""

    url: str = ""
    status: int = 200
    asked: list[tuple[str, bytes]] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Switch]:
    switch = Switch()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            switch.asked.append((self.path, body))
            self.send_response(switch.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, args=[0.01])
    serving.start()
    switch.url = f"http://127.0.0.1:{server.server_address[1]}/ping/secret-key/"
    try:
        yield switch
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.mark.parametrize(
    ("query", "path"), [("", "/ping/secret-key/fail"), ("?rid=1", "/ping/secret-key/fail?rid=1")]
)
async def test_how_it_is_asked(query: str, path: str) -> None:
    with listening() as switch:
        heartbeat = HttpHeartbeat({JobKind.BACKUP: switch.url + query})
        await heartbeat.send(JobKind.BACKUP, Beat("/fail", "zu groß".encode()))

    assert switch.asked == [(path, "zu groß".encode())]


@pytest.mark.parametrize(
    ("status", "words"), [(404, "answered 404$"), (301, "answered 301.* set the URL that it has")]
)
async def test_what_it_refuses_is_an_error_that_does_not_name_the_url(
    status: int, words: str
) -> None:
    with listening() as switch:
        switch.status = status
        heartbeat = HttpHeartbeat({JobKind.BACKUP: switch.url})
        with pytest.raises(PortError, match=words) as refused:
            await heartbeat.send(JobKind.BACKUP, BEGAN)

    assert "secret-key" not in str(refused.value) + repr(heartbeat)


async def test_an_answer_that_is_given_up_in_the_middle_of_its_headers_is_none() -> None:
    async def begin_to_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
        await reader.read()  # until it hangs up
        writer.close()

    async with await asyncio.start_server(begin_to_answer, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        urls = {JobKind.BACKUP: f"http://127.0.0.1:{port}/ping"}
        heartbeat = HttpHeartbeat(urls, HttpClient(answer_within=60, whole_within=0.2))
        with pytest.raises(PortError, match="does not answer in time"):
            await heartbeat.send(JobKind.BACKUP, BEGAN)


@dataclass
class Heard:
    """A switch that cannot be reached at first."""

    clock: SimulatedClock
    away: int = 0
    heard: list[str] = field(default_factory=list)

    async def send(self, kind: JobKind, beat: Beat) -> None:
        if self.away:
            self.away -= 1
            raise PortError("the server does not answer")
        self.heard.append(f"{self.clock.now():%M:%S} {kind}{beat.suffix}")

    async def breaks(self, kind: JobKind, beat: Beat) -> None:
        raise ZeroDivisionError(kind, beat)


async def no_jobs(_: int) -> Sequence[Job]:
    return []


async def hear(away: int, *events: JobBegan | JobEnded) -> list[str]:
    return (await hear_and_count(away, *events))[0]


async def hear_and_count(
    away: int, *events: JobBegan | JobEnded
) -> tuple[list[str], dict[tuple[JobKind, str], int]]:
    clock = SimulatedClock(NOW)
    switch = Heard(clock, away)

    async def jobs(_: int) -> Sequence[Job]:
        return [event.job for event in events]

    heartbeat = Heartbeat(frozenset({JobKind.BACKUP}), jobs, switch.send, clock)
    running = asyncio.ensure_future(heartbeat.run())
    for event in events:
        heartbeat.listener(event.job, event)
    await clock.run_until(NOW + timedelta(hours=1))
    running.cancel()
    await asyncio.wait([running])
    return switch.heard, dict(heartbeat.told)


async def test_a_beginning_and_an_end_are_told_and_other_jobs_are_not() -> None:
    drill = replace(DONE, kind=JobKind.DRILL)

    assert await hear(0, JobBegan(JOB), JobEnded(DONE), JobEnded(drill)) == [
        "30:00 backup/start",
        "30:00 backup",
    ]


async def test_an_end_is_told_before_the_bot_stops() -> None:
    clock = SimulatedClock(NOW)
    switch = Heard(clock, away=1)
    heartbeat = Heartbeat(frozenset({JobKind.BACKUP}), no_jobs, switch.send, clock)
    running = asyncio.ensure_future(heartbeat.run())
    await clock.run_until(NOW + timedelta(seconds=1))
    heartbeat.listener(DONE, JobEnded(DONE))
    farewell = asyncio.ensure_future(heartbeat.farewell())
    await clock.run_until(NOW + timedelta(seconds=9))
    assert farewell.done()
    running.cancel()
    await asyncio.wait([running])

    assert switch.heard == ["30:03 backup"]


async def test_nobody_waits_long_for_a_switch_that_is_away() -> None:
    clock = SimulatedClock(NOW)
    heartbeat = Heartbeat(frozenset({JobKind.BACKUP}), no_jobs, Heard(clock, away=9).send, clock)
    running = asyncio.ensure_future(heartbeat.run())
    heartbeat.listener(DONE, JobEnded(DONE))
    farewell = asyncio.ensure_future(heartbeat.farewell())
    await clock.run_until(NOW + timedelta(seconds=9))
    assert not farewell.done()
    await clock.run_until(NOW + timedelta(seconds=11))
    assert farewell.done()
    running.cancel()
    await asyncio.wait([running])


async def test_an_end_is_told_again_until_it_is_taken_and_then_let_be() -> None:
    assert await hear(3, JobEnded(DONE)) == ["31:12 backup"]
    assert await hear(4, JobEnded(DONE)) == []
    assert await hear(1, JobBegan(JOB), JobEnded(DONE)) == ["30:00 backup"]


async def test_a_beginning_that_was_not_taken_is_no_alarm_since_the_end_says_more() -> None:
    sent, failed = (JobKind.BACKUP, "sent"), (JobKind.BACKUP, "failed")

    assert await hear_and_count(1, JobBegan(JOB), JobEnded(DONE)) == (["30:00 backup"], {sent: 1})
    assert await hear_and_count(9, JobBegan(JOB), JobEnded(DONE)) == ([], {failed: 1})


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the heartbeat logs, as the daemon writes it."""
    stream = io.StringIO()
    handler = log_handler(stream, [], LogForm.JSON)
    logger = logging.getLogger("bot.entrypoints.heartbeat")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(handler)


async def test_each_of_its_lines_names_the_job_that_it_is_of(log: io.StringIO) -> None:
    other = replace(DONE, id=make_backup_id(NOW, "aaaa"))
    await hear(9, JobBegan(JOB), JobEnded(DONE), JobBegan(other))

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["job"], line["level"]) for line in lines] == [
        *[(JOB.id, "info")] * 4,
        (JOB.id, "warning"),
        (other.id, "info"),
    ]


async def test_the_line_of_an_error_of_our_own_names_it_too(log: io.StringIO) -> None:
    clock = SimulatedClock(NOW)
    heartbeat = Heartbeat(frozenset({JobKind.BACKUP}), no_jobs, Heard(clock).breaks, clock)
    running = asyncio.ensure_future(heartbeat.run())
    heartbeat.listener(DONE, JobEnded(DONE))
    await clock.run_until(NOW + timedelta(minutes=1))
    running.cancel()
    await asyncio.wait([running])

    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["job"], line["level"]) == (JOB.id, "error")
