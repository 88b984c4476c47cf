"""What the benchmarks share: the sandbox's settings, a command's seconds, downtime."""

import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SANDBOX = CHECKOUT / "tests/sandbox"
LOGIN = "http://127.0.0.1:9001/if/flow/default-authentication-flow/"


class Downtime:
    """Whether the login page answers, asked every *every* seconds."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.last_answer = 0.0
        """By the clock on the wall."""
        self.gaps: list[tuple[float, float]] = []
        """From the last answer before one to the first after it, by the clock on the wall."""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Ask as long as the context lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()

    @property
    def seconds(self) -> float:
        """Of the longest gap."""
        return max((end - begin for begin, end in self.gaps), default=0.0)

    def _watch(self) -> None:
        self.last_answer, gone = time.time(), False
        while not self._ended.wait(self._every):
            if self.answers():
                if gone:
                    self.gaps.append((self.last_answer, time.time()))
                self.last_answer, gone = time.time(), False
            else:
                gone = True

    def answers(self) -> bool:
        """Whether it does now."""
        try:
            with urllib.request.urlopen(LOGIN, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@dataclass(frozen=True)
class Timed:
    """Seconds, what it printed, and when each line of stderr came.

    *began* is by the clock on the wall, the lines are counted from there.
    """

    began: float
    wall: float
    output: str
    lines: Sequence[tuple[float, str]]


def sandbox_environment() -> dict[str, str]:
    """What `up` says of how to talk to the stack, with this checkout's own `akbot` first."""
    command = ["bash", "-c", 'source "$1" && env -0', "bash", str(SANDBOX / ".state/env")]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in output.split("\0") if line)
    found["PATH"] = f"{CHECKOUT / '.venv/bin'}:{found['PATH']}"
    return found


def timed(command: Sequence[str], environment: Mapping[str, str], code: int = 0) -> Timed:
    """Run it to its end; another exit code than *code* ends the benchmark with its words."""
    on_the_wall, began = time.time(), time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.PIPE, env=dict(environment), text=True
        )
        assert process.stderr is not None
        lines = [(time.monotonic() - began, line.strip()) for line in process.stderr]
        status = process.wait()
        wall = time.monotonic() - began
        if status != code:
            sys.exit(f"{' '.join(command)}: failed: {' / '.join(line for _, line in lines[-5:])}")
        output.seek(0)
        return Timed(on_the_wall, wall, output.read().decode(), lines)


def spread(values: Sequence[float], show: Callable[[float], str]) -> str:
    """Median (least to most)."""
    ordered = sorted(values)
    return f"{show(ordered[len(ordered) // 2])} ({show(ordered[0])} to {show(ordered[-1])})"
