"""The bot in its container, as the fifth service of the stack."""

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.health_address import HEALTH_ADDRESS
from tests.e2e import stranger
from tests.e2e.test_backup import wait_until
from tests.sandbox.fixture import Sandbox, script

pytestmark = pytest.mark.docker

SERVICES = ["authentik", "bot", "postgresql", "redis", "worker"]
STARTS = 3
COMPOSE = ("docker", "compose")
IN_BOT = (*COMPOSE, "exec", "--no-TTY", "bot")


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """What akbot.env says: the S3 store, in a folder of this test's own."""
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return {
        "AKBOT_STORE": sandbox.store_inside,
        "AKBOT_STACK": tmp_path.name,
        "AKBOT_BACKUP_SCHEDULE": "off",
        **{key: sandbox.environment[key] for key in keys},
    }


@pytest.fixture
def stack(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, where the test may start the bot; afterwards there is none."""
    yield sandbox
    sandbox.bot_down()


@pytest.fixture
def bot(stack: Sandbox, settings: dict[str, str]) -> Sandbox:
    """The stack with the bot running, and S3 as its store."""
    stack.bot_up(**settings)
    return stack


def containers(stack: Sandbox) -> dict[str, tuple[str, str, str]]:
    """Of each service: the container's id, its state and when it started."""
    found = {}
    for identity in stack.compose("ps", "--all", "--quiet", "--no-trunc").split():
        [each] = json.loads(stack.docker("inspect", identity))
        service = each["Config"]["Labels"]["com.docker.compose.service"]
        found[service] = (each["Id"], each["State"]["Status"], each["State"]["StartedAt"])
    return found


def akbot(stack: Sandbox, *arguments: str) -> str:
    """Run `akbot` in the bot's container and return what it prints."""
    return stack.run(*IN_BOT, "akbot", *arguments, timeout=300).stdout


def backup(stack: Sandbox, *arguments: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(akbot(stack, "backup", "--json", *arguments))
    return manifest


def assert_config_holds_the_project(stack: Sandbox, sealed: Path, place: Path) -> None:
    place.mkdir()
    identity = stack.bot_state / "identity.txt"
    stranger.shell('age -d -i "$1" "$2" | zstd -dc | tar -xp -C "$3"', identity, sealed, place)
    found, source = stranger.tree(place), stranger.tree(stack.project)
    for name in (".env", "docker-compose.yml", "sandbox.yml", "akbot.env"):
        assert found.get(name) == source.get(name), name
    assert {".env", "docker-compose.yml", "sandbox.yml"} <= set(found)


def test_five_services_without_any_settings_and_a_later_up_changes_nothing(
    stack: Sandbox,
) -> None:
    script("bot-image")
    assert not stack.bot_settings.exists()

    stack.run(*COMPOSE, "up", "--detach", "--wait", "--wait-timeout", "120", timeout=300)
    began = containers(stack)
    stack.compose("up", "--detach")

    assert sorted(began) == SERVICES
    assert {state for _, state, _ in began.values()} == {"running"}
    assert containers(stack) == began


def test_up_with_the_bot_leaves_the_others_as_they_are(stack: Sandbox) -> None:
    before = containers(stack)

    script("up", "--bot")

    after = containers(stack)
    assert sorted(after) == SERVICES
    assert {name: each for name, each in after.items() if name != "bot"} == before


def test_docker_calls_the_daemon_healthy_and_not_a_daemon_that_is_silent(
    stack: Sandbox, settings: dict[str, str]
) -> None:
    bot = stack
    bot.bot_up(**settings, AKBOT_HEALTH_LISTEN="127.0.0.1:9181")
    health = ("inspect", "--format", "{{.State.Health.Status}}", "authentik-bot")
    assert bot.docker(*health).strip() == "healthy"

    check = json.loads(
        bot.docker("inspect", "--format", "{{json .Config.Healthcheck.Test}}", "authentik-bot")
    )
    elsewhere = ("--env", "AKBOT_HEALTH_LISTEN=127.0.0.1:9")
    asked = [each.replace(str(HEALTH_ADDRESS), "/tmp/nowhere") for each in check[1:]]
    silent = bot.run("docker", "exec", *elsewhere, "authentik-bot", *asked, check=False)

    assert silent.returncode == 1
    assert "ConnectionRefusedError" in silent.stderr


def test_a_backup_goes_to_s3_with_compose_files_and_env(bot: Sandbox, tmp_path: Path) -> None:
    manifest = backup(bot)

    assert {"postgres", "redis", "media", "config"} <= {
        each["name"] for each in manifest["components"]
    }
    prefix = f"{manifest['stack']}/{manifest['id']}/"
    store = bot.environment["AKBOT_STORE"]
    fetched = {path.name: path for path in stranger.fetch(bot, store, prefix, tmp_path)}
    assert_config_holds_the_project(bot, fetched["config.tar.zst.age"], tmp_path / "config")


def test_a_backup_without_a_store_lies_in_the_state_folder_on_the_host(
    stack: Sandbox, tmp_path: Path
) -> None:
    stack.bot_up(AKBOT_STACK=tmp_path.name, AKBOT_BACKUP_SCHEDULE="off")

    manifest = backup(stack)

    folder = stack.bot_state / "backups" / manifest["stack"] / manifest["id"]
    assert (folder / "manifest.json").is_file()
    assert_config_holds_the_project(stack, folder / "config.tar.zst.age", tmp_path / "config")


def test_dumps_come_over_a_connection_and_nothing_is_wrong(bot: Sandbox) -> None:
    findings = {each["subject"]: each for each in json.loads(akbot(bot, "check", "--json"))}

    assert findings["transport"]["message"] == "dumps leave by connection back (bash)"
    assert {each["level"] for each in findings.values()} <= {"ok", "warning"}


def test_status_shows_the_stack_and_the_last_backup(bot: Sandbox) -> None:
    manifest = backup(bot)

    status = akbot(bot, "status")

    assert manifest["id"] in status
    for service in ("postgresql", "redis", "authentik", "worker"):
        assert f"\n{service} " in f"\n{status}"


def test_compose_in_the_bot_and_on_the_host_see_the_same_stack(bot: Sandbox) -> None:
    hashes = ("config", "--hash", "*")

    inside = compose_in_bot(bot, *hashes)

    assert sorted(inside.splitlines()) == sorted(bot.compose(*hashes).splitlines())
    assert len(inside.splitlines()) == len(SERVICES)


def compose_in_bot(stack: Sandbox, *arguments: str) -> str:
    """Run Compose in the bot's container, on the files of the containers' labels."""
    [server] = json.loads(stack.docker("inspect", "authentik"))
    labels = server["Config"]["Labels"]
    files = labels["com.docker.compose.project.config_files"].split(",")
    folder = labels["com.docker.compose.project.working_dir"]
    clean = ("env", "--ignore-environment", "HOME=/root", "PATH=/usr/bin")
    options = ["--project-directory", folder, *(part for file in files for part in ("-f", file))]
    return stack.run(*IN_BOT, *clean, *COMPOSE, *options, *arguments).stdout


def test_compose_in_the_bot_changes_nothing_and_neither_does_a_later_up(bot: Sandbox) -> None:
    began = containers(bot)

    compose_in_bot(bot, "up", "--detach", "--pull", "never", "--no-build")
    assert containers(bot) == began
    bot.compose("up", "--detach")

    assert containers(bot) == began


def test_env_may_be_edited_from_the_bot_by_rename_and_keeps_its_owner(bot: Sandbox) -> None:
    env = bot.project / ".env"
    before, text = env.stat(), env.read_text()
    edit = 'cp --preserve "$1" "$1.new" && echo "# edited" >>"$1.new" && mv "$1.new" "$1"'
    try:
        os.chown(env, 1026, 100)

        bot.run(*IN_BOT, "sh", "-c", edit, "sh", str(env))

        after = env.stat()
        assert env.read_text() == f"{text}# edited\n"
        assert (after.st_uid, after.st_gid, after.st_mode) == (1026, 100, before.st_mode)
    finally:
        os.chown(env, before.st_uid, before.st_gid)
        env.write_text(text)


def test_the_container_has_no_more_powers_than_it_needs(bot: Sandbox) -> None:
    [inspected] = json.loads(bot.docker("inspect", "authentik-bot"))
    host = inspected["HostConfig"]

    assert host["ReadonlyRootfs"]
    assert not host["Privileged"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    written = bot.run(*IN_BOT, "touch", "/opt/akbot/x", check=False)
    assert "Read-only file system" in written.stderr


def test_the_hosts_local_time_does_not_change_utc(stack: Sandbox) -> None:
    script("bot-image")
    tokyo = stack.state / "tokyo"
    stack.docker(
        "create", "--name", tokyo.name, "--label", stack.label, "akbot-sandbox/bot:checkout"
    )
    stack.docker("cp", f"{tokyo.name}:/usr/share/zoneinfo/Asia/Tokyo", str(tokyo))
    stack.docker("rm", tokyo.name)
    program = """
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo
now = datetime(2025, 7, 1, tzinfo=ZoneInfo("UTC"))
print(now.utcoffset() / timedelta(hours=1), now.astimezone().utcoffset() / timedelta(hours=1))
"""
    hours = stack.docker(
        *("run", "--rm", "--label", stack.label, "--network", "none"),
        *("--volume", f"{tokyo}:/etc/localtime:ro", "--entrypoint", "python"),
        *("akbot-sandbox/bot:checkout", "-c", program),
    )

    assert hours.split() == ["0.0", "9.0"]


BASE, IMAGE = "debian:trixie-slim", "akbot-sandbox/bot:checkout"
MOST = 200_000_000  # bytes beside the base
WHAT_IT_NEEDS = """
import importlib, pkgutil
import bot, zstandard
from bot.adapters.s3_models import lean_session
from datetime import UTC, datetime
from bot.domain.charts import BackupDot, Figures
from bot.entrypoints.drawing import draw
for each in pkgutil.walk_packages(bot.__path__, "bot."):
    if each.name != "bot.__main__":
        importlib.import_module(each.name)
for service in ("s3", "sts", "sso", "sso-oidc", "signin"):
    lean_session().create_client(service, "eu-central-1")
assert zstandard.decompress(zstandard.compress(b"x")) == b"x"
assert draw(Figures((BackupDot(datetime.now(UTC), 1, 1.0),))).startswith(b"\\x89PNG")
print("all there")
"""


def test_the_image_is_small_and_lacks_nothing_that_the_bot_imports(stack: Sandbox) -> None:
    """What its build leaves out of the packages must not be missed."""
    script("bot-image")
    sizes = stack.docker("image", "inspect", "--format", "{{.Size}}", IMAGE, BASE).split()
    run = ("run", "--rm", "--label", stack.label, "--network", "none", "--entrypoint")

    ended = stack.docker(*run, "python", IMAGE, "-I", "-c", WHAT_IT_NEEDS)

    assert ended == "all there\n"
    assert int(sizes[0]) - int(sizes[1]) < MOST
    tools = "for name in pip pip3 gcc cc make strip; do command -v $name; done; true"
    assert not stack.docker(*run, "sh", IMAGE, "-c", tools)


def test_in_the_image_compose_is_all_there_is_of_dockers_client(bot: Sandbox) -> None:
    assert "Docker Compose" in bot.run(*IN_BOT, "docker", "compose", "version").stdout
    other = bot.run(*IN_BOT, "docker", "ps", check=False)

    assert other.returncode == 1
    assert "only docker compose" in other.stderr


def test_it_answers_after_each_start(stack: Sandbox, settings: dict[str, str]) -> None:
    """How soon, `-s` shows; the goal is three seconds, where nothing else goes on."""
    stack.bot_up(**settings, AKBOT_HEALTH_LISTEN="0.0.0.0:9180")

    took = [seconds_to_healthz(stack) for _ in range(STARTS)]

    print(f"seconds to /healthz: {', '.join(f'{each:.2f}' for each in took)}")


def seconds_to_healthz(stack: Sandbox) -> float:
    """From `docker start` of the bot's container to the first 200."""
    stack.compose("stop", "bot")
    began = time.monotonic()
    stack.docker("start", "authentik-bot")
    networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = stack.docker("inspect", "--format", networks, "authentik-bot").strip()
    wait_until(lambda: answers_at(f"http://{address}:9180/healthz"), "/healthz")
    return time.monotonic() - began


def answers_at(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_docker_stop_ends_the_daemon_at_once(bot: Sandbox) -> None:
    began = time.monotonic()

    bot.compose("stop", "bot")

    assert time.monotonic() - began < 20
    [inspected] = json.loads(bot.docker("inspect", "authentik-bot"))
    assert inspected["State"]["ExitCode"] == 0


def test_an_image_is_not_built_twice() -> None:
    script("bot-image")

    assert script("bot-image") == ""


def test_the_bot_asks_the_registry_at_another_address(
    stack: Sandbox, settings: dict[str, str]
) -> None:
    stack.bot_up(
        **settings,
        AKBOT_REGISTRY_ENDPOINT=stack.registry_inside,
        AKBOT_RELEASE_FEED="off",
        AKBOT_UPDATE_MINIMUM_AGE="0",
    )

    value = json.loads(akbot(stack, "update", "--check", "--json", "2025.2.4"))

    assert value["place"] == f"{stack.registry}/goauthentik/server"
    assert [hop["to"] for hop in value["hops"]] == ["2025.2.4"]
    assert not value["holds"]
    assert "FAIL" not in akbot(stack, "update", "--preflight", "2025.2.4")
