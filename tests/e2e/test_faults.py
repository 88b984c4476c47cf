"""Every fault in the middle of a backup: a clear message, exit 1, and nothing left of it."""

import json
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli_codes import INTERRUPTED
from tests.contracts.s3_proxy import (
    Answer,
    DroppedError,
    Fault,
    Proxy,
    dropped,
    error,
    late,
    proxy_before,
    stalled,
    without_effect,
)
from tests.e2e.aftermath import in_bucket, in_folder, sessions, untouched
from tests.e2e.akbot import PATIENCE, Akbot, Ended
from tests.e2e.socket_proxy import SocketProxy, socket_proxy
from tests.e2e.test_backup import dump_runs, wait_until
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = pytest.mark.docker

MANY = 1_000_000
IMPATIENT = {"AKBOT_STORE_TIMEOUT": "2", "AKBOT_STORE_OUTAGE": "3"}


@pytest.fixture
def proxy(filled: Sandbox) -> Iterator[Proxy]:
    with proxy_before(filled.s3) as proxy:
        yield proxy


@pytest.fixture
def prefix() -> str:
    """Where in the bucket, for this test of this run alone."""
    return f"faults-{secrets.token_hex(8)}"


@pytest.fixture
def to_s3(akbot: Akbot, proxy: Proxy, prefix: str) -> Akbot:
    """A backup to S3, by way of the proxy."""
    store = f"s3://akbot/{prefix}?endpoint={proxy.endpoint}&region=us-east-1"
    return akbot.with_settings(AKBOT_STORE=store, **IMPATIENT)


@pytest.fixture
def to_folder(akbot: Akbot, tmp_path: Path) -> Akbot:
    return akbot.with_settings(AKBOT_STORE=f"file://{tmp_path / 'store'}")


def failed(ended: Ended, words: str) -> None:
    """It says so in one line, beside that of a key that was made, and exits 1."""
    assert ended.code == 1, ended.err
    lines = [line for line in ended.err.splitlines() if line.startswith("akbot: ")]
    [line] = [line for line in lines if not line.startswith("akbot: made the private key ")]
    assert words in line
    assert "Traceback" not in ended.err


def outcome(akbot: Akbot) -> dict[str, object]:
    """How the newest job ended."""
    newest: dict[str, object] = json.loads(akbot.ok("jobs", "--json"))[0]
    return newest


@dataclass(frozen=True)
class Failing:
    operation: str
    fault: Fault
    words: str


@pytest.mark.parametrize(
    "store",
    [
        pytest.param(
            Failing("part", error(500, "InternalError"), "the service fails"),
            marks=THOROUGH,
            id="500",
        ),
        pytest.param(Failing("part", error(503, "SlowDown"), "asks to slow down"), id="SlowDown"),
        pytest.param(
            Failing("part", error(403, "AccessDenied"), "access denied"), marks=THOROUGH, id="403"
        ),
        pytest.param(
            Failing("part", late(4), "no answer in time"), marks=THOROUGH, id="no answer in time"
        ),
        pytest.param(
            Failing("part", dropped, "the connection broke"),
            marks=THOROUGH,
            id="connection dropped",
        ),
        pytest.param(Failing("get", stalled(4), "no answer in time"), id="stalls"),
        pytest.param(
            Failing(
                "complete",
                without_effect({}, b"<Error><Code>InternalError</Code></Error>"),
                "the service fails",
            ),
            id="an error inside a 200",
        ),
    ],
)
def test_a_store_that_fails(
    filled: Sandbox, proxy: Proxy, to_s3: Akbot, prefix: str, store: Failing
) -> None:
    proxy.fail(store.operation, store.fault, times=MANY, skip=1 if store.operation == "part" else 0)

    with untouched(filled):
        failed(to_s3("backup"), store.words)

    assert in_bucket(filled, prefix) == []
    assert (outcome(to_s3)["state"], outcome(to_s3)["swept"]) == ("failed", True)


def test_a_store_that_drops_the_connection_in_the_middle_of_a_part(
    filled: Sandbox, proxy: Proxy, to_s3: Akbot, prefix: str
) -> None:
    proxy.cut_bodies_at = 3_000_000

    with untouched(filled):
        failed(to_s3("backup"), "the connection broke")

    assert in_bucket(filled, prefix) == []


