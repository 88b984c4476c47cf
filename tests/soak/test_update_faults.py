"""Whatever fails around an update: nothing was touched, or the old version serves again.

tests/services/test_update_faults.py lists every fault and its tests, of which these are the ones on
the real Engine. No room for the images is in tests/contracts/test_room.py (the Engine's own folder
is not moved for it), two groups of one name in test_update_check.py. Not part of `tests/run` for
the ten minutes that it takes: tests/run tests/soak/test_update_faults.py
"""

import http.client
import json
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TextIO

import pytest

from tests.contracts.s3_proxy import proxy_before
from tests.contracts.small_disks import disk_of
from tests.e2e.aftermath import sessions, throw_aways, untouched
from tests.e2e.akbot import PATIENCE, Akbot, Ended
from tests.e2e.disturbed import wait_for_database
from tests.e2e.socket_proxy import SocketProxy, socket_proxy
from tests.e2e.test_backup import wait_until
from tests.e2e.test_faults import IMPATIENT, fill_up
from tests.e2e.test_kills import newest_job
from tests.e2e.test_restore import own_databases, rows, served
from tests.e2e.test_updates import bot_of, env_of, in_step
from tests.e2e.test_updates_kills import FAULTY, NEW, OLD, drop_aside, phase, stack, visitor
from tests.e2e.visitor import Visitor
from tests.registry_server import (
    Fault,
    Handler,
    hang_up,
    registry_server,
    status,
    too_often,
)
from tests.sandbox.fixture import Sandbox, engine, sandbox, script

__all__ = ["engine", "sandbox", "stack", "visitor"]

pytestmark = pytest.mark.docker

UPDATE = ("update", "--yes", "--no-rehearsal")
PULLED_AFTER = 2
"""So often an update looks at the way before it gets the images."""
UNTOUCHED = "Nothing was changed: the old version serves, and nobody was logged out"
COPYING = (
    "SELECT 1 FROM pg_stat_activity"
    " WHERE query LIKE 'CREATE DATABASE%' AND wait_event_type = 'Lock'"
)
# A copy of a database waits for whoever is about to comment it; nobody else does.
KEEP_FROM_COPYING = "COMMENT ON DATABASE authentik IS 'in a moment'"


@pytest.fixture
def bot(stack: Sandbox, tmp_path: Path) -> Akbot:
    """It looks at the gate for a second."""
    return bot_of(stack, tmp_path, AKBOT_GATE_STABLE="1", AKBOT_GATE_TIMEOUT="60")


@contextmanager
def as_before(stack: Sandbox) -> Iterator[None]:
    """After the block the old version serves what it served, and the next `up -d` does nothing."""
    data, env = rows(stack), env_of(stack)
    yield
    assert served(stack) == (200, OLD)
    assert (rows(stack), env_of(stack)) == (data, env)
    assert not throw_aways(stack)
    wait_until(lambda: not sessions(stack), "no session of akbot is left in the database")
    in_step(stack)


