"""The compose files say what the document says that the stack comes from, and are clean."""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.fixture import script

pytestmark = pytest.mark.docker

REPO = Path(__file__).resolve().parents[2]
STACK = REPO / "docker-compose.yml"
LOKI = REPO / "deploy" / "compose.loki.yml"
BESIDE = REPO / "deploy" / "compose.bot.yml"
NARROW = REPO / "deploy" / "compose.socket-proxy.yml"
EXAMPLE = REPO / ".env.example"
ROOT = "/volume1/docker"
PROJECT = "/volume1/compose/authentik"
VALUES = {
    "MOUNT_PATH_DOCKER_ROOT": ROOT,
    "AKBOT_PROJECT_DIR": PROJECT,
    "PG_PASS": "pass",
    "AUTHENTIK_SECRET_KEY": "key",
    "EMAIL": "a@example.org",
    "AUTHENTIK_BOOTSTRAP_PASSWORD": "bootstrap",
}
PROGRAMS = REPO / "tests" / "sandbox" / ".cache" / "docker"


@dataclass(frozen=True)
class Facts:
    """What the document says about one service; of the bot, what we say."""

    container: str
    image: str
    monitoring: str
    mounts: dict[str, str]
    command: list[str] | None = None
    grace: str | None = None
    build: dict[str, str] | None = None
    healthcheck: dict[str, Any] | None = None
    ports: dict[int, str] = field(default_factory=dict)
    depends_on: frozenset[str] = frozenset()
    user: str | None = None
    read_only: frozenset[str] = frozenset({"/etc/localtime"})


def below(**folders: str) -> dict[str, str]:
    return {f"/{target}": f"{ROOT}/authentik/{folder}" for target, folder in folders.items()}


LOCALTIME = {"/etc/localtime": "/etc/localtime"}
SERVER = "ghcr.io/goauthentik/server:2025.2.1"
DOCUMENT = {
    "postgresql": Facts(
        container="authentik-postgresql",
        image="docker.io/library/postgres:16-alpine",
        monitoring="authentik-postgresql",
        mounts=LOCALTIME | {"/var/lib/postgresql/data": f"{ROOT}/authentik/database"},
        healthcheck={
            "test": ["CMD-SHELL", "pg_isready -d $${POSTGRES_DB} -U $${POSTGRES_USER}"],
            "start_period": "20s",
            "interval": "30s",
            "retries": 5,
            "timeout": "5s",
        },
    ),
    "redis": Facts(
        container="authentik-redis",
        image="docker.io/library/redis:alpine",
        monitoring="authentik-redis",
        mounts=LOCALTIME | below(data="redis"),
        command=["--save", "60", "1", "--loglevel", "warning"],
        healthcheck={
            "test": ["CMD-SHELL", "redis-cli ping | grep PONG"],
            "start_period": "20s",
            "interval": "30s",
            "retries": 5,
            "timeout": "3s",
        },
    ),
    "authentik": Facts(
        container="authentik",
        image=SERVER,
        monitoring="authentik",
        mounts=LOCALTIME | below(media="media", templates="templates"),
        command=["server"],
        ports={9000: "9001", 9443: "9443"},
        depends_on=frozenset({"postgresql", "redis"}),
    ),
    "worker": Facts(
        container="authentik-worker",
        image=SERVER,
        monitoring="authentik",
        mounts=LOCALTIME
        | below(media="media", templates="templates", certs="certs")
        | {"/var/run/docker.sock": "/var/run/docker.sock"},
        command=["worker"],
        depends_on=frozenset({"postgresql", "redis"}),
        user="root",
        read_only=frozenset({"/etc/localtime", "/var/run/docker.sock"}),
    ),
    "bot": Facts(
        container="authentik-bot",
        image="akbot",
        build={"context": str(REPO), "dockerfile": "deploy/Dockerfile"},
        monitoring="authentik-bot",
        mounts=LOCALTIME
        | {
            "/var/run/docker.sock": "/var/run/docker.sock",
            "/var/lib/akbot": f"{ROOT}/authentik/akbot",
            PROJECT: PROJECT,
        },
        grace="2m0s",
        read_only=frozenset({"/etc/localtime", "/var/run/docker.sock"}),
    ),
}
AUTHENTIK = {
    "AUTHENTIK_REDIS__HOST": "redis",
    "AUTHENTIK_POSTGRESQL__HOST": "postgresql",
    "AUTHENTIK_POSTGRESQL__USER": "authentik",
    "AUTHENTIK_POSTGRESQL__NAME": "authentik",
    "AUTHENTIK_POSTGRESQL__PASSWORD": "pass",
    "AUTHENTIK_BOOTSTRAP_EMAIL": "a@example.org",
    "AUTHENTIK_BOOTSTRAP_PASSWORD": "bootstrap",
    "AUTHENTIK_SECRET_KEY": "key",
}
OWNER = {"UID": "1026", "GID": "100"}
ENVIRONMENT = {
    "postgresql": OWNER
    | {"POSTGRES_PASSWORD": "pass", "POSTGRES_USER": "authentik", "POSTGRES_DB": "authentik"},
    "redis": OWNER,
    "authentik": OWNER | AUTHENTIK,
    "worker": OWNER | AUTHENTIK,
}


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    script("engine", "client")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """An .env made from the example, with the required values filled in."""
    text = EXAMPLE.read_text()
    for name, value in VALUES.items():
        text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    path = tmp_path / ".env"
    path.write_text(text)
    return path


