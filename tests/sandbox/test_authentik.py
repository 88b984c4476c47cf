"""The stand-in for Authentik behaves as the facts say on the sandbox's own PostgreSQL and Redis."""

import http.client
import itertools
import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import filling

pytestmark = pytest.mark.docker

SOURCE = Path(__file__).parent / "authentik"
POSTGRES = "akbot-sandbox/postgres:17"
REDIS = "akbot-sandbox/redis:8"
VERSIONS = ("2025.2.1", "2025.2.4", "2025.4.1")
EXECUTOR = "/api/v3/flows/executor/default-authentication-flow/?query="
LIVE, READY = "/-/health/live/", "/-/health/ready/"
ME = "/api/v3/core/users/me/"
PASSWORD = "pw-for-test-1"
START_SECONDS = 1
PATIENCE = 60


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(
        ("docker", *arguments),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )
    if check and done.returncode:
        pytest.fail(f"docker {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip() + ("" if check else done.stderr.strip())


def missing_image() -> str:
    """Say what keeps these tests from running, nothing if they can run."""
    for image in ("debian:trixie-slim", POSTGRES, REDIS):
        try:
            done = subprocess.run(
                ("docker", "image", "inspect", image), capture_output=True, check=False
            )
        except FileNotFoundError:
            return "no docker client"
        if done.returncode:
            return f"no Docker Engine, or no image {image}"
    return ""


@pytest.fixture(scope="module")
def names() -> Iterator[Callable[[str], str]]:
    """Give every container and image of this module a name of its own, and remove them all."""
    missing = missing_image()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    prefix = f"standin-{uuid.uuid4().hex[:8]}"
    yield lambda name: f"{prefix}-{name}"
    containers = docker("ps", "--all", "--quiet", "--filter", f"name=^{prefix}-").split()
    if containers:
        docker("rm", "--force", "--volumes", *containers)
    networks = docker("network", "ls", "--quiet", "--filter", f"name=^{prefix}-").split()
    if networks:
        docker("network", "rm", *networks)
    tags = docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{prefix}-*").split()
    if tags:
        docker("image", "rm", *tags)


@pytest.fixture(scope="module")
def images(names: Callable[[str], str]) -> dict[str, str]:
    built = {version: names(version) for version in VERSIONS}
    for version, image in built.items():
        arguments = ("--build-arg", f"VERSION={version}", "--build-arg", "HEALTH_INTERVAL=2s")
        docker("build", "--quiet", "--network", "host", *arguments, "--tag", image, str(SOURCE))
    return built


@dataclass
class Services:
    """One PostgreSQL and one Redis for all tests; each test takes a database of its own in both."""

    network: str
    postgres: str
    redis: str
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def sql(self, database: str, query: str) -> str:
        return docker(
            *("exec", self.postgres, "psql", "-X", "-A", "-t", "-U", "authentik"),
            *("-d", database, "-c", query),
        )


@pytest.fixture(scope="module")
def services(names: Callable[[str], str]) -> Services:
    found = Services(names("net"), names("pg"), names("redis"))
    docker("network", "create", found.network)
    environment = ("--env", "POSTGRES_USER=authentik", "--env", "POSTGRES_PASSWORD=pw")
    docker(
        *("run", "--detach", "--name", found.postgres, "--network", found.network, *environment),
        POSTGRES,
    )
    docker("run", "--detach", "--name", found.redis, "--network", found.network, REDIS)
    tcp = ("exec", found.postgres, "pg_isready", "-h", "127.0.0.1", "-U", "authentik")
    wait_until(lambda: "accepting" in docker(*tcp, check=False))
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("waited too long")
        time.sleep(0.1)


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: dict[str, str]

    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.text))


