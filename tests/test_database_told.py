"""Where a client of the database sits, and what it reads, by Compose and by the Engine."""

from typing import Any

import pytest

from bot.adapters.database_told import Seat, holder_of, seat_of, seat_planned
from bot.domain.errors import PortError
from bot.domain.stack import Mount

CONFIG: dict[str, Any] = {
    "networks": {
        "default": {"name": "sso_default"},
        "databases": {"name": "shared", "external": True},
    },
    "volumes": {"certs": {"name": "sso_certs"}},
    "secrets": {"password": {"file": "/srv/sso/password.txt"}, "given": {"environment": "X"}},
    "configs": {"ca": {"file": "/srv/sso/ca.pem"}},
}
SERVICE: dict[str, Any] = {
    "volumes": [
        {"type": "volume", "source": "certs", "target": "/certs"},
        {"type": "bind", "source": "/etc/ssl/own", "target": "/certs/own"},
        {"type": "tmpfs", "target": "/tmp"},
    ],
    "secrets": [{"source": "password"}, {"source": "given"}],
    "configs": [{"source": "ca", "target": "/etc/ca.pem"}],
}


@pytest.mark.parametrize(
    ("path", "holder"),
    [
        ("/certs/ca.pem", Mount("sso_certs", "/certs")),
        ("/certs/own/ca.pem", Mount("/etc/ssl/own", "/certs/own")),
        ("/certs-of-others/ca.pem", None),
        ("/run/secrets/password", Mount("/srv/sso/password.txt", "/run/secrets/password")),
        ("/run/secrets/given", None),
        ("/etc/ca.pem", Mount("/srv/sso/ca.pem", "/etc/ca.pem")),
        ("/etc/ssl/certs/ca-certificates.crt", None),
    ],
)
def test_what_has_a_file_of_a_server_that_is_not_there(path: str, holder: Mount | None) -> None:
    assert holder_of(CONFIG, SERVICE, path) == holder


@pytest.mark.parametrize(
    ("service", "seat"),
    [
        ({"networks": {"default": None}}, Seat("sso_default", (), {})),
        ({"networks": {"default": None, "databases": {}}}, Seat("sso_default", ("shared",), {})),
        ({"network_mode": "host"}, Seat("host", (), {})),
        (
            {
                "networks": {"databases": None},
                "extra_hosts": ["db=host-gateway"],
                "dns": ["1.1.1.1"],
            },
            Seat("shared", (), {"extra_hosts": ["db:host-gateway"], "dns": ["1.1.1.1"]}),
        ),
    ],
)
def test_where_compose_would_put_the_server(service: dict[str, Any], seat: Seat) -> None:
    assert seat_planned(CONFIG, service) == seat


def test_a_network_of_a_service_that_is_not_there_is_none() -> None:
    with pytest.raises(PortError, match="service:vpn"):
        seat_planned(CONFIG, {"network_mode": "service:vpn"})


@pytest.mark.parametrize(
    ("host", "networks", "seat"),
    [
        ({"NetworkMode": "a"}, ["a"], Seat("a", (), {})),
        ({"NetworkMode": "b"}, ["a", "b"], Seat("b", ("a",), {})),
        ({"NetworkMode": "default"}, ["bridge"], Seat("bridge", (), {})),
        ({"NetworkMode": "host"}, ["host"], Seat("host", (), {})),
        ({"NetworkMode": "container:1"}, [], Seat("container:1", (), {})),
        (
            {"NetworkMode": "a", "ExtraHosts": ["db:10.0.0.9"], "Dns": [], "DnsSearch": None},
            ["a"],
            Seat("a", (), {"extra_hosts": ["db:10.0.0.9"]}),
        ),
    ],
)
def test_where_the_engine_has_the_server(
    host: dict[str, Any], networks: list[str], seat: Seat
) -> None:
    joined: dict[str, Any] = {name: {} for name in networks}

    assert seat_of({"HostConfig": host, "NetworkSettings": {"Networks": joined}}) == seat
