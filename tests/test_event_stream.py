"""The Engine's stream of events, read as it comes: many are one message, and take no memory."""

import asyncio
import json
import threading
import tracemalloc
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle, islice

from bot.adapters.clock import SystemClock
from bot.adapters.containers import EngineContainers
from bot.adapters.engine_api import EngineApi
from bot.adapters.threads import stop
from bot.domain.container_state import Happened, watch_rules
from bot.domain.discovery import StackWanted
from bot.entrypoints.watcher import WatchRounds
from bot.services.watched_names import WatchedNames
from bot.services.watcher import Watcher
from tests.fakes_engine_api import engine_api
from tests.services.test_watcher import NAMES, FakeIncidentLog, FakeMute, FakeWatchedMark, Telling

STORES, APPS = ("postgresql", "redis"), ("server", "worker")
SERVICES = (*STORES, *APPS)
DOWN = {"redis", "worker"}  # at the end
EVENTS = 10_000
IN_THE_GAP = 200  # that happen while nobody listens
KEPT = 256  # that the Engine remembers
FLAT = 1_000_000  # bytes; the events alone are ten times as many
LIFE: tuple[tuple[str, dict[str, str]], ...] = (
    ("die", {"exitCode": "1"}),
    ("start", {}),
    ("health_status: unhealthy", {}),
    ("health_status: healthy", {}),
    ("oom", {}),
    ("kill", {"signal": "15"}),
    ("die", {"exitCode": "137"}),
    ("start", {}),
    ("pause", {}),
    ("unpause", {}),
    ("die", {"exitCode": "0"}),
    ("restart", {}),
)
"""What happens to each service, over and over."""

Seen = Counter[tuple[str, str]]
"""How often what happened to whom."""


class Counted(EngineContainers):
    """The real one, and what it has read."""

    def __init__(self, api: EngineApi, wanted: StackWanted) -> None:
        super().__init__(api, wanted)
        self.seen: Seen = Counter()

    async def events(self) -> AsyncGenerator[Happened]:
        async with aclosing(super().events()) as events:
            async for event in events:
                yield event
                self.seen[event.service, event.action] += 1


@dataclass
class Storm:
    """All that can happen, to all in turn and to a stack beside it; halfway the stream breaks.

    It goes on happening then. Who asks since when is told the last of it, as by the Engine.
    *running* are those that do at the moment, of *sent* the ones that were this stack's.
    """

    running: set[str] = field(default_factory=lambda: set(SERVICES))
    sent: Seen = field(default_factory=Counter)
    number: int = 0
    may_begin: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.began = datetime.now(UTC).timestamp()
        self._happens = self._all_that_happens()
        self._past: deque[tuple[int, bytes]] = deque(maxlen=KEPT)

    def events(self, since: str) -> Iterator[bytes]:
        self.may_begin.wait()
        if self.number:
            if since:
                asked = int(since.replace(".", ""))  # nanoseconds
                yield from [line for at, line in self._past if at >= asked]
            yield from self._happens
            self.over.wait()
            return
        yield from islice(self._happens, EVENTS // 2 + 1)  # the last one is ours
        for _ in islice(self._happens, IN_THE_GAP):
            """Nobody is told."""

    def _all_that_happens(self) -> Iterator[bytes]:
        lives = cycle((service, *each) for each in LIFE for service in SERVICES)
        for service, action, attributes in islice(lives, EVENTS - len(DOWN)):
            yield self._event(service, action, **attributes)
        for service in sorted(DOWN):
            self.running.discard(service)
            yield self._event(service, "die", exitCode="1")

    def _event(self, service: str, action: str, **attributes: str) -> bytes:
        self.number += 1
        is_ours = self.number % 10 > 0 or self.number > EVENTS - len(DOWN)
        if is_ours:
            self.sent[service, action.partition(":")[0]] += 1
        at = int((self.began + 60 + self.number / 1000) * 1e9)
        event = {
            "Type": "container",
            "Action": action,
            "Actor": {
                "ID": service,
                "Attributes": {
                    "com.docker.compose.project": "authentik" if is_ours else "another",
                    "com.docker.compose.service": service,
                    "image": "image:1",
                    "name": f"authentik-{service}",
                    **attributes,
                },
            },
            "timeNano": at,
        }
        line = json.dumps(event).encode() + b"\n"
        self._past.append((at, line))
        return line


async def never() -> bool:
    return False


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while True:
            if condition():
                return
            await asyncio.sleep(0.05)


async def test_of_ten_thousand_events_none_is_lost_and_each_cause_is_one_message() -> None:
    storm, people, log = Storm(), Telling(), FakeIncidentLog()
    with engine_api(*SERVICES, running=storm.running, events=storm.events) as address:
        api = EngineApi(address)
        containers = Counted(api, StackWanted("", NAMES))
        clock = SystemClock()
        known = WatchedNames(FakeWatchedMark())
        watcher = Watcher(
            containers, log, people, never, clock, watch_rules(NAMES), FakeMute(), never, known
        )
        rounds = asyncio.create_task(WatchRounds(watcher, containers, clock).run())
        try:
            await until(lambda: watcher.watch.views.keys() >= {*SERVICES})
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            storm.may_begin.set()
            await until(lambda: storm.number == EVENTS)
            await until(lambda: containers.seen.total() >= storm.sent.total())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            storm.may_begin.set()
            storm.over.set()
            await stop(rounds)
            await api.close()

    assert containers.seen == storm.sent
    assert people.told == [f"{each} crashed" for each in STORES]
    assert all(watcher.watch.holder(each) for each in DOWN)
    assert peak - before < FLAT
