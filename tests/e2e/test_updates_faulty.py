"""Every tag that is faulty: in the rehearsal nothing is touched, without one all comes back.

And where it cannot come back a person is called.
"""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import PATIENCE
from tests.e2e.late_rows import write_late
from tests.e2e.test_backup import wait_until
from tests.e2e.test_restore import rows, served
from tests.e2e.test_updates import bot_of, env_of, in_step
from tests.e2e.test_updates_kills import drop_aside, phase
from tests.e2e.visitor import Visitor, probing
from tests.sandbox.fixture import Sandbox, script
from tests.thorough import THOROUGH, a_few

pytestmark = pytest.mark.docker

FAULTS = {
    "2025.4.90": "with exit code 1",
    "2025.4.91": "/-/health/ready/",
    "2025.4.92": "a migration of 2025.4.92 fails: psycopg.errors.UndefinedTable",
    "2025.4.93": "again and again",
    "2025.4.94": 'Docker says that "worker" is',
    "2025.4.95": "login page answers 500",
    "2025.4.96": "instead of 2025.4.96",
    "2025.4.97": "/-/health/ready/",
}
"""What the reason must name."""
REHEARSED = FAULTS | {
    "2025.4.92": "its migrations fail at authentik_core.0046_session_and_more",
    "2025.4.93": "has ended with exit code 1",  # nobody starts it again there
    "2025.4.97": "its migrations lose rows",
}
"""Likewise in a rehearsal."""
QUICK = {
    "AKBOT_GATE_STABLE": "2",
    "AKBOT_GATE_TIMEOUT": "25",
    "AKBOT_REHEARSAL_STABLE": "2",
}
# one must end often enough; one is well for a while: 5 s where a start takes 2
PATIENT = {
    "2025.4.90": {"AKBOT_GATE_TIMEOUT": "60"},
    "2025.4.93": {
        "AKBOT_GATE_STABLE": "12",
        "AKBOT_GATE_TIMEOUT": "60",
        "AKBOT_REHEARSAL_STABLE": "12",
    },
}


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox) -> Iterator[Sandbox]:
    """2025.2.1 of the repository of faulty ones."""
    fresh = sandbox.fresh("--repository", "goauthentik/faulty")
    script("fill", "16MiB", "--media", "20")
    fresh.stand_ins(*(f"goauthentik/faulty:{tag}" for tag in FAULTS))
    yield fresh
    sandbox.fresh()


@pytest.fixture(scope="module")
def visitor(stack: Sandbox) -> Visitor:
    """Somebody who has logged in before it all began."""
    visitor = Visitor()
    visitor.log_in(stack)
    return visitor


def containers(stack: Sandbox) -> str:
    return stack.docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "authentik",
                        "authentik-worker", "authentik-postgresql", "authentik-redis")  # fmt: skip


@pytest.mark.parametrize("tag", a_few(FAULTS, of={"2025.4.97"}))
def test_in_the_rehearsal_nothing_is_touched(
    stack: Sandbox, tmp_path: Path, visitor: Visitor, tag: str
) -> None:
    bot = bot_of(stack, tmp_path, **(QUICK | PATIENT.get(tag, {})))
    before, data, env = containers(stack), rows(stack), env_of(stack)

    with probing() as prober:
        ended = bot("update", "--yes", tag)

    assert ended.code == 3, ended.err
    assert REHEARSED[tag] in ended.err
    assert ended.err.count("Nothing was changed") == 1
    assert prober.never_failed, prober.seen
    assert containers(stack) == before
    assert (rows(stack), env_of(stack)) == (data, env)
    assert visitor.is_logged_in()
    assert not throw_aways(stack)
    assert "failed here" in bot.ok("update", "--why", tag)


@pytest.mark.parametrize("tag", a_few(FAULTS, of={"2025.4.97"}))
def test_without_one_the_old_version_comes_back(
    stack: Sandbox, tmp_path: Path, visitor: Visitor, tag: str
) -> None:
    bot = bot_of(stack, tmp_path, **(QUICK | PATIENT.get(tag, {})))
    data, env = rows(stack), env_of(stack)
    started = bot.start("update", "--yes", "--no-rehearsal", tag)
    late = write_late(stack, bot, started)
    _, told = started.communicate(timeout=300)

    assert started.returncode == 4, told
    assert FAULTS[tag] in told
    assert "2025.2.1 serves again" in told
    assert served(stack) == (200, "2025.2.1")
    assert env_of(stack) == env
    late.came_back(stack, bot)
    assert rows(stack) == data
    assert visitor.is_logged_in()
    in_step(stack)
    drop_aside(stack)


