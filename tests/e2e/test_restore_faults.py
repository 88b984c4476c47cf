"""What fails in the middle of a restore: what serves is untouched, and nothing is left."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from tests.contracts.s3_proxy import Proxy, stalled
from tests.contracts.small_disks import MIB, disk_of
from tests.e2e.aftermath import sessions, throw_aways
from tests.e2e.akbot import PATIENCE, Akbot, Ended
from tests.e2e.damaged import resign
from tests.e2e.test_backup import wait_until
from tests.e2e.test_drill import folder_of
from tests.e2e.test_faults import MANY, prefix, proxy, to_s3
from tests.e2e.test_kills import newest_job
from tests.e2e.test_restore import (
    answers,
    assert_untouched,
    change_everything,
    containers,
    files,
    rows,
    stack,
    to_folder,
)
from tests.sandbox.fixture import Sandbox

__all__ = ["prefix", "proxy", "stack", "to_folder", "to_s3"]

pytestmark = pytest.mark.docker

PATIENT = {"AKBOT_STORE_TIMEOUT": "30", "AKBOT_STORE_OUTAGE": "60"}


@pytest.mark.parametrize("number", [100_000, 5_000_000])
def test_a_store_that_is_cut_off_at_a_byte(
    stack: Sandbox, proxy: Proxy, to_s3: Akbot, number: int
) -> None:
    backup_id = to_s3.with_settings(**PATIENT).backup()["id"]
    change_everything(stack)
    before = rows(stack), files(stack), containers(stack)
    proxy.fail("get", stalled(4, after=number), times=MANY)

    ended = to_s3("restore", backup_id, "--yes")

    assert_untouched(stack, ended, 1, "no answer in time", "nothing that serves was changed")
    assert (rows(stack), files(stack), containers(stack)) == before
    assert not throw_aways(stack)


def test_a_store_that_goes_away_while_the_database_is_loaded(
    stack: Sandbox, proxy: Proxy, to_s3: Akbot
) -> None:
    backup_id = to_s3.with_settings(**PATIENT).backup()["id"]
    change_everything(stack)
    before = rows(stack), files(stack), containers(stack)
    process = to_s3.start("restore", backup_id, "--yes", "--no-safety-backup")
    step = "restoring postgres beside what serves"
    wait_until(lambda: newest_job(to_s3)[1] == step, step)
    proxy.is_down = True
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        proxy.is_down = False

    ended = Ended(process.returncode, out, err)
    assert_untouched(stack, ended, 1, "nothing that serves was changed")
    assert (rows(stack), files(stack), containers(stack)) == before
    wait_until(lambda: not sessions(stack), "no session of akbot is left in the database")
    assert not throw_aways(stack)


@contextmanager
def room_for_half_a_copy(stack: Sandbox) -> Iterator[Path]:
    """PostgreSQL's databases on a disk of their own, on which no second one of that size fits.

    The log that the server writes ahead lies elsewhere, as on any host that keeps it apart.
    """
    base = stack.mounts / "authentik" / "database" / "base"
    original = base.with_name("base-original")
    stack.docker("stop", "authentik-postgresql")
    try:
        base.rename(original)
        half = sum(each.stat().st_size for each in largest(original).iterdir()) // 2
        with disk_of((size_of(original) + half) // MIB, base):
            copy(original, base)
            stack.docker("start", "authentik-postgresql")
            try:
                wait_until(lambda: is_ready(stack) and answers(stack), "the stack serves")
                yield base
            finally:
                stack.docker("stop", "authentik-postgresql")
                rmtree(original)
                copy(base, original)
    finally:
        if original.exists():
            base.rmdir()
            original.rename(base)
        stack.docker("start", "authentik-postgresql")
        wait_until(lambda: is_ready(stack) and answers(stack), "the stack serves again")


def largest(folder: Path) -> Path:
    return max(folder.iterdir(), key=size_of)


def size_of(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", f"{source}/.", target], check=True)


def is_ready(stack: Sandbox) -> bool:
    asked = stack.run("docker", "exec", "authentik-postgresql", "pg_isready", check=False)
    return asked.returncode == 0


def test_a_disk_that_is_full_before_all_is_loaded(stack: Sandbox, to_folder: Akbot) -> None:
    with room_for_half_a_copy(stack) as disk:
        backup_id = to_folder.backup()["id"]
        change_everything(stack)
        before = rows(stack), files(stack), containers(stack)
        free = shutil.disk_usage(disk).free

        ended = to_folder("restore", backup_id, "--yes", "--no-safety-backup")

        assert_untouched(stack, ended, 1, "No space left", "nothing that serves was changed")
        assert (rows(stack), files(stack), containers(stack)) == before
        assert shutil.disk_usage(disk).free > free - 16 * MIB, "its room was given back"
        assert not throw_aways(stack)


def test_a_backup_of_another_stack_or_of_a_newer_postgresql_is_refused(
    stack: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    other = to_folder.with_settings(AKBOT_STACK="other")
    theirs, newer = other.backup()["id"], to_folder.backup()["id"]
    own = folder_of(tmp_path, newer)
    shutil.copytree(folder_of(tmp_path, theirs), own.with_name(theirs))
    change_everything(stack)
    before = rows(stack), files(stack), containers(stack)

    ended = to_folder("restore", theirs, "--yes")
    assert_untouched(stack, ended, 3, "was copied here", 'belongs to "other/')

    resign(to_folder, own, of_postgresql_99)
    ended = to_folder("restore", newer, "--yes")
    assert_untouched(stack, ended, 3, "older than the backup's 99.1", "Nothing was changed.")

    assert (rows(stack), files(stack), containers(stack)) == before
    assert not throw_aways(stack)


def of_postgresql_99(manifest: dict[str, Any]) -> None:
    manifest["software"]["postgresql"] = "99.1"
