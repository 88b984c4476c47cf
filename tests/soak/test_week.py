"""A week of the real daemon: all that is planned happens, each once, and nothing leaks.

Engine, database, S3, journal and chat are real, the registry is a stand-in that notes what it is
asked; only the clock leaps ahead while nothing is under way (`fast_daemon`). Each day the worker is
killed and started again. The journal begins with half a year behind it, of which it forgets what
has become too old. Not part of `tests/run` for the half hour that it takes:
tests/run tests/soak/test_week.py -s shows the figures of each day.
"""

import asyncio
import json
import secrets
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.backup_id import make_backup_id
from bot.domain.incident import Incident, Trouble
from bot.domain.jobs import Job, JobKind, JobState, Outcome, Trigger
from bot.domain.journal_age import DAYS_REMEMBERED
from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.e2e.akbot import Akbot
from tests.e2e.conftest import akbot
from tests.e2e.test_backup import wait_until
from tests.e2e.test_daemon import ADA, ada, chatting, free_port, telegram
from tests.e2e.test_watcher import WORKER, health_of, told
from tests.registry_server import registry_server
from tests.sandbox.fixture import Sandbox, engine, sandbox

__all__ = ["ada", "akbot", "chatting", "engine", "sandbox", "telegram"]

pytestmark = pytest.mark.docker

CHECKOUT = Path(__file__).parents[2]
DAYS = 7
KEPT = 2  # backups, by the retention that is set here
PAST = 180  # days that the journal knows of when the week begins, each with a job and an incident
SETTLED = 2  # days, after which nothing may grow any more
MORE_MEMORY = 3.0  # MiB, for what an allocator keeps; 1.6 were seen in six days
PAGES = ("pragma_page_count", "pragma_freelist_count")
TABLES = ("jobs", "messages", "updates", "questions", "incidents", "orders", "cures")
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
def fast_daemon(
    akbot: Akbot, days: float, hold: Path, log: Path
) -> Iterator["subprocess.Popen[str]"]:
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.fast_daemon", str(days), str(hold)],
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


def rows_of(state: Path, statement: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(state / "journal.db")) as journal:
        return journal.execute(statement).fetchall()


async def remember_the_past(state: Path, now: datetime) -> None:
    """One job and one incident of each day that has gone by, at noon."""
    journal = Journal(StateFolder(state))
    for days in range(1, PAST + 1):
        noon = datetime.combine(now - timedelta(days=days), time(12), UTC)
        job = Job(
            id=make_backup_id(noon, "past"),
            kind=JobKind.COPY,
            trigger=Trigger.CLI,
            actor="past",
            started=noon,
        )
        incident = Incident(
            root="past",
            trouble=Trouble.CRASHED,
            detail="exit code 1",
            image="image:1",
            began=noon,
            opened=noon,
        )
        await journal.jobs.begin(job)
        await journal.jobs.finish(job.id, Outcome(JobState.DONE, "copied"), noon)
        await journal.incidents.write(incident, noon)
    await journal.close()


def crash_the_worker(sandbox: Sandbox, telegram: BotApi) -> None:
    """It is told, and the worker is started again and well."""
    before = len(told(telegram))
    sandbox.docker("kill", WORKER)
    wait_until(lambda: len(told(telegram)) > before, "the crash is told", 60)
    sandbox.docker("start", WORKER)
    wait_until(lambda: health_of(sandbox, WORKER) == "healthy", "it is well", 120)


def forgets_what_is_too_old(state: Path, now: datetime) -> None:
    """Of what was there before the week, all that is young enough is left, and no more."""
    oldest = now.date() - timedelta(days=DAYS_REMEMBERED - 1)
    old = "SELECT ended FROM {} WHERE {} = 'past' ORDER BY ended"
    for table, column in (("jobs", "actor"), ("incidents", "root")):
        rows = rows_of(state, old.format(table, column))
        assert datetime.fromisoformat(rows[0][0]).date() == oldest
        assert len(rows) == DAYS_REMEMBERED - DAYS - 1
    [(pages, free)] = rows_of(state, f"SELECT * FROM {', '.join(PAGES)}")
    print(f"journal: {pages} pages, {free} of them free")


