"""Measure how soon a person on the list is answered while a thousand strangers write at once.

    tests/bench/chat [--runs 5] [--profile]

The chat is the real one, with a journal on the disk, against the tests' own Bot API in this very
process, which shares its cores: a figure is an upper bound. In each run a thousand messages lie
there in one moment, every fiftieth of them a person's `/help`; each answer counts from then until
the Bot API has it. The goal is one second for each. `--profile` shows instead where one burst
spends the event loop's time.
"""

import argparse
import asyncio
import cProfile
import logging
import os
import pstats
import tempfile
import threading
import time
from pathlib import Path

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from tests.bench.machine import Conditions
from tests.bench.measuring import spread
from tests.bench.parts import Found, Options, part_of
from tests.bench.results import OURS, Part
from tests.bot_api.chats import Chat
from tests.bot_api.server import BotApi, bot_api
from tests.telegram_chat.test_burst import FROM_ANNA, UPDATES, burst
from tests.telegram_chat.world import TOKEN, TurnedClock, World

NAME = "chat"
ABOUT = (
    f"{UPDATES:,} messages lie there in one moment, every fiftieth a person's `/help`, the others"
    " of strangers; each answer counts until the Bot API, in the same process, has it."
)
GOAL = 1.0
WITHIN = 120.0


class Arrivals:
    """When each of *wanted* messages of the bot has come to *chat*, in seconds from the making."""

    def __init__(self, telegram: BotApi, chat: Chat, wanted: int) -> None:
        self._telegram = telegram
        self._chat = chat
        self._wanted = wanted
        self._began = time.monotonic()
        self.seconds: list[float] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        with self._telegram.changed:
            while len(self.seconds) < self._wanted:
                self._telegram.changed.wait(WITHIN)
                new = len(self._chat.from_bot) - len(self.seconds)
                self.seconds += [time.monotonic() - self._began] * new


async def one_burst(folder: Path, profile: cProfile.Profile | None = None) -> list[float]:
    """The seconds until each of a person's messages was answered."""
    clock = TurnedClock()
    journal = Journal(StateFolder(folder))
    with bot_api(token=TOKEN, now=clock.now) as telegram:
        parts = (journal.inbox("1"), journal.outbox, journal.questions, journal.moves)
        world = World(telegram, *parts, journal.orders, clock)
        async with world.talking():
            await world.all_handled()
            arrivals = Arrivals(telegram, world.anna.chat, FROM_ANNA)
            burst(world)
            if profile:
                profile.enable()
            await telegram.until(lambda: len(arrivals.seconds) == FROM_ANNA, WITHIN)
            if profile:
                profile.disable()
            await world.all_handled()
            await world.all_sent()
    await journal.close()
    return arrivals.seconds


def measure(options: Options) -> Part:
    """A burst for each run."""
    conditions, found = Conditions(), Found()
    logging.disable()  # of each stranger there is a line
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            seconds = asyncio.run(one_burst(Path(folder) / "state"))
        found.add("burst", OURS, "the slowest answer", "s", max(seconds))
        found.add("burst", OURS, "the median answer", "s", sorted(seconds)[len(seconds) // 2])
        conditions.look()
    logging.disable(logging.NOTSET)
    return part_of(NAME, ABOUT, conditions.seen(os.environ), found, options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    profile = cProfile.Profile() if args.profile else None
    logging.disable()  # of each stranger there is a line
    worst: list[float] = []
    for run in range(1 if profile else args.runs):
        with tempfile.TemporaryDirectory() as folder:
            before = time.process_time()
            seconds = asyncio.run(one_burst(Path(folder) / "state", profile))
        worst.append(max(seconds))
        cpu = time.process_time() - before  # of the Bot API, too
        answers = spread(seconds, "{:.2f} s".format)
        print(f"run {run + 1}: {answers} for {len(seconds)} answers, {cpu:.2f} s of CPU in all")
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    print(f"the worst answer in a burst of {UPDATES:,}: {spread(worst, '{:.2f} s'.format)}")
    print(f"goal: at most {GOAL:.0f} s: {'held' if max(worst) <= GOAL else 'not held'}")


if __name__ == "__main__":
    main()
