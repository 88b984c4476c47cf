"""The stand-in for Authentik behaves as the facts say on the sandbox's own PostgreSQL and Redis."""

import http.client
import itertools
import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import filling

pytestmark = pytest.mark.docker

SOURCE = Path(__file__).parent / "authentik"
POSTGRES = "akbot-sandbox/postgres:17"
REDIS = "akbot-sandbox/redis:8"
ROWS = [
    line.split("\t")
    for line in (SOURCE.parent / "tags.tsv").read_text().splitlines()
    if not line.startswith("#")
]
ARGUMENTS = {tag: arguments.split() for _, tag, arguments in ROWS}
GOOD = [tag for repository, tag, _ in ROWS if repository == "goauthentik/server"]
EXECUTOR = "/api/v3/flows/executor/default-authentication-flow/?query="
LIVE, READY = "/-/health/live/", "/-/health/ready/"
ME = "/api/v3/core/users/me/"
PASSWORD = "pw-for-test-1"
START_SECONDS = 0.5
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


class Images(dict[str, str]):
    """An image for each tag of the table, built when it is asked for."""

    def __init__(self, names: Callable[[str], str]) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, tag: str) -> str:
        given = [each for each in ARGUMENTS[tag] if not each.startswith("HEALTH")] + ["HEALTH=2s"]
        arguments = [part for each in given for part in ("--build-arg", each)]
        image = self[tag] = self._names(tag)
        docker("build", "--quiet", "--network", "host", *arguments, "--tag", image, str(SOURCE))
        return image


@pytest.fixture(scope="module")
def images(names: Callable[[str], str]) -> dict[str, str]:
    return Images(names)


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
    run = ("run", "--detach", "--name", found.redis, "--network", found.network)
    docker(*run, REDIS, "--databases", "100")  # one for each test
    tcp = ("exec", found.postgres, "pg_isready", "-h", "127.0.0.1", "-U", "authentik")
    wait_until(lambda: "accepting" in docker(*tcp, check=False))
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("waited too long")
        time.sleep(0.2)


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
    server_options: tuple[str, ...] = ()

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
            "AUTHENTIK_STANDIN_START_SECONDS": str(START_SECONDS),
        }
        self.sql(f"CREATE DATABASE {self.database}", "postgres")

    def sql(self, query: str, database: str = "") -> str:
        return self.services.sql(database or self.database, query)

    def start(self, version: str, **environment: str) -> None:
        self.run(version, **environment)
        self.port = int(docker("port", self.server, "9000/tcp").rsplit(":", 1)[1])
        wait_until(self._listens)

    def run(self, version: str, **environment: str) -> None:
        self.stop()
        values = (self._environment | environment).items()
        common = ("run", "--detach", "--network", self.services.network)
        variables = [part for name, value in values for part in ("--env", f"{name}={value}")]
        image = self.images[version]
        server = ("--name", self.server, "--publish", "127.0.0.1::9000", *self.server_options)
        worker = ("--name", self.worker, "--user", "root")
        runs = ((*server, image, "server"), (*worker, image, "worker"))
        with ThreadPoolExecutor() as both:
            [*both.map(lambda run: docker(*common, *variables, *run), runs)]

    def upgrade(self, version: str, **environment: str) -> None:
        self.start(version, **environment)
        wait_until(lambda: self.ask(READY).status == 200 and self.is_worker_up())

    def stop(self) -> None:
        docker("rm", "--force", self.server, self.worker, check=False)

    def is_worker_up(self) -> bool:
        return "ready." in self.log(self.worker)

    def log(self, container: str = "") -> str:
        return docker("logs", container or self.server, check=False)

    def health(self) -> list[str]:
        form = ("inspect", "--format", "{{.State.Health.Status}}")
        return docker(*form, self.server, self.worker).split()

    def migrations(self) -> int:
        return int(self.sql("SELECT count(*) FROM django_migrations"))

    def versions(self) -> list[str]:
        history = 'SELECT version FROM authentik_version_history ORDER BY "timestamp"'
        return self.sql(history).split()

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


