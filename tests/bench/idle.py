"""Measure what the daemon costs while nothing happens: memory and CPU of all its processes.

    tests/bench/idle [--minutes 10] [--directory] [--akbot PATH]

`akbot run` works on the sandbox's stack (tests/sandbox/up) as a user has it: chat against the
stand-in of the Bot API, watcher, S3 or a directory, one backup in the store, which another process
has made. It is installed as in the image, in an environment of its own with what
deploy/requirements.lock names and nothing beside it (httpx would import rich where there is one),
docstrings left out. After a first minute it is left alone, and looked at every ten seconds: memory
at most and CPU. Then it makes a backup itself, asked for in the chat, has a minute again, and is
left alone for as long once more: what the backup needed for a moment is to be given back, and only
the modules that it has loaded stay. Last, the picture of the status is asked for, which draws in a
child, and it is looked at once more.

Memory is told in three ways, each over all processes of the daemon:
- proportional (Pss): the pages that it alone has, and of those that it shares, as the C library's
  and Python's, its share. It is the only one of the three whose sum over all processes is what the
  machine has in use, so it is what akbot costs there; the goal of 90 MiB is judged by it, before
  the daemon's first backup. Where no other process has the same Python and C library, as in a
  container of its own, it comes up to the resident figure.
- resident (Rss): all pages that it has in memory, shared ones in full, as `ps` and `top` tell; of
  two processes that share a library each has all of it.
- anonymous: what is backed by no file, so that it can go nowhere but into swap. That is nearly what
  `docker stats` tells of its container, whose page cache that leaves out.

The goal for the processor is half a percent of a core, both times.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.bench import stack
from tests.bench.machine import Conditions
from tests.bench.measuring import CHECKOUT, sandbox_environment
from tests.bench.parts import Found, Options, part_of
from tests.bench.pipeline import family
from tests.bench.results import OURS, Part

NAME = "idle"
ABOUT = (
    "`akbot run` with chat, watcher and S3, left alone, at most: its memory is proportional (its"
    " own, and its share of the pages that it has with others; the goal is judged by that, as the"
    " one whose sum over all processes is what a machine has in use), beside it what is resident,"
    " as `ps` tells, and what is anonymous, which is nearly what `docker stats` tells of its"
    " container. The second row is as long a time after a backup that the daemon has made itself,"
    " which is to give back what it needed for that. A picture is drawn in a child."
)
AFTER_A_BACKUP = f"{OURS}, after a backup"

TOKEN = "1234567890:idle-token-0123456789-abcdefghijkl"
ADA = 7
OPTIMIZED = {"PYTHONOPTIMIZE": "2"}
SETTLED = 60.0
MINUTES_A_RUN = 2
EVERY = 10.0
MEMORY_GOAL, CPU_GOAL = 90.0, 0.5
TICKS = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """In MiB, of the whole family."""

    proportional: float
    resident: float
    anonymous: float


def memory(pid: int) -> Memory:
    """What it has now."""
    found: Counter[str] = Counter()
    for each in family(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()[1:]:
            name, size = line.split(":", 1)
            found[name] += int(size.split()[0])
    return Memory(*(found[name] / 1024 for name in ("Pss", "Rss", "Anonymous")))


def cpu(pid: int) -> float:
    """Seconds that it and its children, those too that ended, have worked so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15]) / TICKS


def switches(pid: int) -> int:
    """How often its threads have gone to sleep, which is about how often they were woken."""
    found = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                found += int(line.split()[1])
    return found


@dataclass
class Chat:
    """The stand-in of the Bot API, in a process of its own."""

    port: int
    control: int

    def ask(self, operation: str, **arguments: object) -> object:
        url = f"http://127.0.0.1:{self.control}/control/{operation}"
        with urllib.request.urlopen(url, json.dumps(arguments).encode(), 60) as answer:
            return json.load(answer)


@contextmanager
def chatting(folder: Path) -> Iterator[Chat]:
    ports = folder / "ports"
    command = [sys.executable, "-m", "tests.bot_api", "--token", TOKEN, "--port-file", str(ports)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    try:
        wait_until(ports.exists, "the Bot API listens")
        port, control = map(int, ports.read_text().split())
        yield Chat(port, control)
    finally:
        process.terminate()
        process.wait()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)


