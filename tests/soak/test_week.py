"""A week of the real daemon: all that is planned happens, each once, and nothing leaks.

Engine, database, S3, registry, journal and chat are real; only the clock leaps ahead while nothing
is under way (`fast_daemon`). Not part of `tests/run` for the half hour that it takes:
tests/run tests/soak/test_week.py -s shows the figures of each day.
"""

import json
import secrets
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pytest

from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.e2e.akbot import Akbot
from tests.e2e.conftest import akbot
from tests.e2e.test_daemon import ADA, ada, chatting, free_port, telegram
from tests.sandbox.fixture import Sandbox, engine, sandbox

__all__ = ["ada", "akbot", "chatting", "engine", "sandbox", "telegram"]

pytestmark = pytest.mark.docker

CHECKOUT = Path(__file__).parents[2]
DAYS = 7
KEPT = 2  # backups, by the retention that is set here
SETTLED = 2  # days, after which nothing may grow any more
MORE_MEMORY = 3.0  # MiB, for what an allocator keeps; 1.6 were seen in six days
POOLED = 8  # connections and threads that pools may hold at one moment and not at another


@dataclass(frozen=True)
class Footprint:
    """What the daemon takes, and what it has left on the Engine."""

    memory: float  # MiB, resident
    descriptors: int
    threads: int
    journal: int  # kB
    containers: int
    volumes: int
    networks: int


def footprint(pid: int, state: Path, sandbox: Sandbox) -> Footprint:
    sizes = Path(f"/proc/{pid}/smaps_rollup").read_text().split("Rss:")[1].split()[0]
    return Footprint(
        memory=round(int(sizes) / 1024, 1),
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        threads=len(list(Path(f"/proc/{pid}/task").iterdir())),
        journal=sum(each.stat().st_size for each in state.glob("journal.db*")) // 1000,
        containers=len(sandbox.docker("ps", "--all", "--quiet").split()),
        volumes=len(sandbox.docker("volume", "ls", "--quiet").split()),
        networks=len(sandbox.docker("network", "ls", "--quiet").split()),
    )


@contextmanager
def fast_daemon(akbot: Akbot, days: float, log: Path) -> Iterator["subprocess.Popen[str]"]:
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.fast_daemon", str(days)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=akbot.folder,
            env={**akbot.environment, "PYTHONPATH": str(CHECKOUT)},
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


def days_of(process: "subprocess.Popen[str]") -> Iterator[int]:
    """The number of each day, once it is over by the daemon's own clock; it ends after the last."""
    assert process.stdout
    assert process.stdin
    for hour, line in enumerate(process.stdout, start=1):
        assert json.loads(line)["at"]
        if hour % 24 == 0:
            yield hour // 24
        if hour == 24 * DAYS:
            process.stdin.close()


def jobs_in(state: Path) -> list[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(state / "journal.db")) as journal:
        return journal.execute("SELECT kind, state, slot FROM jobs ORDER BY number").fetchall()


def test_a_week_goes_by_as_planned_and_leaves_nothing_behind(
    sandbox: Sandbox, chatting: Akbot, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    store = sandbox.environment["AKBOT_STORE"]
    own = store.replace("/backups?", f"/week-{secrets.token_hex(8)}?")
    assert own != store
    s3 = chatting.with_settings(
        AKBOT_STORE=own,
        AKBOT_HEALTH_LISTEN=f"127.0.0.1:{free_port()}",
        AKBOT_REGISTRY_ENDPOINT=sandbox.environment["SANDBOX_REGISTRY_INSIDE"],
        AKBOT_RELEASE_FEED="off",
        AKBOT_RETENTION_LAST=str(KEPT),
        AKBOT_RETENTION_DAILY="1",
        AKBOT_RETENTION_WEEKLY="0",
        AKBOT_RETENTION_MONTHLY="0",
        AKBOT_TIMEZONE="UTC",
        AKBOT_WATCH_EVERY="300",  # a look each minute would be what takes the time: 10,000
    )
    ada.says("/start")
    log = tmp_path / "daemon.log"
    seen: list[Footprint] = []
    print("\n" + ", ".join(each.name for each in fields(Footprint)))
    with fast_daemon(s3, DAYS, log) as process:
        before = footprint(process.pid, s3.state, sandbox)
        for day in days_of(process):
            seen.append(footprint(process.pid, s3.state, sandbox))
            print(f"day {day}: {astuple(seen[-1])}", flush=True)
        assert process.wait(120) == 0, log.read_text()[-3000:]

    jobs = jobs_in(s3.state)
    done = Counter(kind for kind, state, _ in jobs if state == "done")
    assert (len(jobs), done) == (2 * DAYS + 1, {"backup": DAYS, "prune": DAYS, "drill": 1})
    assert len({slot for kind, _, slot in jobs if kind == "backup"}) == DAYS
    assert len(json.loads(s3.ok("backups", "--json"))) == KEPT

    texts = telegram.chat(ADA).texts
    assert sum(text.startswith("📋 The last 7 days") for text in texts) == 1
    assert sum(text.startswith(("✅ All is well", "⚠️ The last day")) for text in texts) == DAYS - 1
    assert len(seen) == DAYS
    wrong = [line for line in log.read_text().splitlines() if " ERROR " in line]
    assert not wrong

    settled, last = seen[SETTLED - 1], seen[-1]
    assert last.memory <= settled.memory + MORE_MEMORY
    assert last.descriptors <= settled.descriptors + POOLED
    assert last.threads <= settled.threads + POOLED
    assert (last.containers, last.volumes, last.networks) == (
        before.containers,
        before.volumes,
        before.networks,
    )
    assert last.journal < 1000
