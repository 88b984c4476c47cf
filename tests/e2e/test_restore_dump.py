"""`akbot restore --dump` on a live stack: what a person has dumped serves, nothing else moves."""

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.aftermath import sessions, throw_aways
from tests.e2e.akbot import PROGRAM, Akbot, Ended
from tests.e2e.filled import fill_redis
from tests.e2e.test_backup import wait_until
from tests.e2e.test_kills import kill
from tests.e2e.test_restore import (
    containers,
    files,
    forget_kept,
    own_databases,
    rows,
    served,
    unchanged_by_up,
)
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH, a_few

pytestmark = pytest.mark.docker

PG_DUMP = (
    "docker",
    "exec",
    "authentik-postgresql",
    "pg_dump",
    "-U",
    "authentik",
    "-d",
    "authentik",
)


@pytest.fixture
def to_folder(akbot: Akbot, tmp_path: Path) -> Akbot:
    """It stores into a folder, and does not look long at the gate."""
    return akbot.with_settings(
        AKBOT_STORE=f"file://{tmp_path / 'store'}", AKBOT_GATE_STABLE="2", AKBOT_GATE_TIMEOUT="120"
    )


ADD = r"""
DROP TABLE IF EXISTS test_added;
DELETE FROM authentik_core_group WHERE name LIKE 'test-dump-%';
INSERT INTO authentik_core_group (group_uuid, name, is_superuser, attributes)
  SELECT gen_random_uuid(), 'test-dump-' || n || E' \\ \t \n\\.\n it''s', false, '{"a": "\\n;"}'
  FROM generate_series(1, 1000) n
"""
CHANGE = """
UPDATE authentik_core_group SET is_superuser = true WHERE name LIKE 'test-dump-1%';
DELETE FROM authentik_core_group WHERE name LIKE 'test-dump-2%';
CREATE TABLE test_added (id int); INSERT INTO test_added VALUES (1)
"""


@pytest.fixture
def stack(sandbox: Sandbox) -> Iterator[Sandbox]:
    forget_kept(sandbox)
    sandbox.psql(ADD)
    yield sandbox
    forget_kept(sandbox)
    fill_redis(sandbox)
    sandbox.psql(
        "DROP TABLE IF EXISTS test_added;"
        " DELETE FROM authentik_core_group WHERE name LIKE 'test-dump-%'"
    )


def dumped(folder: Path, *options: str) -> Path:
    """A dump as Authentik's documentation shows it, and with other *options*."""
    path = folder / "authentik.dump"
    with path.open("wb") as file:
        subprocess.run([*PG_DUMP, *options], stdout=file, check=True, timeout=300)
    return path


@pytest.mark.parametrize("options", a_few((("-cC",), ("-Fc",)), of={"-cC"}), ids=" ".join)
def test_the_rows_of_the_dump_come_back_and_an_undo_takes_them_back(
    stack: Sandbox, to_folder: Akbot, tmp_path: Path, options: tuple[str, ...]
) -> None:
    then_rows, then = rows(stack), served(stack)
    dump = dumped(tmp_path, *options)
    stack.psql(CHANGE)
    stack.redis("set", "test:added", "1")
    (stack.mounts / "authentik" / "media" / "added").write_text("since")
    now_rows, now_files = rows(stack), files(stack)
    assert now_rows != then_rows

    ended = to_folder("restore", "--dump", str(dump), "--yes", "--json")

    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["dump"] == '"authentik.dump"'
    assert rows(stack) == then_rows
    assert files(stack) == now_files
    assert served(stack) == then
    assert stack.redis("exists", "test:added") == "0"
    unchanged_by_up(stack)
    assert "Not touched: media, templates, certs." in ended.err
    assert "Who was deleted since comes back" in ended.err
    assert len(own_databases(stack)) == 1
    assert not throw_aways(stack)

    to_folder.ok("restore", "--undo", "--yes")

    assert (rows(stack), files(stack), served(stack)) == (now_rows, now_files, then)
    assert stack.redis("get", "test:added") == "1"
    unchanged_by_up(stack)
    wait_until(lambda: not sessions(stack), "no session of akbot is left in the database")
    assert not throw_aways(stack)


