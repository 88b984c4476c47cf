"""The bot in its container: by schedule, from the chat, and two of them that want the same."""

import json
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.bot_api.people import Person
from tests.bot_api.server import BotApi, bot_api
from tests.contracts.s3_proxy import proxy_before
from tests.e2e.aftermath import untouched
from tests.e2e.test_backup import dump_runs, wait_until
from tests.e2e.test_bot_service import IN_BOT
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker

ADA = 7
BOT = "akbot-sandbox/bot:checkout"


def bridge(sandbox: Sandbox) -> str:
    """The host's address as containers see it."""
    return str(urlsplit(sandbox.environment["SANDBOX_S3_INSIDE"]).hostname)


@pytest.fixture
def telegram(sandbox: Sandbox) -> Iterator[BotApi]:
    token = f"{secrets.randbelow(10**9) + 10**9}:planted-token-0123456789-abcdefghijk"
    with bot_api(token=token, addresses=("127.0.0.1", bridge(sandbox))) as telegram:
        yield telegram


@pytest.fixture
def ada(telegram: BotApi) -> Person:
    return telegram.user(ADA, "Ada")


@pytest.fixture
def settings(filled: Sandbox, telegram: BotApi, tmp_path: Path) -> dict[str, str]:
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return {
        "AKBOT_STORE": filled.store_inside,
        "AKBOT_STACK": tmp_path.name,
        "AKBOT_BACKUP_SCHEDULE": "off",
        "AKBOT_TELEGRAM_TOKEN": telegram.token,
        "AKBOT_TELEGRAM_ADMINS": str(ADA),
        "AKBOT_TELEGRAM_API": telegram.base_url_at(bridge(filled)).removesuffix("/bot"),
        **{key: filled.environment[key] for key in keys},
    }


@pytest.fixture
def stack(filled: Sandbox) -> Iterator[Sandbox]:
    yield filled
    filled.bot_down()


def jobs(stack: Sandbox) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = json.loads(stack.run(*IN_BOT, "akbot", "jobs", "--json").stdout)
    return listed


def test_a_scheduled_backup_and_one_from_the_chat(
    stack: Sandbox, settings: dict[str, str], telegram: BotApi, ada: Person
) -> None:
    began = datetime.now(UTC)

    def backups() -> list[dict[str, str]]:
        return [
            job
            for job in jobs(stack)
            if (job["kind"], job["state"]) == ("backup", "done")
            and datetime.fromisoformat(job["started"]) > began
        ]

    with untouched(stack):
        stack.bot_up(**{**settings, "AKBOT_BACKUP_SCHEDULE": "* * * * *"})
        wait_until(lambda: bool(backups()), "a scheduled backup", seconds=130)
        stack.bot_up(**settings)
        ada.says("/backup")
        telegram.wait(lambda: telegram.chat(ADA).saying("verified and signed"))
        done = backups()
        stack.bot_down()

    assert {job["trigger"] for job in done} == {"schedule", "chat"}
    slots = [job["slot"] for job in done if job["trigger"] == "schedule"]
    assert len(slots) == len(set(slots)), "each slot once"


def second_bot(stack: Sandbox, state: Path, settings: dict[str, str]) -> tuple[int, str]:
    """`akbot backup` in another container, of its own pid namespace, on the same stack."""
    environment = [f"--env={name}={value}" for name, value in settings.items()]
    mounts = [
        f"--volume={stack.project}:{stack.project}",
        "--volume=/var/run/docker.sock:/var/run/docker.sock",
        f"--volume={state}:/var/lib/akbot",
    ]
    ended = stack.run(
        *("docker", "run", "--rm", "--label", stack.label, "--network", "dockerization"),
        *(*mounts, *environment, BOT, "backup"),
        check=False,
    )
    return ended.returncode, ended.stderr


@pytest.mark.usefixtures("large_table")
def test_two_containers_do_not_back_up_at_once(
    stack: Sandbox, settings: dict[str, str], telegram: BotApi, ada: Person, tmp_path: Path
) -> None:
    with proxy_before(stack.s3, address=bridge(stack)) as slow, untouched(stack):
        slow.read_slowly = 0.02
        store = f"s3://akbot/{tmp_path.name}?endpoint={slow.endpoint}&region=us-east-1"
        settings["AKBOT_STORE"] = store
        stack.bot_up(**settings)
        ada.says("/backup")
        wait_until(lambda: dump_runs(stack), "pg_dump copies rows")

        same = second_bot(stack, stack.bot_state, settings)
        other = second_bot(stack, tmp_path / "other", settings)
        ada.says("/cancel")
        telegram.wait(lambda: telegram.chat(ADA).saying("ancelled"))
        stack.bot_down()

    for code, said in (same, other):
        assert code == 3, said
        assert re.search(r"akbot: busy: backup since \d\d:\d\d UTC", said)
    assert "begun by Ada" in same[1]
    assert "with another state folder" in other[1]
