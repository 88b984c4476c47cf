"""`akbot backup` beside a stack that lives: writers, killed programs, secrets, bad input."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from tests.e2e import stranger
from tests.e2e.akbot import PROGRAM, Akbot
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker

PSQL = ("psql", "-X", "-q", "-U", "authentik", "-d", "authentik")


@contextmanager
def rows_being_written(sandbox: Sandbox) -> Iterator[None]:
    """A client that inserts and deletes in several tables, one transaction after another."""
    statements = """
    CREATE TABLE IF NOT EXISTS test_written (id bigserial PRIMARY KEY, text text);
    INSERT INTO test_written (text) SELECT repeat('x', 100) FROM generate_series(1, 50);
    DELETE FROM test_written WHERE id % 7 = 0;
    INSERT INTO authentik_core_group (group_uuid, name, is_superuser, attributes)
      VALUES (gen_random_uuid(), 'written ' || clock_timestamp(), false, '{}');
    DELETE FROM authentik_core_group WHERE name LIKE 'written %'
      AND group_uuid IN (SELECT group_uuid FROM authentik_core_group
                         WHERE name LIKE 'written %' ORDER BY name LIMIT 1 OFFSET 500);
    """
    writer = subprocess.Popen(
        ["docker", "exec", "--interactive", "authentik-postgresql", *PSQL, "-v", "ON_ERROR_STOP=1"],
        stdin=subprocess.PIPE,
        text=True,
        env=dict(sandbox.environment),
    )
    assert writer.stdin is not None
    pipe = writer.stdin
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            pipe.write(statements)
            pipe.flush()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        wait_until(lambda: bool(count_of(sandbox, "test_written")), "the writer has begun")
        yield
    finally:
        stop.set()
        thread.join()
        pipe.close()
        assert writer.wait(60) == 0, "the writer failed"
        sandbox.psql(
            "DROP TABLE test_written; DELETE FROM authentik_core_group WHERE name LIKE 'written %'"
        )


def count_of(sandbox: Sandbox, table: str) -> int:
    exists = sandbox.psql(f"SELECT to_regclass('{table}') IS NOT NULL")
    return int(sandbox.psql(f"SELECT count(*) FROM {table}")[0][0]) if exists == [["t"]] else 0


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def test_counts_in_the_manifest_are_the_dumps_own_while_rows_are_written(
    filled: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{store}")
    with rows_being_written(filled):
        before = count_of(filled, "test_written")
        manifest = akbot.backup()
        after = count_of(filled, "test_written")

    sealed = store / manifest["stack"] / manifest["id"] / "postgres.dump.age"
    dump = stranger.shell('age -d -i "$1" "$2"', akbot.identity, sealed)
    with stranger.postgres_elsewhere(filled, "akbot-sandbox/postgres:17") as server:
        restore = ("pg_restore", "-U", "stranger", "-d", "restored", "--no-owner", "-1", "-e")
        server.run(*restore, stdin=dump)
        restored = stranger.restored_checksums(server)

    rows = manifest["database"]["rows"]
    assert rows == {name: restored[name][0] for name in rows}
    assert set(restored) - set(rows) == {"public.authentik_core_groupancestry"} & set(restored)
    assert before <= rows["public.test_written"] < after


def dump_runs(sandbox: Sandbox) -> bool:
    rows = sandbox.psql("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY %TO stdout%'")
    return bool(rows)


def test_a_tampered_backup_is_shown_as_not_trusted_and_latest_skips_it(
    akbot: Akbot, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{store}")
    first, second = akbot.backup()["id"], akbot.backup()["id"]
    path = store / tmp_path.name / second / "manifest.json"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b'"label": ""', b'"label": "x"'))

    listed = json.loads(akbot.ok("backups", "--json"))

    assert [(each["id"], each["state"]) for each in listed] == [
        (second, "not trusted"),
        (first, "good"),
    ]
    assert json.loads(akbot.ok("backups", "latest", "--json"))["id"] == first
    refused = akbot("verify", second)
    assert refused.code == 3
    assert f'akbot: backup "{second}" is not trusted' in refused.err


def test_a_backup_that_was_copied_under_another_name_is_not_trusted(
    akbot: Akbot, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{store}")
    first = akbot.backup()["id"]
    original = store / tmp_path.name / first
    copy = original.with_name("20300101T000000Z-aaaa")
    stranger.shell('cp -a "$1" "$2"', original, copy)
    stranger.shell('cp -a "$1" "$2"', original.parent, store / "other")

    assert json.loads(akbot.ok("backups", "latest", "--json"))["id"] == first
    assert "was copied here" in akbot.ok("backups", "2030")
    other = akbot.with_settings(AKBOT_STACK="other")
    assert "was copied here" in other.ok("backups", first)
    assert other("verify", "latest").code == 3


def test_the_report_draws_its_picture_into_a_file(akbot: Akbot) -> None:
    akbot.backup()

    said = akbot.ok("report", "--picture", "chart.png")

    assert "Backups:   1 made, verified and signed" in said
    assert (akbot.folder / "chart.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_check_and_status_tell_what_is_there(akbot: Akbot) -> None:
    assert "Last good backup: never" in akbot.ok("status")
    akbot.backup("--label", "first")
    assert "(1 in the store)" in akbot.ok("status")
    findings = {each["subject"]: each for each in json.loads(akbot.ok("check", "--json"))}
    assert findings["transport"]["message"] == "dumps leave by connection back (bash)"
    assert findings["authentik"]["message"] == "version 2025.2.1"
    assert findings["sessions"]["level"] == "ok"
    assert '"first"' in akbot.ok("backups")


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        pytest.param(
            {"AKBOT_SERVICE_POSTGRESQL": "postgres"},
            'AKBOT_SERVICE_POSTGRESQL: project "authentik" has no service "postgres"',
            "It has: authentik, postgresql, redis, worker.",
            id="unknown service",
        ),
        pytest.param(
            {"AKBOT_PROJECT": "autentik"},
            'AKBOT_PROJECT: Docker has no containers of a project "autentik"',
            "It has: ",
            id="unknown project",
        ),
    ],
)
def test_a_stack_that_is_not_there_is_a_clear_error(
    akbot: Akbot, settings: dict[str, str], message: str, remedy: str
) -> None:
    ended = akbot.with_settings(**settings)("backup")

    assert ended.code == 2
    made, line = ended.err.splitlines()
    assert made.startswith("akbot: made the private key "), "which is told once, and no error"
    assert line.startswith(f"akbot: {message}. {remedy}")


def secrets_of(sandbox: Sandbox, akbot: Akbot) -> dict[str, str]:
    lines = (sandbox.project / ".env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    key = next(
        line for line in akbot.identity.read_text().splitlines() if line.startswith("AGE-SECRET")
    )
    return {
        "database password": values["PG_PASS"],
        "secret key": values["AUTHENTIK_SECRET_KEY"],
        "S3 secret": akbot.environment["AWS_SECRET_ACCESS_KEY"],
        "private key": key,
        "signing key": (akbot.state / "signing.key").read_text().splitlines()[1],
    }


def command_lines() -> Iterator[bytes]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                yield (process / "cmdline").read_bytes()
            except OSError:
                continue  # it ended meanwhile


class Watch(threading.Thread):
    """Looks at every process's argv, over and over, for each of *planted*."""

    def __init__(self, planted: dict[str, str]) -> None:
        super().__init__()
        self.planted = planted
        self.leaks: set[str] = set()
        self.rounds = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            lines = b"\n".join(command_lines())
            self.leaks |= {what for what, text in self.planted.items() if text.encode() in lines}
            self.rounds += 1

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.join()


