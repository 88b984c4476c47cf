"""What the daemon answers over HTTP, on the real server, and what Docker makes of it."""

import asyncio
import json
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.adapters.health_address import HEALTH_ADDRESS, address_told
from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.alarms import Limit
from bot.domain.backup_id import make_backup_id
from bot.domain.daemon_report import DOCKER, DaemonReport
from bot.domain.errors import ConfigError, PortError
from bot.domain.findings import DiskUsage
from bot.domain.jobs import Job, JobKind, JobState, Trigger
from bot.domain.surroundings import DiskRoom, Surroundings
from bot.entrypoints.health import Answer, health_server
from bot.entrypoints.pages import health_page, metrics_page, ready_page
from bot.services.metrics import MetricsService, Sources
from bot.services.readiness import Readiness, System
from tests.contracts.small_disks import disk_of, fill
from tests.fakes_stack import NOW, FakeClock
from tests.services.test_own_health import for_ever

ROOT = Path(__file__).parents[1]
WITHIN = 0.2  # real seconds
FAILED = Job(
    id=make_backup_id(NOW, "k3f9"),
    kind=JobKind.BACKUP,
    trigger=Trigger.SCHEDULE,
    actor="schedule",
    started=NOW,
    state=JobState.FAILED,
    ended=NOW,
)


@dataclass
class World:
    """What the pages are made of."""

    report: DaemonReport = field(default_factory=DaemonReport)
    systems: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    jobs: Callable[[int], Awaitable[Sequence[Job]]] | None = None
    usage: Callable[[str], Awaitable[DiskUsage | None]] | None = None
    surroundings: Surroundings | None = None
    good: dict[JobKind, datetime | None] = field(default_factory=dict)
    looked: datetime | None = None
    limit: Limit | None = None

    async def own(self) -> DaemonReport:
        return self.report

    async def no_jobs(self, _: int) -> Sequence[Job]:
        return []

    async def no_incidents(self) -> Sequence[object]:
        return []

    async def large(self, _: str) -> DiskUsage | None:
        return DiskUsage(1, 10, 100)

    def metrics(self, systems: Readiness) -> MetricsService:
        disk: Any = type("Disk", (), {"usage": staticmethod(self.usage or self.large)})
        sources = Sources(
            report=self.own,
            systems=systems.look,
            jobs=self.jobs or self.no_jobs,
            incidents=self.no_incidents,
            disk=disk,
            disks={"state": "/state"},
            stack=lambda: None,
            containers=dict,
            catalogue=lambda: None,
            good=lambda: self.good,
            looked=lambda: self.looked,
            beats=dict,
            surroundings=lambda: self.surroundings,
        )
        return MetricsService(
            sources=sources,
            clock=FakeClock(),
            version="1.2.3",
            since=NOW,
            plans=(),
            limits={JobKind.BACKUP: self.limit},
            switches=(),
            within=WITHIN,
        )


@asynccontextmanager
async def served(world: World) -> AsyncIterator[httpx.AsyncClient]:
    asked = {name: System(ask) for name, ask in world.systems.items()}
    systems = Readiness(asked, FakeClock(), within=WITHIN)
    metrics = world.metrics(systems)
    pages = {
        "/healthz": health_page(world.own, systems.look),
        "/readyz": ready_page(world.own, systems.look),
        "/metrics": metrics_page(metrics.families),
    }
    async with (
        health_server("127.0.0.1:0", pages) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as client,
    ):
        yield client
    await metrics.close()
    await systems.close()


def figures(text: str) -> Mapping[str, float]:
    """Read as Prometheus' own library does, without labels."""
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def fine() -> None:
    """It answers."""


async def away() -> None:
    raise PortError("it is away")


@pytest.mark.parametrize(
    ("report", "status", "word"),
    [
        (DaemonReport(), 200, "ok"),
        (DaemonReport(troubles=("the backup could not begin",)), 200, "degraded"),
        (DaemonReport(failing=("the schedule hangs",)), 503, "failed"),
    ],
)
async def test_healthz_is_503_only_where_the_bot_itself_does_not_work(
    report: DaemonReport, status: int, word: str
) -> None:
    async with served(World(report)) as client:
        answer = await client.get("/healthz")

    assert (answer.status_code, answer.json()["status"]) == (status, word)
    assert answer.json()["failing"] == list(report.failing)