@THOROUGH
def test_a_dump_from_stdin_of_an_older_version_brings_that_version_back(
    stack: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    env = stack.project / ".env"
    dump = gzip.compress(dumped(tmp_path, "-cC").read_bytes())
    before = env.read_text()
    newer = before.replace("AUTHENTIK_TAG=2025.2.1\n", "AUTHENTIK_TAG=2025.4.1\n")
    env.write_text(newer)
    stack.run("docker", "compose", "up", "--detach", "--wait", "authentik", "worker", timeout=300)
    assert served(stack) == (200, "2025.4.1")

    ended = subprocess.run(
        [PROGRAM, "restore", "--dump", "-", "--yes", "--no-safety-backup"],
        input=dump,
        capture_output=True,
        check=False,
        timeout=300,
        cwd=to_folder.folder,
        env=dict(to_folder.environment),
    )

    assert ended.returncode == 0, ended.stderr
    assert b"Authentik 2025.4.1 becomes 2025.2.1." in ended.stderr
    assert served(stack) == (200, "2025.2.1")
    assert env.read_text() == before
    unchanged_by_up(stack)


def assert_untouched(stack: Sandbox, ended: Ended, code: int, words: str) -> None:
    assert ended.code == code, ended.err
    assert words in ended.err
    assert own_databases(stack) == []
    assert not throw_aways(stack)


def test_what_is_half_hostile_or_none_of_ours_touches_nothing(
    stack: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    before, then_rows = containers(stack), rows(stack)
    path = tmp_path / "given"

    def given(data: bytes, *arguments: str) -> Ended:
        path.write_bytes(data)
        return to_folder("restore", "--dump", str(path), *arguments)

    plain, custom = (dumped(tmp_path, each).read_bytes() for each in ("-cC", "-Fc"))
    kill_all = b"\\connect postgres\nDROP DATABASE authentik WITH (FORCE);\n"
    hostile = b"COPY (SELECT 1) TO PROGRAM 'dropdb -f -U authentik authentik';\n"

    assert_untouched(stack, given(plain[: len(plain) // 2], "--yes"), 1, "cut off")
    assert_untouched(stack, given(custom[: len(custom) // 2], "--yes"), 1, "pg_restore cannot")
    assert_untouched(stack, given(plain + kill_all, "--yes"), 3, "several databases")
    assert_untouched(stack, given(plain + hostile, "--yes"), 3, "which pg_dump does not write")
    assert_untouched(stack, given(plain + b"\\! touch /x\n", "--yes"), 3, "pg_dump does not write")
    rowless = dumped(tmp_path, "-s").read_bytes()
    assert_untouched(stack, given(rowless, "--yes"), 3, "there is no user")
    assert_untouched(stack, given(dumped(tmp_path, "-Ft").read_bytes(), "--yes"), 3, "tar archive")
    assert_untouched(stack, given(plain), 3, "the restore was not confirmed")
    assert_untouched(stack, to_folder("restore", "--dump", "/nowhere"), 2, "No such file")
    assert_untouched(stack, to_folder("restore", "--dump", str(tmp_path)), 2, "it is a folder")
    dry = given(plain, "--dry-run")
    assert_untouched(stack, dry, 0, "")
    assert 'The dump "given", of Authentik 2025.2.1, is to serve.' in dry.out
    assert containers(stack) == before
    assert rows(stack) == then_rows


STEPS = [
    "loading the dump where it reaches nothing", "restoring the dump beside what serves",
    "swapping the databases", "waiting until it holds",
]  # fmt: skip


@THOROUGH
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_the_next_command_finds_one_whole_state(
    stack: Sandbox, to_folder: Akbot, tmp_path: Path, step: str
) -> None:
    dump = dumped(tmp_path, "-cC")
    stack.psql("CREATE TABLE test_added (id int)")

    killed_at(to_folder, step, "restore", "--dump", str(dump), "--yes", "--no-safety-backup")
    to_folder.ok("prune")

    is_new = step == "waiting until it holds"
    [[there]] = stack.psql("SELECT to_regclass('test_added') IS NOT NULL")
    assert there == ("f" if is_new else "t")
    assert served(stack)[0] == 200
    assert len(own_databases(stack)) == int(is_new)
    assert not throw_aways(stack)
    unchanged_by_up(stack)


def killed_at(akbot: Akbot, step: str, *arguments: str) -> None:
    process = akbot.start(*arguments)
    assert process.stderr
    for line in process.stderr:
        if line.strip() == step:
            break
    else:
        pytest.fail(f"it never came to {step}")
    kill(process)
