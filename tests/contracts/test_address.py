"""Which of a container's addresses is asked."""

import pytest

from bot.adapters.container_facts import address_of

NEAR, FAR = "127.0.0.1", "203.0.113.9"


@pytest.mark.parametrize(
    ("addresses", "asked"),
    [
        pytest.param([FAR, NEAR], NEAR, id="of several one that this host is beside"),
        pytest.param([FAR, "203.0.113.10"], FAR, id="the first where none is"),
        pytest.param(["", FAR], FAR, id="the only one"),
        pytest.param([""], "", id="it does not run"),
        pytest.param([], "", id="no network"),
    ],
)
async def test_a_container_is_asked_where_it_can_be_reached(
    addresses: list[str], asked: str
) -> None:
    networks = {f"network-{at}": {"IPAddress": each} for at, each in enumerate(addresses)}

    assert address_of({"NetworkSettings": {"Networks": networks}}) == asked