def test_a_bucket_that_is_not_there(filled: Sandbox, proxy: Proxy, akbot: Akbot) -> None:
    store = f"s3://nowhere/{akbot.folder.name}?endpoint={proxy.endpoint}&region=us-east-1"
    to_nowhere = akbot.with_settings(AKBOT_STORE=store, **IMPATIENT)

    with untouched(filled):
        failed(to_nowhere("backup"), "no such bucket")

    assert (outcome(to_nowhere)["state"], outcome(to_nowhere)["swept"]) == ("failed", True)


def test_a_few_faults_are_survived_and_the_backup_is_good(
    filled: Sandbox, proxy: Proxy, to_s3: Akbot
) -> None:
    patient = to_s3.with_settings(AKBOT_STORE_OUTAGE="60")
    for operation in ("begin", "part", "complete", "get", "list", "head"):
        proxy.fail(operation, error(500, "InternalError"), times=6)
    proxy.fail("part", dropped, times=3, skip=2)
    proxy.fail("get", stalled(0), times=2, skip=1)

    with untouched(filled):
        manifest = patient.backup()

    assert all(rule.times == 0 for rule in proxy.rules), "every fault came to pass"
    assert "read by pg_restore" in patient.ok("verify", manifest["id"], "--deep")


def test_what_an_outage_forbids_to_undo_is_in_the_journal_and_swept_by_the_next_run(
    filled: Sandbox, proxy: Proxy, to_s3: Akbot, prefix: str
) -> None:
    def go_down(_: object, forward: Callable[[], object]) -> object:
        answer = forward()
        proxy.is_down = True
        return answer

    proxy.fail("part", go_down, skip=2)  # type: ignore[arg-type]
    with untouched(filled):
        ended = to_s3("backup")
    failed(ended, "the connection broke")
    assert "is cleaned up as soon as store and Docker answer" in ended.err
    assert in_bucket(filled, prefix), "the test would show nothing"
    assert outcome(to_s3)["swept"] is False

    proxy.is_down = False
    good = to_s3.backup()["id"]

    left = in_bucket(filled, prefix)
    assert left
    assert all(f"/{good}/" in key for key in left), left
    jobs = json.loads(to_s3.ok("jobs", "--json"))
    assert [(job["state"], job["swept"]) for job in jobs] == [("done", True), ("failed", True)]


def test_a_stop_does_not_wait_for_a_store_that_stalls(
    filled: Sandbox, proxy: Proxy, to_s3: Akbot, prefix: str
) -> None:
    """The container has two minutes, a store may take five for one answer."""
    back, stalls = threading.Event(), threading.Event()

    def stall(_: object, __: object) -> Answer:
        stalls.set()
        back.wait(PATIENCE)
        raise DroppedError

    patient = to_s3.with_settings(AKBOT_STORE_TIMEOUT="300", AKBOT_STORE_OUTAGE="600")
    process = patient.start("backup")
    wait_until(lambda: bool(proxy.seen("part")), "parts are on their way")
    for operation in ("part", "abort", "parts", "uploads", "list", "head", "delete"):
        proxy.fail(operation, stall, times=MANY)
    assert stalls.wait(30), "the store stalls"

    process.terminate()
    _, err = process.communicate(timeout=30)

    assert process.returncode == INTERRUPTED
    assert "Traceback" not in err
    [job] = json.loads(to_s3.ok("jobs", "--json"))
    assert (job["state"], job["swept"]) == ("interrupted", False)
    back.set()
    proxy.rules.clear()
    good = to_s3.backup()["id"]
    assert all(f"/{good}/" in key for key in in_bucket(filled, prefix))


@contextmanager
def stopped(sandbox: Sandbox, service: str) -> Iterator[None]:
    """A service of the stack that does not run, for a while."""
    sandbox.compose("stop", "--timeout", "2", service)
    try:
        yield
    finally:
        sandbox.compose("up", "--detach", "--wait", "postgresql", "redis", "authentik", "worker")


def test_redis_that_is_stopped(filled: Sandbox, to_folder: Akbot, tmp_path: Path) -> None:
    with stopped(filled, "redis"):
        failed(to_folder("backup"), 'service "redis" does not run')
        assert not in_folder(tmp_path / "store")
    assert not sessions(filled)


