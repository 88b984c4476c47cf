"""`akbot run` by a clock that leaps ahead whenever nothing is under way.

    python -m tests.soak.fast_daemon DAYS HOLD

Everything else is the real thing: Engine, database, stores, journal, chat. While a job runs, a
message waits to be sent or a thread is busy, time passes as it does; otherwise it leaps, so that a
day of waiting takes a minute or two and no time-out of anything real is shortened. While there is a
file HOLD it does not leap either, for whoever does something to the stack meanwhile. Each hour of
its time it says on stdout, as JSON, what time it is. After so many days it leaps no more, and ends
when its stdin does, so that it can be looked at until then.
"""

import asyncio
import json
import secrets
import signal
import sqlite3
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.service import serve
from bot.settings_source import ENV_FILE, load_settings

LEAP = 60.0  # seconds of its time; who waits for a moment in between wakes so much too late
PAUSE = 0.01  # seconds in which whoever woke begins what they woke for
UNDER_WAY = (
    "SELECT 1 FROM jobs WHERE state = 'running' UNION ALL"
    " SELECT 1 FROM messages WHERE message_id IS NULL AND dropped IS NULL"
)
_AT_REST = {"_worker", "wait"}


@dataclass
class LeapingClock:
    """Port `Clock`: the system's, and as far ahead of it as it has leapt."""

    ahead: float = 0.0
    _due: "dict[asyncio.Future[None], float]" = field(default_factory=dict)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        waker = asyncio.get_running_loop().create_future()
        self._due[waker] = self.monotonic() + seconds
        timer = asyncio.get_running_loop().call_later(seconds, _wake, waker)
        try:
            await waker
        finally:
            timer.cancel()
            del self._due[waker]

    def random_text(self, alphabet: str, length: int) -> str:
        return "".join(secrets.choice(alphabet) for _ in range(length))

    def leap(self) -> None:
        """Go ahead, and wake whoever is due by then."""
        self.ahead += LEAP
        now = self.monotonic()
        for waker, due in self._due.items():
            if due <= now:
                _wake(waker)


def _wake(waker: "asyncio.Future[None]") -> None:
    if not waker.done():
        waker.set_result(None)


def threads_work() -> bool:
    """Whether any thread but this one does; one of a pool that has nothing to do waits there."""
    mine = threading.get_ident()
    tops = [frame for name, frame in sys._current_frames().items() if name != mine]
    return any(frame.f_code.co_name not in _AT_REST for frame in tops)


def may_leap(database: sqlite3.Connection, hold: Path) -> bool:
    """Whether nothing is under way, and nobody holds the clock."""
    if hold.exists() or threads_work():
        return False
    return database.execute(UNDER_WAY).fetchone() is None


async def drive(clock: LeapingClock, journal: Path, days: float, hold: Path) -> None:
    """Let time leap for so many *days*; ask the daemon to end once nobody looks at it any more."""
    told = clock.now()
    until = told + timedelta(days=days)
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
        while clock.now() < until:
            await asyncio.sleep(PAUSE)
            if may_leap(database, hold):
                clock.leap()
            while clock.now() - told >= timedelta(hours=1):
                told += timedelta(hours=1)
                print(json.dumps({"at": told.isoformat()}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    signal.raise_signal(signal.SIGTERM)


async def main(days: float, hold: Path) -> None:
    clock = LeapingClock()
    settings = load_settings(env_file=Path(ENV_FILE)).settings
    journal = Journal(StateFolder(settings.state_folder))
    await journal.jobs.jobs()  # which makes it
    await journal.close()
    driving = asyncio.create_task(drive(clock, settings.state_folder / "journal.db", days, hold))
    await serve(settings, clock)
    await driving


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), Path(sys.argv[2])))