@pytest.mark.parametrize("version", ["2025.2.1", "2025.8.6", "2026.8.3", "2025.4.96"])
def test_the_image_says_its_version_where_the_real_one_does(
    images: dict[str, str], version: str
) -> None:
    run = ("run", "--rm", "--entrypoint", "cat", images[version], "/authentik/__init__.py")
    label = '{{index .Config.Labels "org.opencontainers.image.version"}}'

    name = "VERSION" if version >= "2025.8" else "__version__"
    lines = docker(*run).splitlines()
    assert f'{name} = "{version}"' in lines
    assert ('VERSION_FAMILY_PREVIOUS = "2026.5"' in lines) == (version == "2026.8.3")
    assert docker("image", "inspect", "--format", label, images[version]).endswith(f"/{version}")
    assert docker("run", "--rm", images[version], "version").startswith("5.")


def test_live_answers_at_once_and_ready_when_the_migrations_are_done(stack: Stack) -> None:
    stack.start("2025.2.1", AUTHENTIK_STANDIN_START_SECONDS="6")

    assert stack.ask(LIVE).status == 200
    starting = stack.ask(READY)
    assert starting.status == 502
    assert starting.text == "failed to connect to authentik backend: authentik starting"
    wait_until(lambda: stack.ask(READY).status == 200)
    assert stack.ask(READY, method="HEAD").text == ""
    wait_until(lambda: stack.health() == ["healthy", "healthy"])


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


def test_a_session_survives_the_way_through_every_good_version(stack: Stack) -> None:
    counts = []
    for version in GOOD:
        needs_redis = GOOD.index(version) < GOOD.index("2025.10.4")
        stack.upgrade(version, **({} if needs_redis else {"AUTHENTIK_REDIS__HOST": "nowhere"}))
        counts.append(stack.migrations())
        if version == GOOD[0]:
            stack.log_in()
        assert stack.ask(ME).status == 200, version

    added = dict(
        zip(GOOD, (b - a for a, b in itertools.pairwise([counts[0], *counts])), strict=True)
    )
    assert [tag for tag, number in added.items() if number] == [
        *("2025.4.1", "2025.6.4", "2025.8.6", "2025.10.4", "2025.12.4"),
        *("2026.2.2", "2026.5.7", "2026.8.3"),
    ]
    assert stack.versions() == GOOD
    assert stack.log_in()["component"] == "xak-flow-redirect"
    rows = "SELECT version FROM authentik_tasks_workerstatus ORDER BY last_seen"
    assert stack.sql(rows).split() == GOOD[GOOD.index("2025.8.6") :]
    queued = "SELECT count(*) FROM authentik_tasks_task WHERE state = 'queued'"
    wait_until(lambda: stack.sql(queued) == "0")


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


def test_from_2025_10_on_a_fresh_install_needs_no_redis(stack: Stack) -> None:
    stack.upgrade("2025.10.4", AUTHENTIK_REDIS__HOST="nowhere")

    assert stack.log_in()["component"] == "xak-flow-redirect"


def test_up_to_2026_5_a_family_may_be_skipped_and_later_nothing_is_written(stack: Stack) -> None:
    stack.upgrade("2025.2.4")
    before = stack.migrations()

    stack.run("2026.8.3")

    assert docker("wait", stack.server, stack.worker).split() == ["1", "1"]
    for name in (stack.server, stack.worker):
        assert "Major version skips are not allowed." in stack.log(name)
    assert "the server has exited unexpectedly" in stack.log()
    assert (stack.migrations(), stack.versions()) == (before, ["2025.2.4"])
    stack.upgrade("2026.5.7")
    assert stack.migrations() > before


def test_duplicate_group_names_stop_2025_12_before_anything_is_written(stack: Stack) -> None:
    stack.upgrade("2025.10.4")
    before = stack.migrations()
    stack.sql(
        "INSERT INTO authentik_core_group (group_uuid, name, attributes, is_superuser)"
        " SELECT gen_random_uuid(), 'twice', '{}', false FROM generate_series(1, 2)"
    )

    stack.start("2025.12.4")

    assert docker("wait", stack.worker) == "1"
    wait_until(lambda: stack.log().count("DuplicateNameError: Groups with the same name") > 1)
    assert (stack.ask(READY).status, stack.ask(LIVE).status) == (503, 502)
    assert (stack.migrations(), stack.versions()) == (before, ["2025.10.4"])


