"""Where a benchmark runs: cores, memory, load and versions of all that takes part."""

import os
import platform
import re
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.contenders import IMAGE
from tests.bench.results import Machine

WATCHED = 3.0
PROGRAMS = {
    "docker": ("docker", "version", "--format", "{{.Server.Version}}"),
    "compose": ("docker", "compose", "version", "--short"),
    "postgresql": ("docker", "exec", "authentik-postgresql", "pg_dump", "--version"),
    "age": ("age", "--version"),
    "rclone": ("rclone", "version"),
    "restic": ("restic", "version"),
    "borg": ("borg", "--version"),
    "borgmatic": ("borgmatic", "--version"),
    "pgbackrest": ("docker", "run", "--rm", IMAGE, "pgbackrest", "version"),
}  # fmt: skip


class Conditions:
    """Looks at the load now and whenever it is told to; `seen` makes one record of it."""

    def __init__(self) -> None:
        self._others = _busy_cores()
        self._before = self._most = os.getloadavg()[0]

    def look(self) -> None:
        self._most = max(self._most, os.getloadavg()[0])

    def seen(self, environment: Mapping[str, str]) -> Machine:
        """All that a reader must know to judge a figure; what is not installed is left out."""
        self.look()
        memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
        return Machine(
            date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            cores=len(os.sched_getaffinity(0)),
            memory=f"{int(memory[1]) / 1024**2:.0f} GiB" if memory else "unknown",
            kernel=platform.release(),
            load_before=round(self._before, 1),
            load_most=round(self._most, 1),
            others=round(max(self._others, _busy_cores()), 1),
            versions={"python": platform.python_version(), **_versions(environment)},
        )


def _busy_cores() -> float:
    """How many are at work while this process waits."""
    began, before = time.monotonic(), _work()
    time.sleep(WATCHED)
    return (_work() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)


def _work() -> int:
    """Ticks of all cores so far in which they were not idle and did not wait for a disk."""
    user, nice, system, _, _, *rest = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, *rest)))


def _versions(environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, command in PROGRAMS.items():
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, env=dict(environment)
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        version = re.search(r"\d+(\.\d+)+", done.stdout)
        if version:
            found[name] = version[0]
    return found
