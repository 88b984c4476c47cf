"""SIGKILL at every step and at random instants: what was begun is finished or undone."""

import json
import random
import secrets
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.aftermath import in_bucket, in_folder, sessions, throw_aways, untouched
from tests.e2e.akbot import Akbot
from tests.e2e.test_backup import wait_until
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = pytest.mark.docker

# Begun, but no step yet; then each step. The dump's is hidden behind that of the lane beside it,
# which is written in the same moment.
STEPS = [
    "", "store globals", "store redis", "store media", "store templates", "store certs",
    "store config", "commit",
]  # fmt: skip
INSTANTS = 20


def newest_job(akbot: Akbot) -> tuple[str, str]:
    """Id and step of the newest job, read past the product, as quickly as can be."""
    row = _asked(akbot, "SELECT id, step FROM jobs ORDER BY started DESC, id DESC")
    return row or ("", "")


def running_step(akbot: Akbot) -> str:
    """Where the job is that has not ended, likewise; the one before it may have ended there too."""
    row = _asked(akbot, "SELECT step FROM jobs WHERE ended IS NULL ORDER BY number DESC")
    return row[0] if row else ""


def _asked(akbot: Akbot, query: str) -> Any:
    try:
        with closing(
            sqlite3.connect(f"file:{akbot.state}/journal.db?mode=ro", uri=True)
        ) as journal:
            return journal.execute(query).fetchone()
    except sqlite3.OperationalError:
        return None


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate(timeout=60)


def in_store(store: Path) -> set[str]:
    """The ids of which anything lies in the store."""
    return {path.parent.name for path in in_folder(store)}


def jobs_of(akbot: Akbot) -> dict[str, dict[str, object]]:
    return {job["id"]: job for job in json.loads(akbot.ok("jobs", "--json"))}


def recovered(akbot: Akbot, process: "subprocess.Popen[str]", before: str) -> str:
    """Wait until a new process has settled what the one before left; the id of its own job."""
    wait_until(lambda: newest_job(akbot)[0] not in {"", before}, "the next job has begun")
    assert process.poll() is None
    return newest_job(akbot)[0]


def assert_finished_or_undone(akbot: Akbot, store: Path, job_id: str) -> str:
    job = jobs_of(akbot)[job_id]
    assert job["swept"] is True, job
    assert (job["state"] == "done") == (job_id in in_store(store)), job
    assert job["state"] in {"done", "interrupted"}, job
    return str(job["state"])