async def test_what_fails_outside_is_told_at_healthz_and_no_reason_to_restart() -> None:
    report = DaemonReport(troubles=("the backup could not begin",))
    world = World(report, {DOCKER: away, "nas": for_ever, "offsite": fine})
    async with served(world) as client:
        answer = await client.get("/healthz")

    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["troubles"] == [
        "the backup could not begin",
        "the Docker Engine: it is away",
        "nas: no answer within 0.2 seconds",
    ]


@pytest.mark.parametrize(
    ("systems", "status", "lacking"),
    [
        ({DOCKER: fine, "nas": fine}, 200, []),
        ({DOCKER: away, "nas": fine}, 503, ["the Docker Engine: it is away"]),
        ({DOCKER: fine, "nas": for_ever}, 503, ["nas: no answer within 0.2 seconds"]),
    ],
)
async def test_readyz_says_what_a_job_would_lack(
    systems: dict[str, Callable[[], Awaitable[None]]], status: int, lacking: list[str]
) -> None:
    async with served(World(systems=systems)) as client:
        answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()["lacking"]) == (status, lacking)


async def test_metrics_are_read_by_prometheus_own_parser() -> None:
    seen = Surroundings(at=NOW, disks=(DiskRoom('/srv/"odd" one', 70, 20),))
    async with served(World(systems={DOCKER: fine}, surroundings=seen)) as client:
        answer = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = figures(answer.text)
    assert found["akbot_healthy"] == 1
    assert found["akbot_docker_up"] == 1
    assert found["akbot_disk_free_bytes"] == 10
    assert found["akbot_stack_disk_used_bytes"] == 70
    assert found["process_resident_memory_bytes"] > 1e6
    assert "python_gc_objects_collected_total" not in found


async def test_a_scrape_waits_for_nothing_that_hangs_and_says_so() -> None:
    world = World(
        systems={DOCKER: for_ever, "nas": for_ever, "offsite": fine},
        jobs=for_ever,
        usage=for_ever,
    )
    async with served(world) as client:
        began = time.monotonic()
        answers = await asyncio.gather(*(client.get("/metrics") for _ in range(5)))
        took = time.monotonic() - began

    assert {each.status_code for each in answers} == {200}
    assert took < 60
    text = answers[0].text
    assert 'akbot_collector_up{collector="journal"} 0.0' in text
    assert 'akbot_collector_up{collector="disks"} 0.0' in text
    assert 'akbot_store_up{store="nas"} 0.0' in text
    assert 'akbot_store_up{store="offsite"} 1.0' in text
    assert "akbot_docker_up 0.0" in text
    assert "akbot_disk_free_bytes{" not in text


async def test_a_job_is_counted_once_over_many_scrapes() -> None:
    jobs: list[Job] = []

    async def read(_: int) -> Sequence[Job]:
        return jobs

    async with served(World(jobs=read)) as client:
        before = (await client.get("/metrics")).text
        jobs.append(FAILED)
        texts = [(await client.get("/metrics")).text for _ in range(3)]

    name = 'akbot_job_total{kind="backup",outcome="failed"}'
    assert f"{name} 0.0" in before
    assert all(f"{name} 1.0" in text for text in texts)


@pytest.mark.parametrize(
    ("looked", "good"),
    [
        (None, {}),
        (NOW, {JobKind.BACKUP: NOW - timedelta(days=1)}),
        (NOW, {JobKind.BACKUP: None}),
    ],
    ids=["nobody has looked yet", "during a pause", "the first one during a pause"],
)
async def test_a_backup_that_ended_after_the_last_look_into_the_stores_counts(
    looked: datetime | None, good: dict[JobKind, datetime | None]
) -> None:
    began = NOW + timedelta(minutes=1)
    done = replace(FAILED, state=JobState.DONE, started=began, ended=began)

    assert await last_success([done], good, looked) == began.timestamp()