@dataclass
class Stack:
    """Server and worker of one version over one database; another `start` is an upgrade."""

    images: dict[str, str]
    services: Services
    names: Callable[[str], str]
    cookie: str = ""
    port: int = 0

    def __post_init__(self) -> None:
        number = next(self.services.numbers)
        self.database = f"test_{number}"
        self.server, self.worker = self.names(f"server-{number}"), self.names(f"worker-{number}")
        self._environment = {
            "AUTHENTIK_POSTGRESQL__HOST": self.services.postgres,
            "AUTHENTIK_POSTGRESQL__NAME": self.database,
            "AUTHENTIK_POSTGRESQL__PASSWORD": "pw",
            "AUTHENTIK_REDIS__HOST": self.services.redis,
            "AUTHENTIK_REDIS__DB": str(number),
            "AUTHENTIK_SECRET_KEY": "not a secret",
            "AUTHENTIK_BOOTSTRAP_PASSWORD": PASSWORD,
            "STANDIN_START_SECONDS": str(START_SECONDS),
        }
        self.sql(f"CREATE DATABASE {self.database}", "postgres")

    def sql(self, query: str, database: str = "") -> str:
        return self.services.sql(database or self.database, query)

    def start(self, version: str, **environment: str) -> None:
        self.stop()
        values = (self._environment | environment).items()
        common = ("run", "--detach", "--network", self.services.network)
        variables = [part for name, value in values for part in ("--env", f"{name}={value}")]
        image = self.images[version]
        server = ("--name", self.server, "--publish", "127.0.0.1::9000")
        docker(*common, *variables, *server, image, "server")
        docker(*common, *variables, "--name", self.worker, "--user", "root", image, "worker")
        self.port = int(docker("port", self.server, "9000/tcp").rsplit(":", 1)[1])
        wait_until(self._listens)

    def upgrade(self, version: str) -> None:
        self.start(version)
        wait_until(lambda: self.ask(READY).status == 200 and self.is_worker_up())

    def stop(self) -> None:
        docker("rm", "--force", self.server, self.worker, check=False)

    def is_worker_up(self) -> bool:
        return "ready." in docker("logs", self.worker, check=False)

    def ask(self, path: str, body: dict[str, str] | None = None, method: str = "") -> Answer:
        """Send one request with the cookie, and keep the cookie that comes back."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        method = method or ("GET" if body is None else "POST")
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Cookie": self.cookie})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            self.cookie = headers.get("set-cookie", self.cookie).split(";")[0]
            return Answer(response.status, response.read().decode(), headers)
        finally:
            connection.close()

    def log_in(self, password: str = PASSWORD) -> dict[str, Any]:
        """Walk through the login flow and return its last challenge."""
        assert self.ask(EXECUTOR).json()["component"] == "ak-stage-identification"
        redirect = self.ask(EXECUTOR, {"uid_field": "akadmin"})
        assert (redirect.status, redirect.headers["location"]) == (302, EXECUTOR)
        assert self.ask(EXECUTOR).json()["component"] == "ak-stage-password"
        last = self.ask(EXECUTOR, {"password": password})
        assert last.status == 200
        return last.json()

    def _listens(self) -> bool:
        try:
            return self.ask(LIVE).status > 0
        except OSError:
            return False


@pytest.fixture
def stack(
    images: dict[str, str], services: Services, names: Callable[[str], str]
) -> Iterator[Stack]:
    made = Stack(images, services, names)
    yield made
    made.stop()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_image_says_its_version_where_the_real_one_does(
    images: dict[str, str], version: str
) -> None:
    run = ("run", "--rm", "--entrypoint", "cat", images[version], "/authentik/__init__.py")
    label = '{{index .Config.Labels "org.opencontainers.image.version"}}'

    assert f'__version__ = "{version}"' in docker(*run).splitlines()
    assert docker("image", "inspect", "--format", label, images[version]).endswith(f"/{version}")
    assert docker("run", "--rm", images[version], "version").startswith("5.")


def test_live_answers_at_once_and_ready_when_the_migrations_are_done(stack: Stack) -> None:
    stack.start("2025.2.1", STANDIN_START_SECONDS="6")

    assert stack.ask(LIVE).status == 200
    starting = stack.ask(READY)
    assert starting.status == 502
    assert starting.text == "failed to connect to authentik backend: authentik starting"
    wait_until(lambda: stack.ask(READY).status == 200)
    assert stack.ask(READY, method="HEAD").text == ""
    health = ("inspect", "--format", "{{.State.Health.Status}}")
    wait_until(lambda: docker(*health, stack.server, stack.worker).split() == ["healthy"] * 2)


def test_the_log_tells_the_start_as_the_real_one(stack: Stack) -> None:
    stack.upgrade("2025.2.1")

    logs = [docker("logs", name, check=False) for name in (stack.server, stack.worker)]
    first, second = sorted(logs, key=lambda text: "No migrations to apply." in text)
    assert "[info     ] waiting to acquire database lock\n" in first
    assert "[info     ] applying django migrations\n" in first
    assert "  Applying authentik_core.0001_initial...\n OK\n" in first
    assert "Applying" not in second
    assert all('{"event": "releasing database lock"' in text for text in logs)


def test_a_login_through_the_flow_executor(stack: Stack) -> None:
    stack.upgrade("2025.2.1")

    assert stack.ask(ME).status == 403
    assert stack.log_in("wrong")["component"] == "ak-stage-password"
    assert stack.ask(EXECUTOR, {"password": PASSWORD}).json()["component"] == "xak-flow-redirect"
    assert stack.ask(ME).json()["user"]["username"] == "akadmin"
    page = stack.ask("/if/flow/default-authentication-flow/").text
    assert "/static/dist/poly-2025.2.1.js" in page
    static = stack.ask("/static/dist/poly-2025.2.1.js")
    assert static.headers["x-authentik-version"] == "2025.2.1"


def test_a_session_survives_the_way_from_redis_into_the_database(stack: Stack) -> None:
    rows = "SELECT count(*) FROM django_migrations"
    counts = []
    stack.upgrade("2025.2.1")
    counts.append(int(stack.sql(rows)))
    stack.log_in()
    for version in ("2025.2.4", "2025.4.1"):
        stack.upgrade(version)
        counts.append(int(stack.sql(rows)))
        assert stack.ask(ME).status == 200

    assert [later - counts[0] for later in counts] == [0, 0, 3]
    history = 'SELECT version FROM authentik_version_history ORDER BY "timestamp"'
    assert stack.sql(history).split() == list(VERSIONS)


def test_an_older_image_on_a_newer_schema_is_green_and_broken(stack: Stack) -> None:
    stack.upgrade("2025.2.4")
    stack.upgrade("2025.4.1")
    before = stack.sql("SELECT path FROM authentik_core_user WHERE username = 'akadmin'")

    stack.upgrade("2025.2.4")

    assert (stack.ask(LIVE).status, stack.ask(READY).status) == (200, 200)
    assert stack.log_in()["component"] == "ak-stage-flow-error"
    assert "does not exist" in docker("logs", stack.server, check=False)
    assert before != stack.sql("SELECT path FROM authentik_core_user WHERE username = 'akadmin'")
    assert stack.sql("SELECT count(*) FROM authentik_version_history") == "2"


def test_ready_tells_when_a_service_is_away_and_live_does_not(stack: Stack) -> None:
    stack.upgrade("2025.2.1")

    docker("pause", stack.services.redis)
    try:
        assert (stack.ask(READY).status, stack.ask(LIVE).status) == (503, 200)
    finally:
        docker("unpause", stack.services.redis)
    stack.sql(f"DROP DATABASE {stack.database} WITH (FORCE)", "postgres")
    assert (stack.ask(READY).status, stack.ask(LIVE).status) == (500, 200)


def test_a_start_without_a_secret_key_ends_the_worker_and_not_the_server(stack: Stack) -> None:
    stack.start("2025.2.1", AUTHENTIK_SECRET_KEY="")

    assert docker("wait", stack.worker) == "1"
    wait_until(lambda: docker("logs", stack.server, check=False).count("died, restarting") > 1)
    assert stack.ask(LIVE).status == 200


def test_the_server_ends_at_once(stack: Stack) -> None:
    stack.start("2025.2.1")
    started = time.monotonic()

    docker("stop", stack.server, stack.worker)

    assert time.monotonic() - started < 3


def test_filling_is_reproducible_and_adds_nothing_twice(stack: Stack) -> None:
    stack.start("2025.2.1", STANDIN_START_SECONDS="0")
    wait_until(stack.is_worker_up)
    whole = (
        "SELECT md5(string_agg(md5(t::text), '' ORDER BY event_uuid)) FROM authentik_events_event t"
    )
    stack.sql(f"CREATE DATABASE {stack.database}_copy TEMPLATE {stack.database}", "postgres")
    database = filling.Database(stack.services.postgres, "authentik", stack.database)
    copy = filling.Database(stack.services.postgres, "authentik", f"{stack.database}_copy")
    size = filling.parse_size("24MiB")

    report = filling.fill_database(database, size)
    filling.fill_database(copy, filling.parse_size("16MiB"))
    filling.fill_database(copy, size)

    assert report.size >= size
    assert filling.fill_database(database, size).rows == {}
    assert database.run(whole) == copy.run(whole)


def test_media_files_are_reproducible(tmp_path: Path) -> None:
    sizes = [filling.fill_media(tmp_path / name, 9, seed=1) for name in ("one", "two")]

    listed = [
        {
            path.relative_to(tmp_path / name): (path.read_bytes(), path.stat().st_mode)
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("one", "two")
    ]
    assert sizes[0] == sizes[1]
    assert listed[0] == listed[1]
    assert len(listed[0]) == 10  # nine files and what the symlink points to
