"""Measure how long it takes from what Docker tells of a container to the message about it.

    tests/bench/watch [--times 20]

`docker kill` of the worker, over and over, under a daemon as people run it, with a Bot API on this
machine: from the time that Docker's own event carries to the request `sendMessage` as it arrives
there. A crash is told at once; a stop waits for 15 seconds on purpose, and is listed apart, what is
over its wait. Each time is a daemon's first: one that has told of a service before waits longer
until that counts as well again. The machine should have nothing else to do.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.bench import stack
from tests.bench.machine import Conditions
from tests.bench.measuring import SANDBOX, sandbox_environment, spread, timed
from tests.bench.parts import Found, Options, part_of
from tests.bench.results import OURS, Part
from tests.bot_api.request import Request
from tests.bot_api.server import BotApi, bot_api

NAME = "watch"
ABOUT = (
    "From the time that Docker's own event carries to the request `sendMessage` as it arrives;"
    " what is waited on purpose after a stop (15 s) is taken off."
)
KILLS = 5
TOKEN = "1234567890:planted-token-0123456789-abcdefghijk"
ADA, WORKER = 7, "authentik-worker"
WAITS = {"kill": 0.0, "stop": 15.0}
"""What akbot waits on purpose after each."""
GOAL = 1.0
PATIENCE = 120.0
WATCHES = "watching authentik"


@dataclass(frozen=True)
class Bench:
    """A stack, and who listens."""

    environment: Mapping[str, str]
    telegram: BotApi

    def once(self, command: str) -> float:
        """Seconds from Docker's event to the message, beyond what is waited on purpose."""
        with tempfile.TemporaryDirectory(prefix="akbot-bench-") as folder:
            self.start()
            before = len(self._told())
            with self._daemon(Path(folder)):
                time.sleep(2)  # the first look is over, and nothing else is on its way
                since = time.time()
                self._docker(command, WORKER)
                wait(lambda: len(self._told()) > before, "it is told")
        message = self._told()[before]
        late = message.at - self._died(since) - timedelta(seconds=WAITS[command])
        return late.total_seconds()

    def _told(self) -> list[Request]:
        return [each for each in self.telegram.seen("sendMessage") if "🔴" in each.text("text")]

    def _died(self, since: float) -> datetime:
        """When Docker says that it died."""
        output = self._docker(
            *("events", f"--since={since:.3f}", f"--until={time.time():.3f}", "--filter=event=die"),
            *(f"--filter=container={WORKER}", "--format={{json .}}"),
        )
        nanos = int(json.loads(output.splitlines()[0])["timeNano"])
        return datetime.fromtimestamp(nanos / 1e9, self.telegram.now().tzinfo)

    def start(self) -> None:
        """Have the worker well."""
        self._docker("start", WORKER)
        state = "{{.State.Health.Status}}"
        wait(
            lambda: self._docker("inspect", f"--format={state}", WORKER) == "healthy", "it is well"
        )

    @contextmanager
    def _daemon(self, folder: Path) -> Iterator[None]:
        log = folder / "log"
        own = {
            "AKBOT_STORE": f"file://{folder}/store",
            "AKBOT_STATE": f"{folder}/state",
            "AKBOT_HEALTH_LISTEN": "127.0.0.1:9187",
            "AKBOT_TELEGRAM_TOKEN": TOKEN,
            "AKBOT_TELEGRAM_ADMINS": str(ADA),
            "AKBOT_TELEGRAM_API": self.telegram.base_url.removesuffix("/bot"),
        }
        with log.open("w") as output:
            daemon = subprocess.Popen(
                ["akbot", "run"], stdout=output, stderr=output, cwd=folder,
                env={**self.environment, **own},
            )  # fmt: skip
            try:
                wait(lambda: daemon.poll() is not None or WATCHES in log.read_text(), WATCHES)
                if daemon.poll() is not None:
                    sys.exit(f"the daemon does not run:\n{log.read_text()}")
                yield
            finally:
                daemon.kill()
                daemon.wait()

    def _docker(self, *arguments: str) -> str:
        return timed(["docker", *arguments], self.environment).output.strip()


def wait(condition: Callable[[], bool], what: str) -> None:
    """Until *condition* holds."""
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"waited {PATIENCE:g} s in vain until {what}")
        time.sleep(0.05)


def watched(times: int) -> dict[str, list[float]]:
    """Of each command the seconds; a stop after every fifth kill."""
    with bot_api(token=TOKEN) as telegram:
        telegram.user(ADA, "Ada").says("/start")
        bench = Bench(sandbox_environment(), telegram)
        figures: dict[str, list[float]] = {command: [] for command in WAITS}
        for turn in range(1, times + 1):
            figures["kill"].append(bench.once("kill"))
            if turn % 5 == 0:
                figures["stop"].append(bench.once("stop"))
            sys.stderr.write(f"turn {turn} of {times}: {figures['kill'][-1]:.3f}\n")
        bench.start()
    return figures


def measure(options: Options) -> Part:
    """Five kills and a stop for each run."""
    conditions, found = Conditions(), Found()
    environment = stack.up()
    for command, seconds in watched(KILLS * options.runs).items():
        for each in seconds:
            found.add(f"docker {command}", OURS, "late", "s", each)
    return part_of(NAME, ABOUT, conditions.seen(environment), found, options)


def main() -> None:
    """Bring up, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    arguments = parser.parse_args()
    subprocess.run([SANDBOX / "up"], check=True)
    figures = watched(arguments.times)
    print("\nseconds from Docker's event to the message, median (least to most)")
    for command, seconds in figures.items():
        if seconds:
            waited = f", beyond {WAITS[command]:g} s on purpose" if WAITS[command] else ""
            print(f"  docker {command + waited:36}{spread(seconds, '{:.3f}'.format)}")
    late = sum(each > GOAL for each in figures["kill"])
    print(f"  later than {GOAL:g} s after a kill: {late} of {len(figures['kill'])}")


if __name__ == "__main__":
    main()
