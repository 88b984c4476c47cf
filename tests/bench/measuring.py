"""What the benchmarks share: the sandbox's settings, and a command's seconds and memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SANDBOX = CHECKOUT / "tests/sandbox"


@dataclass(frozen=True)
class Timed:
    """Wall and CPU seconds, peak mebibytes, what it printed, and when each line of stderr came."""

    wall: float
    cpu: float
    peak: float
    output: str
    lines: Sequence[tuple[float, str]]


def sandbox_environment() -> dict[str, str]:
    """What `up` says of how to talk to the stack, with this checkout's own `akbot` first."""
    command = ["bash", "-c", 'source "$1" && env -0', "bash", str(SANDBOX / ".state/env")]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in output.split("\0") if line)
    found["PATH"] = f"{CHECKOUT / '.venv/bin'}:{found['PATH']}"
    return found


def timed(command: Sequence[str], environment: Mapping[str, str]) -> Timed:
    """Run it to its end; one that fails ends the benchmark with its words."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.PIPE, env=dict(environment), text=True
        )
        assert process.stderr is not None
        lines = [(time.monotonic() - began, line.strip()) for line in process.stderr]
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        if status != 0:
            sys.exit(f"{' '.join(command)}: failed: {' / '.join(line for _, line in lines[-5:])}")
        output.seek(0)
        return Timed(
            wall,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024,
            output.read().decode(),
            lines,
        )


def spread(values: Sequence[float], show: Callable[[float], str]) -> str:
    """Median (least to most)."""
    ordered = sorted(values)
    return f"{show(ordered[len(ordered) // 2])} ({show(ordered[0])} to {show(ordered[-1])})"
