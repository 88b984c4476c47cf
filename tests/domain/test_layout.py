"""What `docker compose config` says, read for an empty host."""

from typing import Any

import pytest

from bot.domain.errors import RefusedError
from bot.domain.layout import DataFolder, read_layout
from bot.domain.restore import Folder
from bot.domain.stack import Role

NAMES = {
    Role.POSTGRESQL: ("postgresql",),
    Role.REDIS: ("redis",),
    Role.SERVER: ("authentik", "server"),
    Role.WORKER: ("worker",),
}


def mount(source: str, target: str, **more: object) -> dict[str, object]:
    return {"type": "bind", "source": source, "target": target, **more}


def config(**services: dict[str, Any]) -> dict[str, Any]:
    usual = {"postgresql": {"image": "postgres:17"}, "server": {"image": "server:1"}}
    return {"name": "authentik", "services": {**usual, **services}, "volumes": {}}


def test_a_whole_stack_is_read() -> None:
    found = read_layout(
        {
            "name": "authentik",
            "services": {
                "postgresql": {
                    "image": "postgres:17",
                    "container_name": "db",
                    "user": "1026:100",
                    "volumes": [mount("/m/database", "/var/lib/postgresql/data")],
                },
                "redis": {
                    "image": "redis:8",
                    "volumes": [{"type": "volume", "source": "redis", "target": "/data"}],
                },
                "server": {
                    "image": "server:1",
                    "volumes": [
                        mount("/etc/localtime", "/etc/localtime"),
                        mount("/m/theme", "/theme", read_only=True),
                        {"type": "tmpfs", "target": "/cache"},
                        mount("/m/media", "/media"),
                    ],
                },
                "worker": {
                    "image": "server:1",
                    "user": "root",
                    "volumes": [
                        mount("/m/media", "/media"),
                        mount("/var/run/docker.sock", "/var/run/docker.sock"),
                    ],
                },
                "bot": {
                    "container_name": "akbot",
                    "volumes": [mount("/m/akbot", "/var/lib/akbot"), mount("/p", "/p")],
                },
            },
            "volumes": {"redis": {"name": "authentik_redis"}},
        },
        NAMES,
        "/p",
        "/var/lib/akbot",
    )

    assert found.folders == (
        DataFolder("/m/database", owner="1026:100"),
        DataFolder("authentik_redis", is_volume=True),
        DataFolder("/m/media"),
        DataFolder("/m/akbot"),
    )
    assert found.state == DataFolder("/m/akbot")
    assert found.containers == ("db", "akbot")
    assert (found.first, found.then) == (("postgresql", "redis"), ("server", "worker"))
    assert found.name == "authentik"
    assert found.images["server"] == "server:1"
    assert found.mounts == (Folder("media", "/m/media"), Folder("theme", "/m/theme"))


def test_a_stack_without_redis_worker_or_bot_is_one() -> None:
    found = read_layout(config(), NAMES, "/p", "/var/lib/akbot")

    assert (found.first, found.then, found.state) == (("postgresql",), ("server",), None)


@pytest.mark.parametrize("services", [{}, {"postgresql": {}}, {"server": {}}])
def test_what_is_no_authentik_is_refused(services: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="no service") as caught:
        read_layout({"name": "x", "services": services}, NAMES, "/p", "/s")

    assert "Nothing was changed. Name the service in AKBOT_SERVICE_" in caught.value.hint


def told(host: str | None) -> dict[str, Any]:
    return {"environment": {"AUTHENTIK_POSTGRESQL__HOST": host}}


OUTSIDE = {"server": told("db.example.org")}


@pytest.mark.parametrize(
    ("services", "said", "host"),
    [
        pytest.param(OUTSIDE, "", "db.example.org", id="as the server is told"),
        pytest.param(OUTSIDE, "10.0.0.5", "10.0.0.5", id="as akbot is told"),
        pytest.param({"server": {}, "postgresql": {}}, "10.0.0.5", "10.0.0.5", id="akbot first"),
    ],
)
def test_a_database_outside_is_refused_with_its_host(
    services: dict[str, Any], said: str, host: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        read_layout({"name": "x", "services": services}, NAMES, "/p", "/s", said)

    assert f'database is on "{host}", outside of the project' in str(refused.value)
    assert refused.value.hint.startswith("Nothing was changed.")
    assert '"A PostgreSQL outside of the project"' in refused.value.hint


@pytest.mark.parametrize(
    ("host", "database"),
    [
        pytest.param("database", {}, id="service"),
        pytest.param("db", {"container_name": "db"}, id="container"),
        pytest.param("db", {"hostname": "db"}, id="host"),
        pytest.param("db", {"networks": {"x": {"aliases": ["db"]}, "y": None}}, id="alias"),
        pytest.param("file:///run/secrets/host", {}, id="in a file"),
        pytest.param(None, {}, id="nowhere"),
    ],
)
def test_a_database_by_another_name_in_the_project_wants_that_name(
    host: str | None, database: dict[str, Any]
) -> None:
    services = {"server": told(host), "database": database}

    with pytest.raises(RefusedError, match='no service "postgresql"') as caught:
        read_layout({"name": "x", "services": services}, NAMES, "/p", "/s")

    assert "AKBOT_SERVICE_POSTGRESQL" in caught.value.hint


def test_the_projects_own_folder_is_not_data() -> None:
    found = read_layout(config(server={"volumes": [mount("/p", "/x")]}), NAMES, "/p", "/s")

    assert found.folders == ()


def test_what_is_no_data_hides_nothing_after_it() -> None:
    volumes = [
        mount("/etc/localtime", "/etc/localtime"),
        {"type": "volume", "target": "/anonymous"},
        mount("/m/media", "/media"),
    ]

    found = read_layout(config(server={"volumes": volumes}), NAMES, "/p", "/s")

    assert found.folders == (DataFolder("/m/media"),)
    assert found.images["server"] == ""