def config(env_file: Path, *files: Path, **environment: str) -> tuple[dict[str, Any], str]:
    """Return what Compose makes of the files, and what it complains about.

    *environment* is the shell's, which goes before .env.
    """
    result = subprocess.run(
        ["docker", "compose", "--env-file", str(env_file)]
        + [part for file in files for part in ("--file", str(file))]
        + ["config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": f"{PROGRAMS}/bin:{os.environ['PATH']}",
            "DOCKER_CONFIG": str(PROGRAMS),
            "HOME": "/",
            **environment,
        },
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), result.stderr


@pytest.mark.parametrize("override", [False, True])
def test_compose_has_nothing_to_complain_about(filled: Path, *, override: bool) -> None:
    if override:
        with filled.open("a") as env:
            env.write("LOKI_URL=http://127.0.0.1:3100/loki/api/v1/push\n")

    _, complaints = config(filled, STACK, *([LOKI] if override else []))

    assert complaints == ""


def test_the_services_are_those_of_the_document(filled: Path) -> None:
    stack, _ = config(filled, STACK)

    assert set(stack["services"]) == set(DOCUMENT)
    assert stack["networks"]["dockerization"]["name"] == "dockerization"


@pytest.mark.parametrize("name", DOCUMENT)
def test_a_service_is_as_the_document_says(filled: Path, name: str) -> None:
    stack, _ = config(filled, STACK)
    service, facts = stack["services"][name], DOCUMENT[name]

    assert service["container_name"] == service["hostname"] == facts.container
    assert service["image"] == facts.image
    assert service["restart"] == "always"
    assert service["command"] == facts.command
    assert service.get("build") == facts.build
    assert service.get("stop_grace_period") == facts.grace
    assert service["mem_limit"] == str(2 * 1024**3)
    assert service.get("healthcheck") == facts.healthcheck
    assert service.get("user") == facts.user
    assert service.get("environment") == ENVIRONMENT.get(name)
    assert service["networks"] == {"dockerization": None}
    assert service["labels"] == {
        "com.centurylinklabs.watchtower.enable": "false",
        "monitoring": facts.monitoring,
    }
    assert service["logging"] == {
        "driver": "json-file",
        "options": {"max-size": "10m", "max-file": "3"},
    }
    assert {v["target"]: v["source"] for v in service["volumes"]} == facts.mounts
    assert {v["type"] for v in service["volumes"]} == {"bind"}
    assert {v["target"] for v in service["volumes"] if v.get("read_only")} == facts.read_only
    assert {p["target"]: p["published"] for p in service.get("ports", [])} == facts.ports
    assert {
        other: on["condition"] for other, on in service.get("depends_on", {}).items()
    } == dict.fromkeys(facts.depends_on, "service_healthy")