def test_redis_that_stops_in_the_middle_of_its_snapshot(
    filled: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    filled.redis("config", "set", "rdb-key-save-delay", "200000")  # 0.2 s for each key
    process = to_folder.start("backup", "--component", "redis")
    wait_until(
        lambda: "rdb_bgsave_in_progress:1" in filled.redis("info", "persistence"),
        "Redis writes its snapshot",
    )
    with stopped(filled, "redis"):
        out, err = process.communicate(timeout=60)
        failed(Ended(process.returncode, out, err), "Redis")
        assert not in_folder(tmp_path / "store")
    assert outcome(to_folder)["state"] == "failed"


def test_a_database_that_is_stopped(filled: Sandbox, to_folder: Akbot, tmp_path: Path) -> None:
    with stopped(filled, "postgresql"):
        failed(to_folder("backup"), 'service "postgresql" does not run')
        assert not in_folder(tmp_path / "store")


@pytest.mark.usefixtures("large_table")
def test_a_database_that_stops_in_the_middle(
    filled: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    process = to_folder.start("backup")
    wait_until(lambda: dump_runs(filled), "pg_dump copies rows")
    with stopped(filled, "postgresql"):
        out, err = process.communicate(timeout=60)
        failed(Ended(process.returncode, out, err), "pg_dump")
        assert not in_folder(tmp_path / "store")
    assert not sessions(filled)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "akbot-test", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.usefixtures("large_table")
def test_a_store_whose_disk_is_full(filled: Sandbox, akbot: Akbot, small_disk: Path) -> None:
    store = small_disk / "store"

    with untouched(filled):
        failed(akbot.with_settings(AKBOT_STORE=f"file://{store}")("backup"), "no space left")

    assert not in_folder(store)


def fill_up(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass
    with (disk / "crumbs").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            pass


def test_a_state_folder_whose_disk_is_full_begins_nothing(
    filled: Sandbox, to_folder: Akbot, small_disk: Path, tmp_path: Path
) -> None:
    state = small_disk / "state"
    with_state = to_folder.with_settings(AKBOT_STATE=str(state))
    with_state.backup()
    before = len(in_folder(tmp_path / "store"))
    fill_up(small_disk)

    with untouched(filled):
        failed(with_state("backup"), "no space left")

    assert len(in_folder(tmp_path / "store")) == before


def test_a_state_folder_whose_disk_fills_up_meanwhile(
    filled: Sandbox, proxy: Proxy, to_s3: Akbot, small_disk: Path, prefix: str
) -> None:
    with_state = to_s3.with_settings(AKBOT_STATE=str(small_disk / "state"))

    def fill(_: object, forward: Callable[[], object]) -> object:
        fill_up(small_disk)
        return forward()

    proxy.fail("put", fill)  # type: ignore[arg-type]
    with untouched(filled):
        failed(with_state("backup"), "no space left")

    assert in_bucket(filled, prefix) == []
    for name in ("filler", "crumbs"):
        (small_disk / name).unlink()
    assert (outcome(with_state)["state"], outcome(with_state)["swept"]) == ("failed", True)


@pytest.fixture
def docker_socket(tmp_path: Path) -> Iterator[SocketProxy]:
    with socket_proxy(tmp_path) as proxy:
        yield proxy


@pytest.mark.usefixtures("large_table")
def test_a_docker_socket_that_goes_away_in_the_middle(
    filled: Sandbox, to_folder: Akbot, docker_socket: SocketProxy, tmp_path: Path
) -> None:
    behind = to_folder.with_settings(DOCKER_HOST=docker_socket.url)
    process = behind.start("backup")
    wait_until(lambda: dump_runs(filled), "pg_dump copies rows")

    with untouched(filled):
        docker_socket.vanish()
        out, err = process.communicate(timeout=60)

    failed(Ended(process.returncode, out, err), "container")
    assert "the Docker Engine does not answer" in err
    assert not in_folder(tmp_path / "store")
    docker_socket.appear()
    good = behind.backup()["id"]
    assert {path.parent.name for path in in_folder(tmp_path / "store")} == {good}
    assert all(job["swept"] for job in json.loads(behind.ok("jobs", "--json")))


def test_a_docker_socket_that_is_not_there(akbot: Akbot, tmp_path: Path) -> None:
    gone = akbot.with_settings(DOCKER_HOST=f"unix://{tmp_path}/docker.sock")

    failed(gone("backup"), "the Docker Engine does not answer")