@contextmanager
def other_session(stack: Sandbox, sql: str, database: str = "authentik") -> Iterator[None]:
    """Somebody who has done *sql* and does not end, nor commit, while the context lives."""
    name = f"other-{secrets.token_hex(4)}"
    process = subprocess.Popen(
        [
            *("docker", "exec", "--env", f"PGAPPNAME={name}", "authentik-postgresql"),
            *("psql", "--username=authentik", f"--dbname={database}"),
            f"--command={sql}; SELECT pg_sleep(600)",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(stack.environment),
    )
    mine = f"FROM pg_stat_activity WHERE application_name = '{name}'"
    asleep = f"SELECT 1 {mine} AND wait_event = 'PgSleep'"
    try:
        wait_until(lambda: bool(stack.psql(asleep, database="postgres")), "it has done so")
        yield
    finally:
        stack.psql(f"SELECT pg_terminate_backend(pid) {mine}", database="postgres")
        process.wait(30)


def ended(process: "subprocess.Popen[str]") -> Ended:
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


def refused(done: Ended, *words: str) -> None:
    assert done.code == 3, done.err
    assert UNTOUCHED in done.err
    for each in words:
        assert each in done.err
    assert "Traceback" not in done.err


def taken_back(done: Ended, *words: str) -> None:
    assert done.code == 4, done.err
    for each in (f"{OLD} serves again", *words):
        assert each in done.err
    assert "Traceback" not in done.err


def byte_by_byte(request: Handler) -> bool:
    """Begin an answer, and go on with it for longer than anybody listens."""
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    with suppress(OSError):
        for _ in range(60):
            request.wfile.write(b" ")
            time.sleep(1)
    return True


def after_a_minute(request: Handler) -> bool:  # noqa: ARG001 - nothing is said before
    """Say something when nobody listens any more."""
    time.sleep(60)
    return True


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(too_often("30"), "it was asked too often (429)", id="429"),
        pytest.param(status(401), "access denied (401)", id="401"),
        pytest.param(status(503), "it answered 503", id="503"),
        pytest.param(hang_up, "ask 127.0.0.1", id="hangs up"),
        pytest.param(byte_by_byte, "it does not answer in time", id="byte by byte"),
        pytest.param(after_a_minute, "it does not answer in time", id="after a minute"),
    ],
)
def test_a_registry_in_trouble(stack: Sandbox, bot: Akbot, fault: Fault, words: str) -> None:
    with registry_server() as server, untouched(stack), as_before(stack):
        server.fault = fault
        refused(bot.with_settings(AKBOT_REGISTRY_ENDPOINT=server.url)(*UPDATE, NEW), words)


def test_a_registry_that_is_down(stack: Sandbox, bot: Akbot) -> None:
    with untouched(stack), as_before(stack):
        away = bot.with_settings(AKBOT_REGISTRY_ENDPOINT="http://127.0.0.1:1")(*UPDATE, NEW)
        refused(away, "ask 127.0.0.1:1: Connection refused")


def test_a_tag_that_is_not_there(stack: Sandbox, bot: Akbot) -> None:
    with untouched(stack), as_before(stack):
        refused(bot(*UPDATE, "2025.4.1"), "the registry has no version 2025.4.1")


def mirror_of(stack: Sandbox, reference: Callable[[int], str]) -> Fault:
    """Asks the real registry; what NEW is depends on how often that was asked."""
    asked = count(1)

    def answer(request: Handler) -> bool:
        path = request.path
        if path.endswith(f"/manifests/{NEW}"):
            path = path.replace(NEW, reference(next(asked)))
        connection = http.client.HTTPConnection(stack.registry, timeout=30)
        accept = {"Accept": request.headers.get("Accept", "*/*")}
        connection.request(request.command, path, headers=accept)
        answered = connection.getresponse()
        names = ("Docker-Content-Digest", "Content-Type")
        headers = {name: value for name in names if (value := answered.getheader(name))}
        request.send(answered.status, answered.read(), **headers)
        connection.close()
        return True

    return answer


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        pytest.param(lambda _: "2025.4.98", "and does not have it", id="not there"),
        pytest.param(
            lambda number: NEW if number <= PULLED_AFTER else FAULTY,
            "or the registry has changed meanwhile",
            id="another one after the pull",
        ),
    ],
)
def test_a_registry_that_changes_its_mind(
    stack: Sandbox, bot: Akbot, reference: Callable[[int], str], words: str
) -> None:
    with registry_server() as server, untouched(stack), as_before(stack):
        server.fault = mirror_of(stack, reference)
        refused(bot.with_settings(AKBOT_REGISTRY_ENDPOINT=server.url)(*UPDATE, NEW), words)


def test_somebody_who_migrates(stack: Sandbox, bot: Akbot) -> None:
    with untouched(stack), as_before(stack):
        with other_session(stack, "SELECT pg_advisory_lock(1000)"):
            done = bot(*UPDATE, NEW)

        refused(done, "somebody holds Authentik's lock for migrations")