def leaks_nothing(before: Footprint, seen: list[Footprint]) -> None:
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


def test_a_week_goes_by_as_planned_and_leaves_nothing_behind(
    sandbox: Sandbox, chatting: Akbot, telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    store = sandbox.environment["AKBOT_STORE"]
    own = store.replace("/backups?", f"/week-{secrets.token_hex(8)}?")
    assert own != store
    ada.says("/start")
    hold, log = tmp_path / "hold", tmp_path / "daemon.log"
    seen: list[Footprint] = []
    checked: list[str] = []
    print("\n" + ", ".join(each.name for each in fields(Footprint)))
    with registry_server() as registry:
        for tag in ("2025.2.1", "2025.2.4"):
            registry.add(tag)
        s3 = chatting.with_settings(
            AKBOT_STORE=own,
            AKBOT_HEALTH_LISTEN=f"127.0.0.1:{free_port()}",
            AKBOT_REGISTRY_ENDPOINT=registry.url,
            AKBOT_RELEASE_FEED="off",
            AKBOT_RETENTION_LAST=str(KEPT),
            AKBOT_RETENTION_DAILY="1",
            AKBOT_RETENTION_WEEKLY="0",
            AKBOT_RETENTION_MONTHLY="0",
            AKBOT_TIMEZONE="UTC",
            AKBOT_WATCH_EVERY="300",  # a look each minute would be what takes the time: 10,000
        )
        began = datetime.now(UTC)
        asyncio.run(remember_the_past(s3.state, began))
        with fast_daemon(s3, DAYS, hold, log) as process:
            before = footprint(process.pid, s3.state, sandbox)
            for day in days_of(process):
                hold.touch()
                seen.append(footprint(process.pid, s3.state, sandbox))
                checked += [at for (at,) in rows_of(s3.state, "SELECT answered FROM update_checks")]
                print(f"day {day}: {astuple(seen[-1])}", flush=True)
                if day < DAYS:
                    crash_the_worker(sandbox, telegram)
                hold.unlink()
            assert process.wait(120) == 0, log.read_text()[-3000:]
    print({name: len(rows_of(s3.state, f"SELECT 1 FROM {name}")) for name in TABLES})
    print(Counter(text.splitlines()[0][:60] for text in telegram.chat(ADA).texts))
    print(Counter(registry.paths()), checked)

    jobs = rows_of(s3.state, "SELECT kind, state, slot FROM jobs WHERE actor <> 'past'")
    done = Counter(kind for kind, state, _ in jobs if state == "done")
    assert (len(jobs), done) == (2 * DAYS + 1, {"backup": DAYS, "prune": DAYS, "drill": 1})
    assert len({slot for kind, _, slot in jobs if kind == "backup"}) == DAYS
    assert len(json.loads(s3.ok("backups", "--json"))) == KEPT
    assert [at[11:14] for at in checked] == ["09:"] * DAYS  # a leap is a minute
    assert len({at[:10] for at in checked}) == DAYS

    texts = telegram.chat(ADA).texts
    assert sum(text.startswith("📋 The last 7 days") for text in texts) == 1
    assert sum(text.startswith(("✅ All is well", "⚠️ The last day")) for text in texts) == DAYS - 1
    assert sum("2025.2.4" in text.splitlines()[0] for text in texts) == 1
    assert len(seen) == DAYS
    wrong = [line for line in log.read_text().splitlines() if " ERROR " in line]
    assert not wrong

    crash = "SELECT root, trouble FROM incidents WHERE root <> 'past' AND ended >= began"
    assert rows_of(s3.state, crash) == [("worker", "crashed")] * (DAYS - 1)
    assert [line.startswith("🔴 worker has crashed") for line in told(telegram)] == [
        True,
        False,
    ] * (DAYS - 1)

    forgets_what_is_too_old(s3.state, began + timedelta(days=DAYS))

    leaks_nothing(before, seen)