def with_password(stack: Sandbox, password: str) -> str:
    """Write the database's password into `.env`; the one before."""
    file = stack.project / ".env"
    text = file.read_text()
    file.write_text(re.sub(r"(?m)^PG_PASS=.*$", f"PG_PASS={password}", text))
    found = re.search(r"(?m)^PG_PASS=(.*)$", text)
    assert found
    return found[1]


def test_a_person_is_called_where_the_old_version_cannot_serve_either(
    stack: Sandbox, tmp_path: Path, visitor: Visitor
) -> None:
    """Somebody has changed the database's password in `.env` meanwhile."""
    bot = bot_of(stack, tmp_path, **QUICK)
    data, env = rows(stack), env_of(stack)
    process = bot.start("update", "--yes", "--no-rehearsal", "2025.4.97")
    wait_until(lambda: phase(bot) == "back", "it goes back")
    process.send_signal(signal.SIGSTOP)
    right = with_password(stack, "another")
    process.send_signal(signal.SIGCONT)
    _, told = process.communicate(timeout=PATIENCE)
    with_password(stack, right)
    refused = bot("update", "--yes", "--no-rehearsal", "2025.4.90")
    stack.compose("up", "--detach", "--wait", "authentik", "worker")

    assert process.returncode == 5, told
    assert "2025.4.97 did not hold" in told
    assert "2025.2.1 was started again" in told
    assert "but it does not hold" in told
    assert 'See "Half-done renames" in RUNBOOK.md' in told
    assert "Traceback" not in told
    assert (refused.code, "was given up" in refused.err) == (3, True), refused.err
    [job] = [each for each in json.loads(bot.ok("jobs", "--json")) if not each["swept"]]
    assert job["state"] == "stuck"
    settle = f'run "akbot jobs settle {job["id"]}"'
    assert settle in told
    assert settle in refused.err
    bot.ok("jobs", "settle", job["id"])
    assert "was given up" not in bot.ok("update", "--why", "2025.4.90")
    assert served(stack) == (200, "2025.2.1")
    assert (rows(stack), env_of(stack)) == (data, env)
    assert visitor.is_logged_in()
    in_step(stack)
    drop_aside(stack)


def as_2026_11_wants_it(stack: Sandbox) -> None:
    """Files in /data, and an address."""
    redis = "      AUTHENTIK_REDIS__HOST: redis\n"
    file = stack.project / "docker-compose.yml"
    text = file.read_text().replace("target: /media\n", "target: /data\n")
    address = "      AUTHENTIK_WEB__BASE_URL: https://sso.example.org\n"
    file.write_text(text.replace(redis, redis + address))
    stack.compose("up", "--detach", "--wait", "postgresql", "redis", "authentik", "worker")


@THOROUGH
def test_a_version_that_only_noted_itself_is_forgotten(sandbox: Sandbox, tmp_path: Path) -> None:
    """2026.8.3 would refuse to start on the row that 2026.11.90 has written."""
    stack = sandbox.fresh("--repository", "goauthentik/faulty", "--tag", "2026.8.3")
    stack.stand_ins("goauthentik/faulty:2026.11.90")
    as_2026_11_wants_it(stack)
    bot = bot_of(stack, tmp_path, **QUICK)
    visitor = Visitor()
    visitor.log_in(stack)
    before, data = containers(stack), rows(stack)
    with probing() as prober:
        rehearsed = bot("update", "--yes", "2026.11.90")
    assert rehearsed.code == 3, rehearsed.err
    assert "the rehearsal of 2026.11.90" in rehearsed.err
    assert prober.never_failed, prober.seen
    assert (containers(stack), rows(stack)) == (before, data)

    started = bot.start("update", "--yes", "--no-rehearsal", "2026.11.90")
    late = write_late(stack, bot, started)
    _, told = started.communicate(timeout=PATIENCE)

    assert started.returncode == 4, told
    assert "only noted that 2026.11.90 began" in told
    assert served(stack) == (200, "2026.8.3")
    late.came_back(stack, bot)
    assert rows(stack) == data
    assert visitor.is_logged_in()
    assert stack.psql("SELECT version FROM authentik_version_history") == [["2026.8.3"]]