def test_killed_at_each_step(filled: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    store = tmp_path / "store"
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{store}")
    killed_in: dict[str, str] = {}
    with untouched(filled):
        for step in STEPS:
            before = newest_job(akbot)[0]
            process = akbot.start("backup")
            wait_until(
                lambda before=before, step=step: (
                    newest_job(akbot)[0] != before  # type: ignore[misc]
                    and newest_job(akbot)[1] == step
                ),
                f"step {step!r}",
            )
            kill(process)
            killed_in[newest_job(akbot)[0]] = newest_job(akbot)[1]
        good = akbot.backup()["id"]

    states = {assert_finished_or_undone(akbot, store, job_id) for job_id in killed_in}
    assert "interrupted" in states
    assert set(killed_in.values()) == set(STEPS)
    assert good in in_store(store)
    assert not throw_aways(filled)
    assert not sessions(filled)


@THOROUGH
def test_killed_at_random_instants(filled: Sandbox, akbot: Akbot, tmp_path: Path) -> None:
    store = tmp_path / "store"
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{store}")
    began = time.monotonic()
    akbot.backup()
    usual = time.monotonic() - began
    chance = random.Random(20261125)
    with untouched(filled):
        for _ in range(INSTANTS):
            process = akbot.start("backup")
            try:
                process.wait(chance.uniform(0, usual))
            except subprocess.TimeoutExpired:
                kill(process)
            else:
                process.communicate()
        akbot.backup()

    jobs = jobs_of(akbot)
    states = [assert_finished_or_undone(akbot, store, job_id) for job_id in jobs]
    assert states.count("interrupted") >= INSTANTS / 4
    assert in_store(store) == {job_id for job_id, job in jobs.items() if job["state"] == "done"}
    verified = json.loads(akbot.ok("verify", "all", "--json"))
    assert all(each["ok"] for each in verified)


def test_the_throw_away_container_of_a_killed_verification_is_swept(
    filled: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{tmp_path / 'store'}")
    akbot.backup()
    process = akbot.start("verify", "latest", "--deep")
    wait_until(
        lambda: bool(throw_aways(filled, "status=running")),
        "pg_restore reads in a container of its own",
    )
    kill(process)
    container = throw_aways(filled)
    state = ("inspect", "--format", "{{.State.Status}}", container)
    wait_until(lambda: filled.docker(*state).strip() == "exited", "it ends with its reader")

    akbot.backup()

    assert not throw_aways(filled)


def test_a_job_whose_process_is_gone_does_not_run(
    filled: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{tmp_path / 'store'}")
    process = akbot.start("backup")
    wait_until(lambda: newest_job(akbot)[1] != "", "it is at work")
    process.send_signal(signal.SIGSTOP)  # so that it is still at work when it is looked at
    [working] = jobs_of(akbot).values()
    kill(process)

    [job] = jobs_of(akbot).values()

    assert working["state"] == "running"
    assert (job["state"], job["swept"]) == ("interrupted", False)
    assert "cleaned up by the next akbot" in str(job["message"])
    assert "Running now" not in akbot.ok("status")
    akbot.backup()
    assert not sessions(filled)


def test_killed_while_parts_are_on_their_way_to_s3(filled: Sandbox, akbot: Akbot) -> None:
    prefix = f"kills-{secrets.token_hex(8)}"
    store = f"s3://akbot/{prefix}?endpoint={filled.s3}&region=us-east-1"
    akbot = akbot.with_settings(AKBOT_STORE=store)
    with untouched(filled):
        for _ in range(3):
            before = set(in_bucket(filled, prefix))
            process = akbot.start("backup")
            wait_until(
                lambda before=before: any(  # type: ignore[misc]
                    each.startswith("upload ") and each not in before
                    for each in in_bucket(filled, prefix)
                ),
                "another upload in parts is open",
            )
            kill(process)
            assert in_bucket(filled, prefix), "the test would show nothing"
        good = akbot.backup()["id"]

    assert all(f"/{good}/" in each for each in in_bucket(filled, prefix))
    states = [job["state"] for job in jobs_of(akbot).values()]
    assert states == ["done", *["interrupted"] * 3]


def test_a_drill_that_is_killed_leaves_nothing(
    filled: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{tmp_path / 'store'}")
    manifest = akbot.backup()
    volumes = filled.docker("volume", "ls", "--quiet")
    networks = filled.docker("network", "ls", "--quiet")
    with untouched(filled):
        for step, how in (("restore postgres", []), ("restore postgres", ["--boot"])):
            before = newest_job(akbot)[0]
            process = akbot.start("drill", *how)
            wait_until(
                lambda before=before, step=step: (
                    newest_job(akbot)[0] != before  # type: ignore[misc]
                    and newest_job(akbot)[1] == step
                    and bool(throw_aways(filled))
                ),
                f"step {step!r}",
            )
            kill(process)
            assert throw_aways(filled), "the test would show nothing"
        akbot.ok("drill")

    jobs = list(jobs_of(akbot).values())
    assert [job["state"] for job in jobs] == ["done", "interrupted", "interrupted", "done"]
    assert all(job["swept"] for job in jobs)
    assert filled.docker("volume", "ls", "--quiet") == volumes
    assert filled.docker("network", "ls", "--quiet") == networks
    assert in_store(tmp_path / "store") == {manifest["id"]}