async def test_one_that_the_stores_have_lost_since_does_not() -> None:
    done = replace(FAILED, state=JobState.DONE)
    looked, older = NOW + timedelta(minutes=1), NOW - timedelta(days=1)

    good: dict[JobKind, datetime | None] = {JobKind.BACKUP: older}
    assert await last_success([done], good, looked) == older.timestamp()


async def test_one_of_times_to_come_does_not() -> None:
    ahead, good = NOW + timedelta(days=400), NOW - timedelta(hours=2)
    done = replace(FAILED, state=JobState.DONE, started=ahead, ended=ahead)

    known: dict[JobKind, datetime | None] = {JobKind.BACKUP: good}
    assert await last_success([done], known, NOW) == good.timestamp()


@pytest.mark.parametrize(("plus_work", "hours"), [(True, 29), (False, 26)])
async def test_what_is_too_old_for_prometheus_is_too_old_for_the_alarm(
    hours: int, *, plus_work: bool
) -> None:
    done = replace(FAILED, state=JobState.DONE, ended=NOW + timedelta(hours=3))
    answers: list[list[Job] | PortError] = [[done], PortError("the disk is away"), []]

    async def read(_: int) -> Sequence[Job]:
        answer = answers.pop(0)
        if isinstance(answer, PortError):
            raise answer
        return answer

    world = World(jobs=read, limit=Limit(timedelta(hours=26), plus_work=plus_work))
    async with served(world) as client:
        texts = [(await client.get("/metrics")).text for _ in range(3)]

    limits = [figures(text)["akbot_backup_alarm_after_seconds"] for text in texts]
    assert limits == [hours * 3600] * 3, "what was read once is known"


@pytest.mark.parametrize(("begun", "hours"), [(25, 52), (26, 26)])
async def test_the_first_backup_is_not_too_old_for_prometheus_while_it_is_made(
    begun: int, hours: int
) -> None:
    runs = replace(FAILED, state=JobState.RUNNING, started=NOW + timedelta(hours=begun), ended=None)

    async def read(_: int) -> Sequence[Job]:
        return [runs]

    async with served(World(jobs=read, limit=Limit(timedelta(hours=26), plus_work=True))) as client:
        text = (await client.get("/metrics")).text

    assert figures(text)["akbot_backup_alarm_after_seconds"] == hours * 3600


