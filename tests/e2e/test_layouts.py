"""Stacks that akbot did not bring: all that it does, on compose files that it must not change."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import Akbot
from tests.e2e.beside import LAYOUTS, Beside, Layout, beside, restored_and_taken_back
from tests.e2e.test_restore import served
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.docker, THOROUGH]

OFFICIAL = Layout(
    name="official",
    project="official",
    services=("postgresql", "redis", "server", "worker"),
    login=("authentik", "authentik"),
    port=9011,
    follow_env=frozenset({"postgresql", "server", "worker"}),
    env={"PG_PASS": "not-so-secret", "COMPOSE_PORT_HTTP": "9011", "COMPOSE_PORT_HTTPS": "9444"},
)
RENAMED = Layout(
    name="renamed",
    project="auth",
    services=("db", "cache", "web", "jobs"),
    login=("keeper", "idp"),
    port=9012,
    options=("--project-name", "auth"),
    env={"DB_SECRET": "not-so-secret", "PORT": "9012"},
    networks=("akbot-edge",),
    settings={
        "AKBOT_SERVICE_POSTGRESQL": "db",
        "AKBOT_SERVICE_REDIS": "cache",
        "AKBOT_SERVICE_SERVER": "web",
        "AKBOT_SERVICE_WORKER": "jobs",
    },
)


@pytest.fixture(scope="module", params=[OFFICIAL, RENAMED], ids=lambda each: each.name)
def stack(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Beside]:
    """One for all tests of a layout, which follow one another."""
    with beside(sandbox, request.param) as stack:
        stack.write_media("as it was")
        yield stack


def texts(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.glob("*.y*ml")}


def changed(before: list[str], after: list[str]) -> list[str]:
    return [line for line in difflib.ndiff(before, after) if line[0] in "+-"]


def test_it_finds_the_stack_and_nothing_is_wrong(stack: Beside) -> None:
    findings = {each["subject"]: each for each in stack.told("check")}

    assert findings["docker"]["message"] == f'found the stack "{stack.layout.project}"'
    assert findings["transport"]["message"] == "dumps leave by connection back (bash)"
    assert not [each for each in findings.values() if each["level"] == "failure"]
    status = stack.akbot("status")
    assert all(f"\n{service} " in f"\n{status}" for service in stack.layout.services), status


def test_a_backup_is_proven_serves_again_and_is_taken_back(stack: Beside) -> None:
    files, env = texts(LAYOUTS / stack.layout.name), stack.env
    backup = stack.told("backup")
    names = {each["name"] for each in backup["components"]}
    assert names == {"postgres", "globals", "redis", "media", "templates", "certs", "config"}
    assert stack.told("drill", backup["id"])["verdict"] == "pass"

    restored_and_taken_back(stack, backup["id"])

    assert (texts(stack.folder), stack.env) == (files, env)
    assert not throw_aways(stack.sandbox)
    assert stack.remade() == set()


def test_a_patch_changes_the_tag_alone(stack: Beside) -> None:
    env = stack.env

    done = stack.told("update", "--yes", "--no-rehearsal", "2025.2.4")

    assert (done["before"], done["version"], done["hops"]) == ("2025.2.1", "2025.2.4", 1)
    assert served(stack.sandbox) == (200, "2025.2.4")
    assert changed(env, stack.env) == ["- AUTHENTIK_TAG=2025.2.1", "+ AUTHENTIK_TAG=2025.2.4"]


def test_a_version_that_migrates_and_the_way_back(stack: Beside) -> None:
    """Right after the other update, whose tag is nothing that has to be brought in step first."""
    files, env, rows = texts(LAYOUTS / stack.layout.name), stack.env, stack.rows()

    done = stack.told("update", "--yes", "2025.4.1")

    assert (done["before"], done["version"], done["hops"]) == ("2025.2.4", "2025.4.1", 1)
    assert served(stack.sandbox) == (200, "2025.4.1")
    assert changed(env, stack.env) == ["- AUTHENTIK_TAG=2025.2.4", "+ AUTHENTIK_TAG=2025.4.1"]
    assert stack.remade() == stack.layout.follow_env

    stack.akbot("rollback", "--yes", "--no-safety-backup")

    assert served(stack.sandbox) == (200, "2025.2.4")
    assert (texts(stack.folder), stack.env, stack.rows()) == (files, env, rows)
    assert not throw_aways(stack.sandbox)
    assert stack.remade() == stack.layout.follow_env


def test_the_stack_goes_and_comes_and_the_bot_stays(stack: Beside) -> None:
    before = stack.bot("ps", "--quiet", "--no-trunc")

    stack.compose("rm", "--stop", "--force", stack.layout.services[2])
    stack.compose("up", "--detach", "--wait", "--remove-orphans")

    assert stack.bot("ps", "--quiet", "--no-trunc") == before
    assert stack.akbot("status")


@dataclass
class Half:
    """akbot, and a project that has what a test makes: containers that do not run."""

    sandbox: Sandbox
    akbot: Akbot
    made: list[str] = field(default_factory=list)

    def make(self, service: str, *options: str, image: str = "redis:8") -> None:
        compose = "com.docker.compose"
        labels = {"project": "half", "service": service, "oneoff": "False"}
        words = [f"--label={compose}.{name}={value}" for name, value in labels.items()]
        words += [f"--label={self.sandbox.label}", *options]
        self.made += self.sandbox.docker("create", *words, f"akbot-sandbox/{image}").split()


@pytest.fixture
def half(sandbox: Sandbox, akbot: Akbot) -> Iterator[Half]:
    half = Half(sandbox, akbot.with_settings(AKBOT_PROJECT="half"))
    yield half
    sandbox.docker("rm", "--volumes", *half.made)


def test_a_database_that_nobody_reaches_is_told_with_its_host(half: Half) -> None:
    for service in ("server", "worker"):
        half.make(service, "--env=AUTHENTIK_POSTGRESQL__HOST=127.0.0.9")
    akbot = half.akbot.with_settings(AKBOT_DATABASE_IMAGE="akbot-sandbox/postgres:17")
    words = 'reach Authentik\'s database on "127.0.0.9"'

    backup = akbot("backup")
    assert (backup.code, backup.out) == (1, "")
    assert words in backup.err
    assert "AKBOT_DATABASE_HOST" in backup.err
    check = akbot("check")
    assert check.code == 1
    assert f"FAIL  database: {words}" in check.out
    assert not throw_aways(half.sandbox)


def test_a_database_by_another_name_is_named_with_its_setting(half: Half) -> None:
    for service in ("server", "worker"):
        half.make(service, "--env=AUTHENTIK_POSTGRESQL__HOST=half-database")
    half.make("db", "--name=half-database", image="postgres:17")

    ended = half.akbot("backup")

    assert (ended.code, ended.out) == (2, "")
    assert "Set AKBOT_SERVICE_POSTGRESQL=db." in ended.err
