"""The mounts of a service that has no container yet."""

from typing import Any

import pytest

from bot.domain.stack import Mount
from bot.domain.stack_folders import planned


@pytest.mark.parametrize(
    ("mount", "found"),
    [
        ({"type": "bind", "source": "/a/media", "target": "/X/"}, ("/a/media", "/X")),
        ({"type": "volume", "source": "data", "target": "/data"}, ("a_data", "/data")),
        ({"type": "volume", "source": "bare", "target": "/b"}, ("bare", "/b")),
        ({"type": "volume", "target": "/anonymous"}, None),
        ({"type": "tmpfs", "target": "/tmp"}, None),
        ({"type": "npipe", "source": "/p", "target": "/p"}, None),
    ],
)
def test_what_is_mounted_as_the_engine_would_say(
    mount: dict[str, Any], found: tuple[str, str] | None
) -> None:
    config = {
        "services": {"server": {"volumes": [mount]}},
        "volumes": {"data": {"name": "a_data"}, "bare": None},
    }

    assert planned(config, "server").mounts == ((Mount(*found),) if found else ())