def test_a_compose_file_that_was_edited(stack: Sandbox, bot: Akbot) -> None:
    file = stack.project / "docker-compose.yml"
    before = file.read_text()
    with untouched(stack), as_before(stack):
        file.write_text(before.replace("command: worker", "command: worker --edited"))
        try:
            done = bot(*UPDATE, NEW)
        finally:
            file.write_text(before)

        refused(done, "the file was edited since authentik-worker was created")


def test_a_store_that_goes_away_in_the_backup_before(stack: Sandbox, bot: Akbot) -> None:
    with proxy_before(stack.s3) as proxy, untouched(stack), as_before(stack):
        place = f"s3://akbot/updates-{secrets.token_hex(8)}"
        store = f"{place}?endpoint={proxy.endpoint}&region=us-east-1"
        process = bot.with_settings(AKBOT_STORE=store, **IMPATIENT).start(*UPDATE, NEW)
        wait_until(lambda: newest_job(bot)[1].startswith("store "), "the backup has begun", 180)
        proxy.is_down = True

        refused(ended(process), "cleaned up as soon as store and Docker answer")


def test_a_store_without_room_for_the_backup_before(
    stack: Sandbox, bot: Akbot, tmp_path: Path
) -> None:
    with disk_of(1, tmp_path / "disk") as disk, untouched(stack), as_before(stack):
        small = bot.with_settings(AKBOT_STORE=f"file://{disk / 'store'}")
        refused(small(*UPDATE, NEW), "no space left")


@contextmanager
def on_a_disk_of_its_own(stack: Sandbox, spare: int) -> Iterator[None]:
    """PostgreSQL's data on a file system that has so many MiB left."""
    data = stack.mounts / "authentik" / "database"
    aside = data.with_name("database-aside")
    stack.compose("stop", "authentik", "worker", "postgresql")
    used = int(stack.run("du", "--summarize", "--block-size=1M", str(data)).stdout.split()[0])
    data.rename(aside)
    try:
        with disk_of(used + spare, data):
            stack.run("cp", "--archive", f"{aside}/.", str(data))
            stack.compose("up", "--detach", "--wait", "authentik", "worker")
            yield
            stack.compose("stop", "authentik", "worker", "postgresql")
    finally:
        data.rmdir()
        aside.rename(data)
        stack.compose("up", "--detach", "--wait", "authentik", "worker")


def test_a_disk_without_room_for_the_copy(stack: Sandbox, bot: Akbot) -> None:
    with on_a_disk_of_its_own(stack, 10), untouched(stack), as_before(stack):
        refused(bot(*UPDATE, NEW), "disk of the database", "the copy is the way back")


def at_the_copy(
    stack: Sandbox, bot: Akbot, output: TextIO | None = None
) -> "subprocess.Popen[str]":
    """An update whose copy of the database has begun, and waits for somebody else."""
    process = bot.start(*UPDATE, NEW, output=output)
    wait_until(lambda: bool(stack.psql(COPYING, database="postgres")), "it copies", 180)
    return process


def gone_until_it_waits(docker: SocketProxy, output: Path) -> None:
    """Docker goes, and comes back once the update has looked for it in vain."""
    docker.vanish()
    wait_until(lambda: "undone as soon as that is back" in output.read_text(), "it waits")
    docker.appear()


def test_docker_goes_away_while_the_database_is_copied(
    stack: Sandbox, bot: Akbot, tmp_path: Path, visitor: Visitor
) -> None:
    output = tmp_path / "output"
    with as_before(stack), socket_proxy(tmp_path) as docker, output.open("w") as file:
        with other_session(stack, KEEP_FROM_COPYING, "postgres"):
            process = at_the_copy(stack, bot.with_settings(DOCKER_HOST=docker.url), file)
            gone_until_it_waits(docker, output)
            process.wait(PATIENCE)

        told = "the session ended", "the database was not touched"
        taken_back(Ended(process.returncode, "", output.read_text()), *told)
    assert own_databases(stack) == []
    assert visitor.is_logged_in()


