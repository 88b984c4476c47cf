"""Who lives in the network of another container, as a real Engine tells it."""

from dataclasses import replace

import pytest

from bot.adapters.network_guests import network_guests
from tests.contracts.stacks import docker, engine_api, running
from tests.fakes_stack import make_stack

pytestmark = pytest.mark.docker
FOR_EVER = ("sleep", "600")


async def test_the_engine_names_the_container_whose_network_it_is() -> None:
    with (
        running("postgres:17", *FOR_EVER) as host,
        running("postgres:17", *FOR_EVER, options=["--network", f"container:{host.id}"]) as guest,
        running("postgres:17", *FOR_EVER),
    ):
        stack = replace(make_stack(), server=host)
        name = docker("inspect", "--format", "{{.Name}}", guest.id).decode().strip().strip("/")
        async with engine_api() as api:
            assert await network_guests(api, stack) == (name,)