@contextmanager
def daemon(akbot: str, environment: Mapping[str, str], log: Path) -> Iterator[int]:
    with log.open("w") as output:
        process = subprocess.Popen(
            [akbot, "run"], env=dict(environment), stdout=output, stderr=output
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(60)


@dataclass(frozen=True)
class Idle:
    """Seconds that it was watched, MiB at most, percent of a core, wake-ups a second."""

    took: float
    memory: Memory
    share: float
    wakes: float

    def __str__(self) -> str:
        return (
            f"over {self.took:.0f} s\n"
            f"  memory  {told(self.memory)}, at most\n"
            f"  CPU     {self.share:.2f} % of a core, {self.wakes:.1f} wake-ups a second"
        )


@dataclass(frozen=True)
class Day:
    """Left alone *before* the daemon's first backup and *after* it; last, a picture is drawn."""

    before: Idle
    after: Idle
    after_a_picture: Memory

    @property
    def well(self) -> bool:
        """Whether the goals are reached."""
        cpu = max(self.before.share, self.after.share)
        return self.before.memory.proportional <= MEMORY_GOAL and cpu <= CPU_GOAL

    def __str__(self) -> str:
        return (
            f"{self.before}\nafter a backup, {self.after}\n"
            f"after /status: {told(self.after_a_picture)}"
        )

    def tell(self, found: Found) -> None:
        """Add its figures."""
        for subject, idle in ((OURS, self.before), (AFTER_A_BACKUP, self.after)):
            for name, value in idle.memory._asdict().items():
                what = "memory" if name == "proportional" else f"memory, {name}"
                found.add("idle", subject, what, "MiB", value)
            found.add("idle", subject, "CPU", "%", idle.share)
            found.add("idle", subject, "wake-ups", "/s", idle.wakes)
        picture = self.after_a_picture.proportional
        found.add("idle", AFTER_A_BACKUP, "memory after a picture", "MiB", picture)
        found.note(f"Each watched for {self.before.took:.0f} s, after a minute to settle.")


def told(memory: Memory) -> str:
    return (
        f"{memory.proportional:.1f} MiB ({memory.resident:.1f} resident,"
        f" {memory.anonymous:.1f} anonymous)"
    )


@dataclass
class Looks:
    """What was seen, from the first look on."""

    pid: int
    began: float = field(default_factory=time.monotonic)
    seen: list[Memory] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cpu, self.switches = cpu(self.pid), switches(self.pid)
        self.look()

    def look(self) -> None:
        self.seen.append(memory(self.pid))

    def until(self, end: float) -> None:
        while time.monotonic() < end:
            time.sleep(min(EVERY, max(end - time.monotonic(), 0.1)))
            self.look()

    @property
    def figures(self) -> Idle:
        """At most, and on average, since the first look."""
        took = time.monotonic() - self.began
        most = Memory(*(max(each) for each in zip(*self.seen, strict=True)))
        share = (cpu(self.pid) - self.cpu) / took * 100
        return Idle(took, most, share, (switches(self.pid) - self.switches) / took)


def installed(folder: Path) -> str:
    """The program, alone with what it needs."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip: list[str | Path] = [
        folder / "bin/pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    locked: list[str | Path] = [
        "--require-hashes",
        "--requirement",
        CHECKOUT / "deploy/requirements.lock",
    ]
    for what in (locked, ["--no-deps", CHECKOUT]):
        subprocess.run([*pip, *what], check=True, env=os.environ | OPTIMIZED)
    return str(folder / "bin/akbot")


def left_alone(pid: int, minutes: float) -> Idle:
    """What it costs for so long, once it has settled."""
    time.sleep(SETTLED)
    looks = Looks(pid)
    looks.until(time.monotonic() + minutes * 60)
    return looks.figures


def watched(minutes: float, akbot: str = "", *, directory: bool = False) -> Day:
    """Run the daemon on the stack that is up, and leave it alone, twice."""
    folder = Path(tempfile.mkdtemp(prefix="akbot-idle-"))
    try:
        akbot = akbot or installed(folder / "installed")
        with chatting(folder) as chat:
            environment = sandbox_environment() | {
                **OPTIMIZED,
                "AKBOT_STATE": str(folder / "state"),
                "AKBOT_TELEGRAM_TOKEN": TOKEN,
                "AKBOT_TELEGRAM_ADMINS": str(ADA),
                "AKBOT_TELEGRAM_API": f"http://127.0.0.1:{chat.port}",
                "AKBOT_HEALTH_LISTEN": "127.0.0.1:19180",
                "AKBOT_REGISTRY_ENDPOINT": "http://127.0.0.1:5000",
            }
            if directory:
                environment["AKBOT_STORE"] = f"file://{folder / 'store'}"
            subprocess.run([akbot, "backup"], env=environment, check=True, capture_output=True)
            chat.ask("user", person=ADA)
            with daemon(akbot, environment, folder / "log") as pid:
                chat.ask("says", person=ADA, text="/help")
                chat.ask("messages", chat=ADA, containing="/status", seconds=60)
                before = left_alone(pid, minutes)
                chat.ask("says", person=ADA, text="/backup")
                chat.ask("messages", chat=ADA, containing="Backup done", seconds=600)
                after = left_alone(pid, minutes)
                chat.ask("says", person=ADA, text="/status")
                chat.ask("messages", chat=ADA, containing="healthy", seconds=60)
                time.sleep(SETTLED / 2)
                return Day(before, after, memory(pid))
    finally:
        shutil.rmtree(folder)


def measure(options: Options) -> Part:
    """Watch it two minutes for each run, before a backup of its own and after it."""
    conditions, found = Conditions(), Found()
    environment = stack.up()
    watched(MINUTES_A_RUN * options.runs).tell(found)
    return part_of(NAME, ABOUT, conditions.seen(environment), found, options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--directory", action="store_true", help="a directory instead of S3")
    parser.add_argument("--akbot", default="", help="the program, of another environment")
    options = parser.parse_args()
    day = watched(options.minutes, options.akbot, directory=options.directory)
    print(day)
    sys.exit(not day.well)


if __name__ == "__main__":
    main()
