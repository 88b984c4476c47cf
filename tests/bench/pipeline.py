"""Run a shell pipeline and say what all that worked for it used: here, in containers, in Docker."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

TICKS = os.sysconf("SC_CLK_TCK")
OFTEN = 0.05
ENGINE = re.compile(r"dockerd|containerd|containerd-shim.*|docker-proxy")


@dataclass(frozen=True)
class Used:
    """Seconds on the clock and of CPU, and the most memory here, in MiB.

    *peak* is of all its processes at one time, *largest* of the one that had most.
    """

    wall: float
    here: float
    containers: float
    engine: float
    peak: float
    largest: float
    began: float = 0.0
    output: str = ""
    lines: Sequence[tuple[float, str]] = ()
    """Each line of stderr, and when it came, counted from *began* (on the wall's clock)."""

    @property
    def cpu(self) -> float:
        return self.here + self.containers + self.engine


@dataclass
class Meter:
    """Counts for what runs in *environment* and makes these *containers* work."""

    environment: Mapping[str, str]
    containers: Sequence[str]
    client: docker.DockerClient = field(default_factory=docker.from_env)

    def run(self, script: str) -> Used:
        """Run it by bash to its end; a failure of any of its programs ends the benchmark."""
        before = self._containers(), _engine()
        began, on_the_wall = time.monotonic(), time.time()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                ["bash", "-o", "pipefail", "-euc", script],
                stdout=output, stderr=subprocess.PIPE, env=dict(self.environment), text=True,
            )  # fmt: skip
            assert process.stderr is not None
            with _memory_of(process.pid) as memory:
                lines = [(time.monotonic() - began, line.strip()) for line in process.stderr]
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said = "\n".join(line for _, line in lines[-15:])
                sys.exit(f"{script}\nfailed with {process.returncode}:\n{said}")
            output.seek(0)
            return Used(
                wall=wall,
                here=usage.ru_utime + usage.ru_stime,
                containers=self._containers() - before[0],
                engine=_engine() - before[1],
                peak=memory.peak,
                largest=memory.largest,
                began=on_the_wall,
                output=output.read().decode(),
                lines=lines,
            )

    def _containers(self) -> float:
        """CPU seconds so far, as the containers' control groups count them."""
        found: list[Any] = [
            self.client.containers.get(name).stats(stream=False, one_shot=True)
            for name in self.containers
        ]
        return float(sum(each["cpu_stats"]["cpu_usage"]["total_usage"] for each in found)) / 1e9


def family(pid: int) -> Iterator[int]:
    """A process and all its children."""
    yield pid
    with suppress(OSError):  # it has ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child))


def _resident(pid: int) -> tuple[float, float]:
    """Now, and at most since it began as this program, in MiB."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has ended
        return 0.0, 0.0
    found = dict(re.findall(r"^Vm(HWM|RSS):\s+(\d+)", status, re.MULTILINE))
    return int(found.get("RSS", 0)) / 1024, int(found.get("HWM", 0)) / 1024


@dataclass
class _Memory:
    """In MiB, as of `Used`."""

    peak: float = 0.0
    largest: float = 0.0


@contextmanager
def _memory_of(pid: int) -> Iterator[_Memory]:
    """The most that the family, and one of it, had resident at one time, once the context ends.

    Not the kernel's own figure for a child that has ended: that one begins with what this very
    process has.
    """
    ended, memory = threading.Event(), _Memory()

    def look() -> None:
        while not ended.wait(OFTEN):
            seen = [_resident(each) for each in family(pid)]
            together, alone = sum(now for now, _ in seen), max(most for _, most in seen)
            memory.peak = max(memory.peak, together, alone)
            memory.largest = max(memory.largest, alone)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield memory
    finally:
        ended.set()
        thread.join()


def _engine() -> float:
    """CPU seconds so far of the Engine's own processes, those of this network's namespace."""
    ours, found = Path("/proc/self/ns/net").readlink(), 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if not ENGINE.fullmatch((process / "comm").read_text().strip()):
                continue
            if (process / "ns/net").readlink() == ours:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                found += sum(int(each) for each in fields[11:15])
        except OSError:  # it has ended
            continue
    return found / TICKS
