"""A store that fails in the middle of a restore: what serves is untouched, and nothing is left."""

import pytest

from tests.contracts.s3_proxy import Proxy, stalled
from tests.e2e.aftermath import sessions, throw_aways
from tests.e2e.akbot import PATIENCE, Akbot, Ended
from tests.e2e.test_backup import wait_until
from tests.e2e.test_faults import MANY, prefix, proxy, to_s3
from tests.e2e.test_kills import newest_job
from tests.e2e.test_restore import (
    assert_untouched,
    change_everything,
    containers,
    files,
    rows,
    stack,
)
from tests.sandbox.fixture import Sandbox

__all__ = ["prefix", "proxy", "stack", "to_s3"]

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