def without_project_folder(filled: Path) -> Path:
    text = filled.read_text()
    filled.write_text(text.replace(f"AKBOT_PROJECT_DIR={PROJECT}\n", "AKBOT_PROJECT_DIR=\n"))
    return filled


def project_mount(env_file: Path, **environment: str) -> dict[str, Any]:
    stack, complaints = config(env_file, STACK, **environment)
    assert complaints == ""
    mount: dict[str, Any] = stack["services"]["bot"]["volumes"][-1]
    assert mount["source"] == mount["target"]
    return mount


def test_the_bot_sees_the_project_under_its_own_path_wherever_compose_is_called(
    filled: Path,
) -> None:
    assert project_mount(filled, PWD="/elsewhere")["source"] == PROJECT
    assert project_mount(filled)["source"] == PROJECT


def test_a_project_folder_that_is_not_named_is_the_shells_own(filled: Path) -> None:
    env = without_project_folder(filled)

    assert project_mount(env, PWD=str(REPO))["source"] == str(REPO)


def test_where_nothing_names_the_project_folder_the_mount_says_what_is_missing(
    filled: Path,
) -> None:
    mount = project_mount(without_project_folder(filled))

    assert mount["source"] == "/AKBOT_PROJECT_DIR-is-missing-in-.env"
    assert not mount["bind"].get("create_host_path")


def test_the_bot_works_in_the_project_folder_where_its_settings_are(filled: Path) -> None:
    stack, _ = config(filled, STACK)
    bot = stack["services"]["bot"]

    mounts = [mount["target"] for mount in bot["volumes"]]
    assert bot["working_dir"] in mounts
    assert "env_file" not in bot, "Compose would show the secrets in it to `docker inspect`"
    assert "environment" not in bot


def test_the_bot_waits_for_nobody_and_nobody_for_it(filled: Path) -> None:
    stack, _ = config(filled, STACK)

    assert "depends_on" not in stack["services"]["bot"]
    assert not [
        name for name, each in stack["services"].items() if "bot" in each.get("depends_on", {})
    ]