def test_docker_goes_away_while_the_new_version_is_started(
    stack: Sandbox, bot: Akbot, tmp_path: Path, visitor: Visitor
) -> None:
    output = tmp_path / "output"
    with as_before(stack), socket_proxy(tmp_path) as docker, output.open("w") as file:
        behind = bot.with_settings(DOCKER_HOST=docker.url)
        process = behind.start(*UPDATE, NEW, output=file)
        wait_until(lambda: newest_job(bot)[1] == f"starting {NEW}", "it is started", 180)
        gone_until_it_waits(docker, output)
        process.wait(PATIENCE)

        taken_back(Ended(process.returncode, "", output.read_text()), "every row intact")
    drop_aside(stack)
    assert visitor.is_logged_in()


def test_postgresql_is_restarted_while_the_database_is_copied(
    stack: Sandbox, bot: Akbot, visitor: Visitor
) -> None:
    with as_before(stack):
        with other_session(stack, KEEP_FROM_COPYING, "postgres"):
            process = at_the_copy(stack, bot)
            stack.docker("restart", "authentik-postgresql")
            wait_for_database(stack)
        taken_back(ended(process), "due to administrator command", "the database was not touched")
    assert own_databases(stack) == []
    assert visitor.is_logged_in()


def test_the_state_folder_is_full_once_nobody_is_served(
    stack: Sandbox, bot: Akbot, tmp_path: Path, visitor: Visitor
) -> None:
    """Also the room that is kept for such a case: the way back needs no journal."""
    with as_before(stack), disk_of(48, tmp_path / "disk") as disk:
        full = bot.with_settings(AKBOT_STATE=str(disk / "state"))
        with other_session(stack, KEEP_FROM_COPYING, "postgres"):
            process = at_the_copy(stack, full)
            (full.state / "ballast").unlink()
            fill_up(disk)
        taken_back(ended(process), "no space left", "the database was not touched")
    assert own_databases(stack) == []
    assert visitor.is_logged_in()


def test_redis_is_stopped_just_before_the_way_back(
    stack: Sandbox, bot: Akbot, visitor: Visitor
) -> None:
    """Of a version whose migration has dropped rows."""
    quick = bot.with_settings(AKBOT_GATE_TIMEOUT="20")
    with as_before(stack):
        process = quick.start(*UPDATE, FAULTY)
        wait_until(lambda: phase(quick) == "back", "it goes back", 180)
        process.send_signal(signal.SIGSTOP)
        stack.docker("stop", "--time", "2", "authentik-redis")
        process.send_signal(signal.SIGCONT)

        taken_back(ended(process), "people must log in again, since Redis could not be put back")
    drop_aside(stack)
    visitor.log_in(stack)
    assert visitor.is_logged_in()


def test_somebody_deletes_the_old_image_while_the_registry_is_away(
    stack: Sandbox, bot: Akbot, visitor: Visitor
) -> None:
    """`docker image prune --all`, once nothing runs of it; the next command goes on."""
    quick = bot.with_settings(AKBOT_GATE_TIMEOUT="20")
    with as_before(stack):
        process = quick.start(*UPDATE, FAULTY)
        wait_until(lambda: phase(quick) == "start", "the new version is started", 180)
        name = f"{stack.registry}/goauthentik/faulty:{OLD}"
        image = stack.docker("inspect", "--format", "{{.Id}}", name).strip()
        stack.docker("rmi", "--force", image)  # the sandbox has a name of its own for it
        script("registry", "stop")
        try:
            done = ended(process)
            [job] = json.loads(quick.ok("jobs", "--json"))[:1]
        finally:
            script("registry")  # which comes up with the sandbox's own tags alone
            stack.docker("push", f"{stack.registry}/goauthentik/faulty:{NEW}")
        quick.backup("--component", "templates")
        jobs = json.loads(quick.ok("jobs", "--json"))
        [settled] = [each for each in jobs if each["id"] == job["id"]]

        assert done.code == 5, done.err
        assert f"{FAULTY} did not hold" in done.err
        assert f"docker pull {stack.registry}/goauthentik/faulty@sha256:" in done.err
        assert "Traceback" not in done.err
        assert (job["state"], job["swept"]) == ("failed", False)
        assert (settled["state"], settled["swept"]) == ("rolled back", True), settled
    drop_aside(stack)
    assert visitor.is_logged_in()