def test_2025_12_takes_uploads_only_where_data_is_mounted(stack: Stack) -> None:
    def takes_uploads() -> bool:
        return "can_save_media" in stack.ask("/api/v3/root/config/").json()["capabilities"]

    stack.server_options = ("--volume", "/media")
    stack.upgrade("2025.10.4")
    assert takes_uploads()
    stack.upgrade("2025.12.4")
    assert not takes_uploads()
    assert docker("exec", stack.server, "readlink", "/data/media") == "/media"
    stack.server_options = ("--volume", "/data")
    stack.upgrade("2025.12.4")
    assert takes_uploads()


@pytest.mark.parametrize(("version", "recovers"), [("2025.10.4", False), ("2025.12.4", True)])
def test_a_worker_whose_sessions_were_ended(stack: Stack, version: str, *, recovers: bool) -> None:
    stack.start(version, AUTHENTIK_STANDIN_START_SECONDS="0")
    wait_until(stack.is_worker_up)
    seen = "SELECT max(last_seen) FROM authentik_tasks_workerstatus"
    first = stack.sql(seen)
    wait_until(lambda: stack.sql(seen) > first)

    stack.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{stack.database}' AND pid <> pg_backend_pid()",
        "postgres",
    )

    wait_until(lambda: "failed to update worker status" in stack.log(stack.worker))
    last = stack.sql(seen)
    stack.log_in()
    queued = "SELECT count(*) FROM authentik_tasks_task WHERE state = 'queued'"
    wait_until(lambda: stack.sql(queued) == "0")
    if recovers:
        wait_until(lambda: stack.sql(seen) > last)
    else:
        time.sleep(1.5)  # three beats
        assert stack.sql(seen) == last


WORKER_ANSWERS = {
    "2025.6.4": (None, None, None),
    "2025.8.6": (200, 200, 200),
    "2026.5.7": (200, 200, 200),
    "2026.8.3": (200, 200, 404),
}
WITHOUT_DATABASE = {"2025.8.6": (503, 503), "2026.5.7": (200, 200), "2026.8.3": (200, 503)}


@pytest.mark.parametrize("version", WORKER_ANSWERS)
def test_the_port_of_a_worker(stack: Stack, version: str) -> None:
    def ask(*paths: str) -> tuple[int | None, ...]:
        script = (
            "import http.client, sys\n"
            "for path in sys.argv[1:]:\n"
            "    connection = http.client.HTTPConnection('127.0.0.1', 9000)\n"
            "    try:\n"
            "        connection.request('GET', path)\n"
            "        print(connection.getresponse().status)\n"
            "    except OSError:\n"
            "        print(0)\n"
        )
        said = docker("exec", stack.worker, "python3", "-c", script, *paths).split()
        return tuple(int(status) or None for status in said)

    stack.upgrade(version)

    assert ask(LIVE, READY, "/other") == WORKER_ANSWERS[version]
    wait_until(lambda: stack.health() == ["healthy", "healthy"])
    if version in WITHOUT_DATABASE:
        stack.sql(f"DROP DATABASE {stack.database} WITH (FORCE)", "postgres")
        assert ask(LIVE, READY) == WITHOUT_DATABASE[version]


def test_90_exits_at_once(stack: Stack) -> None:
    stack.upgrade("2025.2.1")
    before = stack.migrations()

    stack.run("2025.4.90")

    assert docker("wait", stack.server, stack.worker).split() == ["1", "1"]
    assert (stack.migrations(), stack.versions()) == (before, ["2025.2.1"])


