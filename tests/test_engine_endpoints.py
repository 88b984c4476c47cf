"""The socket proxy lets through whatever an adapter asks, also what a short life of it does not."""

import re
from pathlib import Path

import pytest

from tests.sandbox.socket_filter import allowing, options, patterns

ROOT = Path(__file__).parents[1]
NARROW = ROOT / "deploy" / "compose.socket-proxy.yml"
ADAPTERS = ROOT / "bot" / "adapters"
# What each method of the SDK asks.
ASKED = {
    "connect_container_to_network": "POST /v1.41/networks/akbot-0a/connect",
    "containers": "GET /v1.41/containers/json",
    "create_container": "POST /v1.41/containers/create",
    "create_network": "POST /v1.41/networks/create",
    "disconnect_container_from_network": "POST /v1.41/networks/akbot-0a/disconnect",
    "exec_create": "POST /v1.41/containers/0a/exec",
    "exec_inspect": "GET /v1.41/exec/0a/json",
    "get_archive": "GET /v1.41/containers/0a/archive",
    "images": "GET /v1.41/images/json",
    "info": "GET /v1.41/info",
    "inspect_container": "GET /v1.41/containers/akbot-0a/json",
    "inspect_image": "GET /v1.41/images/ghcr.io/goauthentik/server@sha256:0a/json",
    "inspect_network": "GET /v1.41/networks/akbot-0a",
    "inspect_volume": "GET /v1.41/volumes/authentik_database",
    "logs": "GET /v1.41/containers/akbot-0a/logs",
    "networks": "GET /v1.41/networks",
    "ping": "GET /v1.41/_ping",
    "remove_container": "DELETE /v1.41/containers/akbot-0a",
    "remove_image": "DELETE /v1.41/images/sha256:0a",
    "remove_network": "DELETE /v1.41/networks/akbot-0a",
    "restart": "POST /v1.41/containers/0a/restart",
    "start": "POST /v1.41/containers/0a/start",
    "stats": "GET /v1.41/containers/0a/stats",
    "stop": "POST /v1.41/containers/0a/stop",
    "tag": "POST /v1.41/images/sha256:0a/tag",
    "version": "GET /v1.41/version",
    "wait": "POST /v1.41/containers/0a/wait",
}
ASKS_NOTHING = {"create_endpoint_config", "create_host_config", "create_networking_config"}
OF_THE_BOOTSTRAP = {"create_volume"}  # which deploy/bootstrap runs with the Engine's own socket
KNOWN_BY_OTHER_NAMES = {"ping", "get_archive"}  # in engine_api.py, whose client is called so


def test_every_method_of_the_sdk_that_is_used_is_known_here() -> None:
    used = {
        name
        for path in ADAPTERS.glob("*.py")
        for name in re.findall(r"\bsdk\.([a-z_]+)", path.read_text())
    }

    assert used - ASKS_NOTHING - OF_THE_BOOTSTRAP == set(ASKED) - KNOWN_BY_OTHER_NAMES


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_what_is_asked_passes(asked: str) -> None:
    command = re.findall(r"^ +- (-\S+)$", NARROW.read_text(), re.MULTILINE)
    method, path = asked.split()

    assert allowing(patterns(options().parse_args(command)), method, path)
