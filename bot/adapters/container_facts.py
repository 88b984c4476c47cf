"""What the Engine says of a container, in our words."""

import socket
from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.stack import Container, Mount

SERVICE = "com.docker.compose.service"
_SEVERAL = 2
_ANY_PORT = 9


def as_container(details: Mapping[str, Any], image: Mapping[str, Any]) -> Container:
    """What the Engine says of a container and its image."""
    state, config = details["State"], details["Config"]
    return Container(
        id=details["Id"],
        service=config["Labels"][SERVICE],
        name=details["Name"].lstrip("/"),
        image=config["Image"],
        image_id=details["Image"],
        image_digest=_digest(config["Image"], image.get("RepoDigests") or []),
        state=state["Status"],
        health=state.get("Health", {}).get("Status", ""),
        restarts=details["RestartCount"],
        address=address_of(details),
        mounts=tuple(
            Mount(each.get("Name") or each["Source"], each["Destination"])
            for each in details["Mounts"]
        ),
    )


def _digest(image: str, known: Sequence[str]) -> str | None:
    repository = image.partition("@")[0].rpartition(":")[0] or image
    digests = dict(each.split("@", 1) for each in known)
    return digests.get(repository) or next(iter(digests.values()), None)


def address_of(details: Mapping[str, Any]) -> str:
    """A container's IP address on a network that this process is in, or else on its first one.

    "" where it does not run.
    """
    networks = details["NetworkSettings"]["Networks"].values()
    addresses = [str(each["IPAddress"]) for each in networks if each["IPAddress"]]
    if len(addresses) < _SEVERAL:
        return "".join(addresses)
    return next((each for each in addresses if _is_near(each)), addresses[0])


def _is_near(address: str) -> bool:
    """Whether no router lies before *address*: from the bot's container others lead nowhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.settimeout(0)
        route.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
        try:
            route.connect((address, _ANY_PORT))  # of a datagram: nothing is sent
        except OSError:
            return False
    return True


def environment_of(details: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a container was made with."""
    pairs = (each.partition("=") for each in details["Config"]["Env"] or [])
    return {name: value for name, _, value in pairs}
