"""`akbot update` and `akbot rollback` on the real stack, with every tag that is good.

The stack is its own, so it comes late: afterwards there is a new one, with nothing in it.
"""

import difflib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.e2e.aftermath import throw_aways
from tests.e2e.akbot import PATIENCE, Akbot
from tests.e2e.disturbed import Disturbance, disturb, require
from tests.e2e.late_rows import write_late
from tests.e2e.test_backup import wait_until
from tests.e2e.test_restore import answers, own_databases, rows, served
from tests.e2e.test_restore_kills import TRIES, last_restore, stopped_at
from tests.e2e.visitor import Visitor, probing
from tests.sandbox.fixture import Sandbox, script

pytestmark = pytest.mark.docker

EARLY = ("2025.2.4", "2025.4.4", "2025.6.4", "2025.8.6", "2025.10.4")
LATE = ("2025.12.4", "2026.2.2", "2026.5.7", "2026.8.3")
SERVICES = ("postgresql", "redis", "authentik", "worker")
KEPT = ("authentik-postgresql", "authentik-redis")
ROLLED = ("authentik", "authentik-worker")
"""The containers that an update leaves alone, and those that it makes anew."""
ALTERED = {f"public.authentik_{name}" for name in ("core_user", "core_group", "brands_brand")}
"""To whose rows the migrations add something, so that they can be counted only."""
NOTED = ("public.authentik_version_history", "public.django_")
"""What an update writes, and Django for itself."""
OTHER_COMPOSE = "2.0.0"


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox) -> Iterator[Sandbox]:
    """2025.2.1 with some thousand rows; its registry has every good tag."""
    fresh = sandbox.fresh()
    script("fill", "16MiB", "--media", "20")
    fresh.stand_ins(*(f"goauthentik/server:{tag}" for tag in (*EARLY, *LATE)))
    yield fresh
    sandbox.fresh()


@pytest.fixture(scope="module")
def visitor(stack: Sandbox) -> Visitor:
    """Somebody who has logged in before it all began."""
    visitor = Visitor()
    visitor.log_in(stack)
    assert visitor.is_logged_in()
    return visitor


@dataclass(frozen=True)
class Early:
    """A backup of where it all began, by a bot that has no part in the updates."""

    bot: Akbot
    backup: str
    rows: Mapping[str, object]
    media: Mapping[str, bytes]
    texts: Mapping[str, bytes]


