"""A stack whose PostgreSQL is a host somewhere, in which its role is no superuser."""

from collections.abc import Iterator

import pytest

from tests.e2e.beside import Beside, Layout, beside
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker

OUTSIDE = Layout(
    name="outside",
    project="outside",
    services=("akbot-outside-database", "redis", "server", "worker"),
    login=("idp", "sso"),
    port=9013,
    outside="db.example.lan",
    env={"DB_SECRET": "not:so-secret", "PORT": "9013"},
    networks=("akbot-databases",),
    settings={"AKBOT_DATABASE_IMAGE": "akbot-sandbox/postgres:17"},
)


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox) -> Iterator[Beside]:
    """One for all tests, which follow one another."""
    with beside(sandbox, OUTSIDE) as stack:
        stack.write_media("as it was")
        yield stack


def test_it_is_found_by_the_servers_settings_and_nothing_is_wrong(stack: Beside) -> None:
    findings = {each["subject"]: each for each in stack.told("check")}

    assert findings["docker"]["message"] == 'found the stack "outside"'
    assert findings["postgresql"]["message"] == 'on "db.example.lan", outside of the project'
    assert findings["database"]["message"].startswith("PostgreSQL 17.")
    assert findings["transport"]["message"] == "dumps leave by connection back (bash)"
    assert not [each for each in findings.values() if each["level"] == "failure"]
    assert "database role" not in findings
    status = stack.akbot("status")
    assert all(f"\n{service} " in f"\n{status}" for service in ("redis", "server", "worker"))


def test_a_backup_is_proven(stack: Beside) -> None:
    backup = stack.told("backup")
    names = {each["name"] for each in backup["components"]}

    assert names == {"postgres", "globals", "redis", "media", "config"}
    assert stack.told("verify", "--deep", backup["id"])
    assert stack.told("drill", backup["id"])["verdict"] == "pass"