def test_the_bot_has_root_but_only_its_powers_over_files(filled: Path) -> None:
    stack, _ = config(filled, STACK)
    bot = stack["services"]["bot"]

    assert bot["read_only"]
    assert bot["cap_drop"] == ["ALL"]
    assert bot["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "FOWNER"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in bot


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """The values that deploy/compose.bot.yml asks for."""
    path = tmp_path / "beside.env"
    path.write_text(f"AKBOT_PROJECT_DIR={PROJECT}\nAKBOT_NETWORK=sso_default\n")
    return path


def test_the_bot_beside_a_stack_is_as_that_in_it(filled: Path, beside: Path) -> None:
    """But for its names, its state folder and the network, which is somebody else's."""
    stack, complaints = config(beside, BESIDE)
    own, bot = config(filled, STACK)[0]["services"]["bot"], stack["services"]["bot"]

    assert complaints == ""
    assert set(stack["services"]) == {"bot"}
    named = {"container_name", "hostname", "networks", "volumes", "labels"}
    assert {key: value for key, value in bot.items() if key not in named} == {
        key: value for key, value in own.items() if key not in named
    }
    mounts = {v["target"]: v for v in bot["volumes"]}
    assert {target: v["source"] for target, v in mounts.items()} == DOCUMENT["bot"].mounts | {
        "/var/lib/akbot": "/var/lib/akbot"
    }
    assert {v for v in mounts if mounts[v].get("read_only")} == DOCUMENT["bot"].read_only
    assert not mounts[PROJECT]["bind"].get("create_host_path")
    assert stack["networks"]["stack"]["name"] == "sso_default"
    assert stack["networks"]["stack"]["external"]


def test_the_bot_beside_a_stack_has_a_way_out_where_the_stacks_network_has_none(
    beside: Path,
) -> None:
    """A database's network is often `internal: true`; Telegram, S3 and the registry are outside."""
    stack, _ = config(beside, BESIDE)

    assert set(stack["services"]["bot"]["networks"]) == {"stack", "default"}
    assert "external" not in stack["networks"]["default"]
    assert not stack["networks"]["default"].get("internal")


def test_the_bot_beside_a_stack_is_a_project_of_its_own(beside: Path) -> None:
    assert config(beside, BESIDE)[0]["name"] == "akbot"
    with beside.open("a") as env:
        env.write("COMPOSE_PROJECT_NAME=akbot-of-sso\n")
    assert config(beside, BESIDE)[0]["name"] == "akbot-of-sso"


@pytest.mark.parametrize("name", ["AKBOT_PROJECT_DIR", "AKBOT_NETWORK"])
def test_what_the_bot_beside_a_stack_cannot_know_is_asked_for(beside: Path, name: str) -> None:
    kept = [line for line in beside.read_text().splitlines() if not line.startswith(name)]
    beside.write_text("\n".join(kept))

    with pytest.raises(AssertionError, match=f"{name}.*of your stack"):
        config(beside, BESIDE)


def test_the_file_of_the_bot_beside_a_stack_names_what_it_reads() -> None:
    text = BESIDE.read_text()
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", text)) - {"AKBOT_IMAGE"}

    assert used == set(re.findall(r"^#\s+(AKBOT_\w+)=", text, re.MULTILINE))


def test_behind_the_socket_proxy_only_the_bots_way_to_the_engine_is_another(
    filled: Path, beside: Path
) -> None:
    socket, way = "/var/run/docker.sock", "/run/akbot"
    for env, whole in ((filled, STACK), (beside, BESIDE)):
        stack, complaints = config(env, whole, NARROW)
        others, _ = config(env, whole)
        bot, plain = stack["services"].pop("bot"), others["services"].pop("bot")
        proxy = stack["services"].pop("socket-proxy")

        assert complaints == ""
        assert stack["services"] == others["services"]
        mounts = {v["target"]: v["source"] for v in bot.pop("volumes")}
        assert mounts == {v["target"]: v["source"] for v in plain.pop("volumes")} | {
            socket: "/dev/null",
            way: "socket",
        }
        assert bot.pop("environment") == {"DOCKER_HOST": f"unix://{way}/docker.sock"}
        assert list(bot.pop("depends_on")) == ["socket-proxy"]
        assert bot == plain
        assert {v["target"]: v["source"] for v in proxy["volumes"]} == {
            socket: socket,
            way: "socket",
        }


def test_no_pattern_of_the_socket_proxy_says_more_than_one_endpoint() -> None:
    """An "or" would leave one half without its end, and a dot alone is any character."""
    listed = re.findall(r"^ +- -allow[A-Z]+=(.*)$", NARROW.read_text(), re.MULTILINE)

    assert listed
    for pattern in listed:
        bare = re.sub(r"\[[^]]*\]\+?|\\\.", "", pattern)
        assert re.fullmatch(r"/[a-z0-9_/]+", bare), pattern


def test_loki_takes_every_log_and_no_option_of_the_other_driver_stays(filled: Path) -> None:
    with filled.open("a") as env:
        env.write("LOKI_URL=http://loki/push\n")

    stack, _ = config(filled, STACK, LOKI)

    assert {name: service["logging"] for name, service in stack["services"].items()} == {
        name: {
            "driver": "loki",
            "options": {
                "loki-url": "http://loki/push",
                "loki-external-labels": f"job={facts.container}",
            },
        }
        for name, facts in DOCUMENT.items()
    }


def test_the_example_documents_every_variable_and_nothing_else() -> None:
    used = {
        name for file in (STACK, LOKI) for name in re.findall(r"(?<!\$)\$\{(\w+)", file.read_text())
    }
    documented = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), re.MULTILINE)

    assert sorted(documented) == sorted(used - {"PWD"})


def test_the_example_holds_no_value_that_should_be_secret_and_shows_the_defaults() -> None:
    defaults = dict(re.findall(r"(?<!\$)\$\{(\w+):-([^${}]*)\}", STACK.read_text()))
    text = EXAMPLE.read_text()

    assert {name for name, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)} == set(VALUES)
    assert not [value for _, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE) if value]
    shown = dict(re.findall(r"^#(\w+)=(.*)$", text, re.MULTILINE))
    del shown["LOKI_URL"], defaults["PWD"]
    assert shown == defaults