@pytest.fixture(scope="module", autouse=True)
def early(stack: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Early:
    bot = bot_of(stack, tmp_path_factory.mktemp("early"))
    media, data = contents(stack.mounts / "authentik" / "media"), rows(stack)
    return Early(bot, bot.backup()["id"], data, media, texts(stack))


@pytest.fixture(scope="module")
def late(stack: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Akbot:
    """The bot that has gone to the newest version, and knows the way back."""
    return bot_of(stack, tmp_path_factory.mktemp("late"))


def contents(folder: Path) -> dict[str, bytes]:
    found = (each for each in folder.rglob("*") if each.is_file() and ".akbot-" not in str(each))
    return {str(each.relative_to(folder)): each.read_bytes() for each in found}


def texts(stack: Sandbox) -> dict[str, bytes]:
    """The compose files."""
    return {each.name: each.read_bytes() for each in stack.project.glob("*.yml")}


@pytest.fixture
def bot(stack: Sandbox, tmp_path: Path) -> Akbot:
    """It remembers nothing of the other tests, such as a version that was taken back."""
    return bot_of(stack, tmp_path)


def bot_of(stack: Sandbox, folder: Path, **settings: str) -> Akbot:
    """It looks at the gate for two seconds, and waits for no version to ripen."""
    own = {
        "AKBOT_STATE": str(folder / "state"),
        "AKBOT_STORE": f"file://{folder / 'store'}",
        "AKBOT_STACK": "updates",
        "AKBOT_RELEASE_FEED": "off",
        "AKBOT_UPDATE_MINIMUM_AGE": "0",
        "AKBOT_GATE_STABLE": "2",
        "AKBOT_GATE_TIMEOUT": "120",
        "AKBOT_REHEARSAL_STABLE": "2",
    }
    return Akbot(folder, {**stack.environment, **own, **settings})


def updated(bot: Akbot, *arguments: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(bot.ok("update", "--yes", "--json", *arguments))
    return value


def env_of(stack: Sandbox) -> list[str]:
    return lines_of(stack.project / ".env")


def lines_of(file: Path) -> list[str]:
    """As they stand there: only a line feed ends one, and no byte is taken for another."""
    return file.read_bytes().decode().split("\n")


def changed_lines(before: list[str], after: list[str]) -> list[str]:
    return [line for line in difflib.ndiff(before, after) if line[0] in "+-"]


def tables(stack: Sandbox) -> dict[str, object]:
    """All that people wrote, by table, as it can be compared before and after migrations."""
    return {
        name: count if name in ALTERED else (count, checksum)
        for name, (count, checksum) in rows(stack).items()
        if not name.startswith(NOTED)
    }


def assert_whole(stack: Sandbox, before: Mapping[str, object]) -> None:
    """The tables of *before* hold what they held; there may be more of them."""
    after = tables(stack)
    assert {name: after.get(name) for name in before} == before


def ids(stack: Sandbox, *names: str) -> list[str]:
    return stack.docker("inspect", "--format", "{{.Id}}", *names).split()


def make_by_another_compose(stack: Sandbox, name: str) -> None:
    """Make a container anew as another version of Compose would have labelled it."""
    api = docker.APIClient(version="auto")
    try:
        seen = api.inspect_container(name)
        labels = seen["Config"]["Labels"] | {
            "com.docker.compose.version": OTHER_COMPOSE,
            "com.docker.compose.config-hash": "0" * 64,
        }
        networks = seen["NetworkSettings"]["Networks"].items()
        ends = {net: {"Aliases": end["Aliases"]} for net, end in networks}
        config = {
            **seen["Config"],
            "Labels": labels,
            "HostConfig": seen["HostConfig"],
            "NetworkingConfig": {"EndpointsConfig": ends},
        }
        api.stop(name)
        api.remove_container(name)
        api.start(api.create_container_from_config(config, name))  # type: ignore[no-untyped-call]
    finally:
        api.close()
    wait_until_healthy(stack, name)


def wait_until_healthy(stack: Sandbox, name: str) -> None:
    healthy = f"docker inspect --format {{{{.State.Health.Status}}}} {name}".split()
    wait_until(lambda: stack.run(*healthy).stdout.strip() == "healthy", f"{name} is healthy")


def made_by(stack: Sandbox, name: str) -> str:
    """The version of Compose that made a container, as its label says."""
    label = '{{index .Config.Labels "com.docker.compose.version"}}'
    return stack.docker("inspect", "--format", label, name).strip()


def in_step(stack: Sandbox) -> None:
    """A person's own `docker compose up -d` makes nothing anew."""
    before = stack.docker("ps", "--all", "--quiet", "--no-trunc")
    services = [each for each in SERVICES if each in stack.compose("config", "--services").split()]
    stack.compose("up", "--detach", *services)  # not the bot
    assert stack.docker("ps", "--all", "--quiet", "--no-trunc") == before


def test_a_patch_and_the_way_back(stack: Sandbox, bot: Akbot, visitor: Visitor) -> None:
    """Where another version of Compose has made it all: PostgreSQL and Redis stay what they are."""
    for each in (*KEPT, *ROLLED):
        make_by_another_compose(stack, each)
    env, data = env_of(stack), rows(stack)
    kept, old = ids(stack, *KEPT), ids(stack, *ROLLED)

    done = updated(bot, "2025.2.4")

    assert (done["before"], done["version"], done["hops"]) == ("2025.2.1", "2025.2.4", 1)
    assert served(stack) == (200, "2025.2.4")
    assert changed_lines(env, env_of(stack)) == [
        "- AUTHENTIK_TAG=2025.2.1", "+ AUTHENTIK_TAG=2025.2.4",
    ]  # fmt: skip
    assert visitor.is_logged_in()
    history = "public.authentik_version_history"
    assert {**rows(stack), history: data[history]} == data
    assert ids(stack, *KEPT) == kept
    assert not {*ids(stack, *ROLLED)} & {*old}
    assert {made_by(stack, each) for each in KEPT} == {OTHER_COMPOSE}
    assert OTHER_COMPOSE not in {made_by(stack, each) for each in ROLLED}

    bot.ok("rollback", "--yes", "--no-safety-backup")

    assert served(stack) == (200, "2025.2.1")
    assert env_of(stack) == env
    assert rows(stack) == data
    assert visitor.is_logged_in()
    assert own_databases(stack) == []
    assert ids(stack, *KEPT) == kept
    # a person's Compose makes them its own again
    stack.compose("up", "--detach", "--wait", "postgresql", "redis")
    assert not {*ids(stack, *KEPT)} & {*kept}
    wait_until(lambda: answers(stack), "it serves with them")
    for each in ROLLED:
        wait_until_healthy(stack, each)
    in_step(stack)
    why = bot.ok("update", "--why", "2025.2.4")
    assert "was taken back by" in why


def test_a_family_moves_the_sessions(stack: Sandbox, bot: Akbot, visitor: Visitor) -> None:
    """In two hops; a row is written between the backup and the fence, another one afterwards."""
    env, data, whole = env_of(stack), tables(stack), rows(stack)
    with probing() as prober:
        process = bot.start("update", "--yes", "--json", "2025.4.4")
        late = write_late(stack, bot, process)
        out, told = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, told
    done = json.loads(out)
    assert (done["version"], done["hops"]) == ("2025.4.4", 2)
    assert served(stack) == (200, "2025.4.4")
    assert visitor.is_logged_in(), "its session moved from Redis into the database"
    assert prober.away > 0
    assert 0 < done["away"] < done["seconds"]
    assert_whole(stack, data | {"public.authentik_core_group": late.groups + 1})
    assert changed_lines(env, env_of(stack)) == [
        "- AUTHENTIK_TAG=2025.2.1", "+ AUTHENTIK_TAG=2025.4.4",
    ]  # fmt: skip
    assert not throw_aways(stack)
    in_step(stack)
    stack.psql("INSERT INTO authentik_core_group (group_uuid, name, is_superuser, attributes)"
               " VALUES (gen_random_uuid(), 'late', false, '{}')")  # fmt: skip
    preview = json.loads(bot.ok("rollback", "--dry-run", "--json"))
    assert preview["written"] >= 1

    told = bot.ok("rollback", "--yes")

    assert "what was written, changed or deleted since" in told
    assert served(stack) == (200, "2025.2.1")
    late.came_back(stack, bot)
    assert (env_of(stack), rows(stack)) == (env, whole)
    assert visitor.is_logged_in(), "its session is in Redis again"
    [aside] = own_databases(stack)
    groups = "SELECT count(*) FROM authentik_core_group WHERE name = 'late'"
    assert stack.psql(groups) == [["0"]]
    stack.psql(f'ALTER DATABASE "{aside}" ALLOW_CONNECTIONS true', database="postgres")
    assert stack.psql(groups, database=aside) == [["1"]]
    stack.psql(f'DROP DATABASE "{aside}"', database="postgres")
    in_step(stack)


def test_the_way_to_where_redis_is_gone(stack: Sandbox, bot: Akbot, visitor: Visitor) -> None:
    env, data = env_of(stack), tables(stack)
    compose = lines_of(stack.project / "docker-compose.yml")

    done = updated(bot, "--apply-compose", "2025.10.4")

    assert done["hops"] == len(EARLY)
    assert served(stack) == (200, "2025.10.4")
    assert visitor.is_logged_in()
    assert_whole(stack, data)
    assert changed_lines(env, env_of(stack)) == [
        "- AUTHENTIK_TAG=2025.2.1", "+ AUTHENTIK_TAG=2025.10.4",
    ]  # fmt: skip
    names = stack.docker("ps", "--all", "--format", "{{.Names}}").split()
    assert "authentik-redis" not in names
    assert "redis" not in stack.compose("config", "--services").split()
    changes = changed_lines(compose, lines_of(stack.project / "docker-compose.yml"))
    assert all(each[0] == "-" for each in changes), changes
    in_step(stack)


def test_the_way_to_the_newest(stack: Sandbox, late: Akbot, visitor: Visitor) -> None:
    """Over the move of the media."""
    env, data = env_of(stack), tables(stack)

    done = updated(late, "--apply-compose", "2026.8.3")

    assert done["hops"] == len(LATE)
    assert served(stack) == (200, "2026.8.3")
    assert visitor.is_logged_in()
    assert_whole(stack, data)
    assert changed_lines(env, env_of(stack)) == [
        "- AUTHENTIK_TAG=2025.10.4", "+ AUTHENTIK_TAG=2026.8.3",
    ]  # fmt: skip
    media = stack.mounts / "authentik" / "data" / "media"
    assert media.is_dir()
    assert not (stack.mounts / "authentik" / "media").exists()
    in_step(stack)


@dataclass(frozen=True)
class Newest:
    """All of the stack at the newest version that a restore might spoil."""

    rows: Mapping[str, object]
    data: Mapping[str, bytes]
    texts: Mapping[str, bytes]
    env: list[str]

    @classmethod
    def of(cls, stack: Sandbox) -> "Newest":
        data = contents(stack.mounts / "authentik" / "data")
        return cls(rows(stack), data, texts(stack), env_of(stack))


@pytest.mark.parametrize("step", ["swapping the compose files", "starting redis"])
def test_a_restore_to_another_layout_that_is_killed_is_undone(
    stack: Sandbox, early: Early, step: str
) -> None:
    on_the_way_to_another_layout(stack, early, step, Disturbance.KILLED)


def on_the_way_to_another_layout(
    stack: Sandbox, early: Early, step: str, what: Disturbance
) -> None:
    """Let *what* happen at *step* of such a restore; then all is as it was before."""
    require(what, stack)
    before = Newest.of(stack)
    kept = {*stack.project.glob(".akbot-*"), *own_databases(stack)}
    disturb(what, stack, stopped_restore(early, step))

    early.bot.backup("--component", "templates")

    assert last_restore(early.bot)["state"] == "interrupted"
    assert served(stack) == (200, "2026.8.3")
    assert Newest.of(stack) == before
    assert "authentik-redis" not in stack.docker("ps", "--all", "--format", "{{.Names}}").split()
    assert not (stack.mounts / "authentik" / "media").exists()
    left = {*stack.project.glob(".akbot-*"), *own_databases(stack)}
    assert left == kept, "nothing but what the updates keep"
    assert not throw_aways(stack)
    in_step(stack)


def stopped_restore(early: Early, step: str) -> "subprocess.Popen[str]":
    """One that is stopped (SIGSTOP) at *step*; on a busy machine not at the first try."""
    how = ("--apply-compose", "--yes", "--no-safety-backup")
    for _ in range(TRIES):
        process = early.bot.start("restore", early.backup, *how)
        if stopped_at(early.bot, process, step):
            return process
        process.communicate(timeout=PATIENCE)
        early.bot.ok("restore", "--undo", "--yes")
    raise AssertionError(f"step {step!r} was over too soon, {TRIES} times")


def test_a_backup_of_another_layout_brings_its_compose_files_with_it(
    stack: Sandbox, early: Early
) -> None:
    """Redis is there again, the media lie where they lay; and an undo takes all of it back."""
    before, bot = Newest.of(stack), early.bot
    refused = bot("restore", early.backup, "--yes")
    assert (refused.code, "--apply-compose" in refused.err) == (3, True), refused.err

    bot.ok("restore", early.backup, "--apply-compose", "--yes", "--no-safety-backup")

    assert served(stack) == (200, "2025.2.1")
    assert rows(stack) == early.rows
    assert texts(stack) == early.texts
    assert contents(stack.mounts / "authentik" / "media") == early.media
    assert contents(stack.mounts / "authentik" / "data") == {}
    names = stack.docker("ps", "--format", "{{.Names}}").split()
    assert "authentik-redis" in names
    in_step(stack)

    bot.ok("restore", "--undo", "--yes")

    assert served(stack) == (200, "2026.8.3")
    assert Newest.of(stack) == before
    assert "authentik-redis" not in stack.docker("ps", "--all", "--format", "{{.Names}}").split()
    in_step(stack)


def test_back_from_the_newest_in_one_step(stack: Sandbox, late: Akbot, visitor: Visitor) -> None:
    """To where that way began."""
    late.ok("rollback", "--yes", "--no-safety-backup")

    assert served(stack) == (200, "2025.10.4")
    assert (stack.mounts / "authentik" / "media").is_dir()
    assert "data:/data" not in (stack.project / "docker-compose.yml").read_text()
    assert visitor.is_logged_in()
    in_step(stack)


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("2025.2.4", 3, "is older than 2025.10.4"),
        ("2026.2.3", 3, "the registry has no version 2026.2.3"),
        ("latest", 2, "that tag moves"),
        ("2026.2", 2, "is a family"),
        ("2026.2.0-rc1", 2, "is a release candidate"),
        ("$(reboot)", 2, "is no version"),
        ("2" * 10_000, 2, "is no version"),
    ],
)
def test_what_is_no_target(stack: Sandbox, bot: Akbot, target: str, code: int, words: str) -> None:
    before = stack.docker("ps", "--all", "--quiet", "--no-trunc")

    ended = bot("update", "--yes", target)

    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
    assert len(ended.err) < 400
    assert stack.docker("ps", "--all", "--quiet", "--no-trunc") == before