def leaks_in(planted: dict[str, str], *texts: bytes) -> set[str]:
    return {what for what, text in planted.items() if any(text.encode() in each for each in texts)}


def state_beside_keys(akbot: Akbot) -> list[Path]:
    """The journal with its log of what is to be written, and all else that is no key."""
    keys = {akbot.identity, akbot.state / "signing.key"}
    return [path for path in akbot.state.rglob("*") if path.is_file() and path not in keys]


def test_no_secret_is_in_any_argv_log_manifest_journal_or_message(
    filled: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    secret = "planted-s3-secret-0123456789"
    store = tmp_path / "store"
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{store}", AWS_SECRET_ACCESS_KEY=secret)
    akbot.backup()
    planted = secrets_of(filled, akbot)
    assert len({value for value in planted.values() if len(value) > 20}) == len(planted)

    with Watch(planted) as watch:  # first: it finds a leak that is there
        idle = "import time; time.sleep(60)"
        leak = subprocess.Popen([sys.executable, "-c", idle, planted["private key"]])
        try:
            wait_until(lambda: watch.leaks == {"private key"}, "the planted leak is found")
        finally:
            leak.kill()
            leak.wait()
    assert leaks_in(planted, b"x" + planted["secret key"].encode()) == {"secret key"}

    s3 = f"s3://akbot/{tmp_path.name}?endpoint={filled.s3}&region=us-east-1"
    broken = {"AKBOT_STORE": s3.replace("akbot/", "no-such-bucket/"), "AKBOT_STACK": "x"}
    with Watch(planted) as watch:
        ended = [
            akbot("backup", "--json", "--pin"),
            akbot.with_settings(AKBOT_STORE=s3)("backup"),
            akbot.with_settings(AKBOT_STORE=s3)("check", "--json"),
            akbot.with_settings(**broken)("backup"),
            akbot("verify", "all", "--deep"),
            akbot("backups", "--json"),
            akbot("backups", "latest"),
            akbot("status", "--json"),
            akbot.with_settings(AKBOT_RECIPIENTS=planted["private key"])("backup"),
            akbot.with_settings(AKBOT_IDENTITY_FILE=str(akbot.state / "signing.key"))("backup"),
        ]
    assert [each.code for each in ended] == [0, 0, 0, 1, 0, 0, 0, 0, 2, 2]
    assert watch.rounds > 20
    assert watch.leaks == set()
    said = [text.encode() for each in ended for text in (each.out, each.err)]
    written = [path.read_bytes() for path in store.rglob("*") if path.is_file()]
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    written += [path.read_bytes() for path in stranger.fetch(filled, s3, "", fetched)]
    assert len(written) > 20
    journalled = {path.name: path.read_bytes() for path in state_beside_keys(akbot)}
    assert any(b"complete, verified and signed" in each for each in journalled.values())
    assert leaks_in(planted, *said, *written, *journalled.values()) == set()


@pytest.mark.usefixtures("large_table")
def test_a_killed_pg_dump_fails_the_backup_and_leaves_nothing(
    filled: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    process = akbot.with_settings(AKBOT_STORE=f"file://{store}").start("backup")
    wait_until(lambda: dump_runs(filled), "pg_dump copies rows")
    filled.docker("exec", "authentik-postgresql", "pkill", "-KILL", "pg_dump")

    _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert 'akbot: "pg_dump" failed with exit code 137' in err
    assert not [path for path in store.rglob("*") if path.is_file()]
    wait_until(lambda: not dump_runs(filled), "no session of the dump is left")


@pytest.mark.usefixtures("large_table")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_backup_leaves_nothing(
    filled: Sandbox, akbot: Akbot, tmp_path: Path, number: signal.Signals
) -> None:
    """By a person, by the system, or because the terminal, or the way to it, went away."""
    store = tmp_path / "store"
    process = akbot.with_settings(AKBOT_STORE=f"file://{store}").start("backup")
    wait_until(lambda: dump_runs(filled), "pg_dump copies rows")
    process.send_signal(number)

    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert not [path for path in store.rglob("*") if path.is_file()]
    wait_until(lambda: not dump_runs(filled), "no session of the dump is left")


PEAK_OF = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


@pytest.mark.usefixtures("large_table")
def test_memory_stays_within_its_limit_on_the_way_to_s3(akbot: Akbot) -> None:
    """`tests/bench/run` has the figures for 64 MiB and 1 GiB, and for a directory."""
    # begun by a small process: the kernel counts what the parent had when it forked
    measured = subprocess.run(
        [sys.executable, "-c", PEAK_OF, PROGRAM, "backup"],
        capture_output=True,
        text=True,
        check=True,
        cwd=akbot.folder,
        env=dict(akbot.environment),
    )

    assert int(measured.stdout) / 1024 <= 150