async def last_success(
    jobs: Sequence[Job], good: dict[JobKind, datetime | None], looked: datetime | None
) -> float:
    async def read(_: int) -> Sequence[Job]:
        return jobs

    async with served(World(jobs=read, good=good, looked=looked)) as client:
        text = (await client.get("/metrics")).text
    return figures(text)["akbot_backup_last_success_timestamp_seconds"]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /healthz?x=1 HTTP/1.1", 200),
        ("GET / HTTP/1.1", 404),
        ("GET /metrics/../etc/passwd HTTP/1.1", 404),
        ("POST /metrics HTTP/1.1", 405),
        ("nonsense", 405),
    ],
)
async def test_there_are_three_pages_and_nothing_else(request_line: str, status: int) -> None:
    async with served(World()) as client:
        port = client.base_url.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{request_line}\r\nHost: x\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_page_that_fails_is_told_in_the_log_and_not_to_the_world(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken() -> Answer:
        raise ValueError("the details")

    async with (
        health_server("127.0.0.1:0", {"/healthz": broken}) as port,
        httpx.AsyncClient() as client,
    ):
        answer = await client.get(f"http://127.0.0.1:{port}/healthz")

    assert (answer.status_code, answer.text) == (500, "failed; the log says why\n")
    assert "the page /healthz failed" in caplog.text


async def test_an_address_of_another_machine_is_a_setting_to_correct() -> None:
    with pytest.raises(ConfigError, match=r"AKBOT_HEALTH_LISTEN: listen on 192\.0\.2\.1:1"):
        async with health_server("192.0.2.1:1", {}):
            pass


# ---- Docker's health check: the very command of the Dockerfile


def health_check() -> list[str]:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", "")
    [command] = re.findall(r"^HEALTHCHECK .*? CMD (\[.*\])$", dockerfile, re.MULTILINE)
    program: list[str] = json.loads(command)
    assert shlex.join(program).startswith("python -I -c ")
    return [sys.executable, *program[1:]]


def checked(told: Path, **environment: str) -> bool:
    """What it makes of a container in which *told* lies where the daemon says its address."""
    *python, program = health_check()
    assert str(HEALTH_ADDRESS) in program
    command = [*python, program.replace(str(HEALTH_ADDRESS), str(told))]
    return not subprocess.run(
        command, env=environment, check=False, capture_output=True, timeout=600
    ).returncode


@pytest.mark.parametrize(
    ("report", "healthy"),
    [
        (DaemonReport(), True),
        (DaemonReport(troubles=("no",)), True),
        (DaemonReport(failing=("no",)), False),
    ],
)
async def test_docker_is_told_the_same(
    report: DaemonReport, tmp_path: Path, *, healthy: bool
) -> None:
    told = tmp_path / "told"
    async with served(World(report)) as client:
        port = client.base_url.port
        assert port
        async with address_told("127.0.0.1:0", port, told):
            assert await asyncio.to_thread(checked, told) is healthy
            assert told.read_text() == f"127.0.0.1:{port}"

    assert not told.exists()


async def test_docker_asks_where_the_daemon_is_and_not_where_its_container_says(
    tmp_path: Path,
) -> None:
    """As an address in `akbot.env` is, of which the container's environment knows nothing."""
    told = tmp_path / "told"
    async with served(World()) as client:
        port = client.base_url.port
        assert port
        async with address_told("localhost:1", port, told):
            elsewhere = {"AKBOT_HEALTH_LISTEN": "127.0.0.1:9"}
            assert await asyncio.to_thread(checked, told, **elsewhere)
        assert await asyncio.to_thread(checked, told, AKBOT_HEALTH_LISTEN=f"127.0.0.1:{port}")


async def test_a_daemon_that_cannot_tell_its_address_works_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with address_told("127.0.0.1:1", 1, tmp_path / "nowhere/told"):
        pass

    assert "tell Docker's health check of 127.0.0.1:1: [Errno 2]" in caplog.text


def test_docker_asks_the_usual_port_where_nobody_says_another() -> None:
    assert "or '127.0.0.1:9180'" in health_check()[-1]


def test_docker_notices_an_event_loop_that_is_stuck(tmp_path: Path) -> None:
    """In a loop of its own, which a call blocks as no call in a coroutine may."""
    ports: list[int] = []
    up, over = threading.Event(), threading.Event()

    async def stuck() -> None:
        async with served(World()) as client:
            assert client.base_url.port
            ports.append(client.base_url.port)
            up.set()
            over.wait(60)

    loop = threading.Thread(target=lambda: asyncio.run(stuck()))
    loop.start()
    up.wait(10)

    healthy = checked(tmp_path / "told", AKBOT_HEALTH_LISTEN=f"127.0.0.1:{ports[0]}")
    over.set()
    loop.join()

    assert not healthy


# ---- A journal that cannot be written: the probe whose failure makes /healthz a 503


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    with disk_of(8, tmp_path / "disk") as disk:
        journal = Journal(StateFolder(disk))
        await journal.jobs.jobs()
        yield journal
        await journal.close()


async def test_the_probe_of_a_sound_journal_changes_nothing(journal: Journal) -> None:
    before = await journal.jobs.jobs()
    await journal.probe()
    await journal.probe()

    assert await journal.jobs.jobs() == before


async def test_the_probe_notices_a_full_disk(journal: Journal, tmp_path: Path) -> None:
    filler = await asyncio.to_thread(fill, tmp_path / "disk")
    with pytest.raises(PortError, match="write the journal: no space left"):
        await journal.probe()

    filler.unlink()
    await journal.probe()


async def test_the_probe_notices_a_journal_that_was_removed(
    journal: Journal, tmp_path: Path
) -> None:
    (tmp_path / "disk/journal.db").unlink()

    with pytest.raises(PortError, match="was removed or replaced"):
        await journal.probe()