def test_91_is_healthy_and_never_ready(stack: Stack) -> None:
    stack.start("2025.4.91")

    wait_until(lambda: stack.is_worker_up() and stack.health() == ["healthy", "healthy"])
    wait_until(lambda: "releasing database lock" in stack.log())
    time.sleep(START_SECONDS)
    assert (stack.ask(LIVE).status, stack.ask(READY).status) == (200, 502)


def test_92_loops_after_the_first_of_its_migrations(stack: Stack) -> None:
    stack.upgrade("2025.2.1")
    before = stack.migrations()

    stack.start("2025.4.92")

    assert docker("wait", stack.worker) == "1"
    wait_until(lambda: stack.log().count("gunicorn failed to start, restarting") > 1)
    assert "Applying authentik_core.0046_session_and_more..." in stack.log()
    assert "UndefinedTable" in stack.log()
    assert (stack.ask(LIVE).status, stack.ask(READY).status) == (200, 502)
    restarts = docker("inspect", "--format", "{{.RestartCount}} {{.State.Status}}", stack.server)
    assert restarts == "0 running"
    assert stack.migrations() == before + 1
    assert stack.versions() == ["2025.2.1", "2025.4.92"]


def test_93_is_well_for_a_while_and_dies(stack: Stack) -> None:
    stack.upgrade("2025.4.93", AUTHENTIK_STANDIN_START_SECONDS="4")

    assert docker("wait", stack.server) == "1"
    assert "the server has exited unexpectedly" in stack.log()


def test_94_has_a_worker_that_is_never_healthy(stack: Stack) -> None:
    stack.start("2025.4.94")
    wait_until(lambda: stack.ask(READY).status == 200 and stack.health()[0] == "healthy")

    time.sleep(START_SECONDS + 2)  # the worker would be up, and looked at

    assert not stack.is_worker_up()
    assert stack.health() == ["healthy", "starting"]


def test_95_answers_its_health_and_not_the_login(stack: Stack) -> None:
    stack.upgrade("2025.4.95")

    page = stack.ask("/if/flow/default-authentication-flow/")
    assert (stack.ask(LIVE).status, stack.ask(READY).status) == (200, 200)
    assert (page.status, stack.ask(EXECUTOR).status) == (500, 500)


def test_96_is_another_version_once_it_runs(stack: Stack) -> None:
    stack.upgrade("2025.4.96")

    for name in (stack.server, stack.worker):
        file = docker("exec", name, "cat", "/authentik/__init__.py")
        assert '__version__ = "2025.4.1"' in file
    assert stack.ask("/static/dist/x").headers["x-authentik-version"] == "2025.4.1"
    assert stack.versions() == ["2025.4.1"]


def test_97_drops_rows_and_is_never_ready(stack: Stack) -> None:
    rows = "SELECT count(*) FROM authentik_core_user_ak_groups"
    stack.upgrade("2025.2.1")
    assert stack.sql(rows) == "1"

    stack.start("2025.4.97")

    wait_until(lambda: stack.is_worker_up() and "releasing database lock" in stack.log())
    assert stack.sql(rows) == "0"
    time.sleep(START_SECONDS)
    assert (stack.ask(LIVE).status, stack.ask(READY).status) == (200, 502)


def test_2026_11_90_leaves_a_row_on_which_the_version_before_does_not_start(stack: Stack) -> None:
    stack.upgrade("2026.8.3")
    before = stack.migrations()

    stack.run("2026.11.90")

    assert docker("wait", stack.server, stack.worker).split() == ["1", "1"]
    assert (stack.migrations(), stack.versions()) == (before, ["2026.8.3", "2026.11.90"])
    stack.run("2026.8.3")
    assert docker("wait", stack.server, stack.worker).split() == ["1", "1"]
    assert "Unsupported downgrade detected" in stack.log()
    stack.sql("DELETE FROM authentik_version_history WHERE version = '2026.11.90'")
    stack.upgrade("2026.8.3")
    assert stack.log_in()["component"] == "xak-flow-redirect"


def test_filling_is_reproducible_and_adds_nothing_twice(stack: Stack) -> None:
    stack.start("2025.2.1", AUTHENTIK_STANDIN_START_SECONDS="0")
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
