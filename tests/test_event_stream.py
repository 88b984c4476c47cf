"""The Engine's stream of events, read as it comes: many are one message, and take no memory."""

import asyncio
import json
import threading
import tracemalloc
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

from bot.adapters.clock import SystemClock
from bot.adapters.containers import EngineContainers
from bot.adapters.engine_api import EngineApi
from bot.adapters.threads import stop
from bot.domain.container_state import Happened, watch_rules
from bot.domain.discovery import StackWanted
from bot.entrypoints.watcher import WatchRounds
from bot.services.watcher import Watcher
from tests.fakes_engine_api import engine_api
from tests.services.test_watcher import NAMES, FakeIncidentLog, FakeMute, Telling

SERVICES = ("postgresql", "redis", "server", "worker")
EVENTS = 10_000
FLAT = 1_000_000  # bytes


class Counted(EngineContainers):
    """The real one, and how many events it has read."""

    seen = 0

    async def events(self) -> AsyncGenerator[Happened]:
        async with aclosing(super().events()) as events:
            async for event in events:
                yield event
                self.seen += 1


class Storm:
    """A worker that dies and starts again, over and over; the stream goes on without a word."""

    def __init__(self) -> None:
        self.began = datetime.now(UTC).timestamp()
        self.over, self.told = threading.Event(), threading.Event()

    def events(self) -> Iterator[bytes]:
        if self.told.is_set():
            self.over.wait()
            return
        for number in range(EVENTS // 2):
            for action in ("die", "start"):
                yield self._event(number, action)
        self.told.set()
        self.over.wait()

    def _event(self, number: int, action: str) -> bytes:
        attributes = {
            "com.docker.compose.project": "authentik",
            "com.docker.compose.service": "worker",
            "exitCode": str(number % 2),
            "image": "image:1",
            "name": "authentik-worker",
        }
        event = {
            "Type": "container",
            "Action": action,
            "Actor": {"ID": "worker", "Attributes": attributes},
            "timeNano": int((self.began + 60 + number / 1000) * 1e9),
        }
        return json.dumps(event).encode() + b"\n"


async def never() -> bool:
    return False


async def test_ten_thousand_events_are_read_each_and_make_one_message_in_flat_memory() -> None:
    storm, people, log = Storm(), Telling(), FakeIncidentLog()
    with engine_api(*SERVICES, running=SERVICES, events=storm.events) as address:
        api = EngineApi(address)
        containers = Counted(api, StackWanted("", NAMES))
        clock = SystemClock()
        watcher = Watcher(
            containers, log, people, never, clock, watch_rules(NAMES), FakeMute(), never
        )
        await watcher.look()
        tracemalloc.start()
        rounds = asyncio.create_task(WatchRounds(watcher, containers, clock).run())
        try:
            async with asyncio.timeout(120):
                while True:
                    if containers.seen == EVENTS:
                        break
                    await asyncio.sleep(0.1)
            left, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            storm.over.set()
            await stop(rounds)
            await api.close()

    assert people.told == ["worker crashed"]
    assert left < FLAT
