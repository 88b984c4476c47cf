"""Which containers live in the network of server or worker, by the Engine's list."""

from typing import Any

import pytest

from bot.adapters.network_guests import guests_in
from tests.fakes_stack import make_stack

STACK = make_stack()
SERVER, WORKER = STACK.server, STACK.worker
IMAGE = "cloudflare/cloudflared:2026.1"


def row(mode: str, project: str = STACK.project, image: str = IMAGE, **changes: Any) -> Any:
    """A container, as `/containers/json` has it."""
    labels = {"com.docker.compose.project": project, "com.docker.compose.service": "tunnel"}
    return {
        "Id": "f00d",
        "Names": [f"/{project}-tunnel-1"],
        "Image": image,
        "Labels": labels,
        "HostConfig": {"NetworkMode": mode},
        **changes,
    }


@pytest.mark.parametrize(
    ("listed", "guests"),
    [
        pytest.param(row(f"container:{SERVER.id}"), ("tunnel",), id="network_mode: service:"),
        pytest.param(
            row(f"container:{WORKER.id if WORKER else ''}"), ("tunnel",), id="that of the worker"
        ),
        pytest.param(row(f"container:{SERVER.name}"), ("tunnel",), id="by its name"),
        pytest.param(
            row(f"container:{SERVER.id}", project="vpn"), ("vpn-tunnel-1",), id="of others"
        ),
        pytest.param(
            row(f"container:{SERVER.id}", Labels=None), (f"{STACK.project}-tunnel-1",), id="by hand"
        ),
        pytest.param(row("container:another"), (), id="in another one's network"),
        pytest.param(row(f"{STACK.project}_default"), (), id="in the project's"),
        pytest.param(row(SERVER.name), (), id="in a network that is called like the server"),
        pytest.param(
            row(f"container:{SERVER.id}", image="ghcr.io/goauthentik/proxy:2025.2.1"), (),
            id="an outpost, which goes and comes with the server",
        ),
        pytest.param(
            row(f"container:{SERVER.id}", Id=WORKER.id if WORKER else ""), (),
            id="the worker itself",
        ),
    ],
)  # fmt: skip
def test_the_guests(listed: Any, guests: tuple[str, ...]) -> None:
    assert guests_in([listed], STACK) == guests
