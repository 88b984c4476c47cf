"""A stack whose PostgreSQL is a host somewhere, in which its role is no superuser."""

from collections.abc import Iterator

import pytest

from tests.e2e.aftermath import throw_aways
from tests.e2e.beside import Beside, Layout, beside, restored_and_taken_back
from tests.e2e.test_restore import served
from tests.runbook import chapters
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.docker, THOROUGH]

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

CLIENT = ["cat"]  # that with which the daemon looks around


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


def test_a_backup_is_proven_serves_again_and_is_taken_back(stack: Beside) -> None:
    backup = stack.told("backup")
    names = {each["name"] for each in backup["components"]}

    assert names == {"postgres", "globals", "redis", "media", "config"}
    assert stack.told("verify", "--deep", backup["id"])
    assert stack.told("drill", backup["id"])["verdict"] == "pass"

    restored_and_taken_back(stack, backup["id"])

    assert left(stack) in ([], CLIENT)


def test_a_version_that_migrates_and_the_way_back(stack: Beside) -> None:
    env, rows = stack.env, stack.rows()

    done = stack.told("update", "--yes", "2025.4.1")

    assert (done["before"], done["version"]) == ("2025.2.1", "2025.4.1")
    assert served(stack.sandbox) == (200, "2025.4.1")

    stack.akbot("rollback", "--yes", "--no-safety-backup")

    assert served(stack.sandbox) == (200, "2025.2.1")
    assert (stack.env, stack.rows()) == (env, rows)
    assert left(stack) in ([], CLIENT)
    assert stack.remade() == set()


def left(stack: Beside) -> list[str]:
    """What runs in throw-away containers."""
    listed = throw_aways(stack.sandbox, "status=running").split()
    shown = stack.sandbox.docker("inspect", "--format", "{{.Path}}", *listed) if listed else ""
    return shown.split()


def test_a_bootstrap_is_refused_with_the_chapter_that_says_how(stack: Beside) -> None:
    """The database outside lives, as it may where a host was lost."""
    backup = stack.told("backup")["id"]
    where = ("--from", "file:///var/lib/akbot/backups", "--identity", "/var/lib/akbot/identity.txt")

    ended = stack.ended(
        "restore", "--bootstrap", backup, *where, "--project-dir", "/tmp/x", "--yes"
    )

    assert (ended.returncode, ended.stdout) == (3, ""), ended.stderr
    assert f'on "{OUTSIDE.outside}", outside of the project' in ended.stderr
    assert "Nothing was changed" in ended.stderr
    [chapter] = [each for each in chapters() if f'RUNBOOK.md, "{each}"' in ended.stderr]
    assert chapter == "A PostgreSQL outside of the project"


def test_a_role_that_may_not_rename_is_backed_up_and_not_updated(stack: Beside) -> None:
    stack.as_owner("ALTER ROLE idp NOCREATEDB")
    try:
        findings = {each["subject"]: each for each in stack.told("check")}
        stack.akbot("backup")
        restore = stack.ended("restore", "latest", "--yes")
        update = stack.ended("update", "--yes", "2025.2.4")
    finally:
        stack.as_owner("ALTER ROLE idp CREATEDB")

    assert "backups work, restore and update are refused" in findings["database role"]["message"]
    for ended in (restore, update):
        assert (ended.returncode, ended.stdout) == (3, "")
        assert 'the role "idp" may not create databases' in ended.stderr
        assert "Nothing was changed" in ended.stderr
