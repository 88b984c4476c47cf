"""How far an image is, by the lines that the Engine tells while it pulls."""

from typing import Any

from bot.domain.image_layers import Layers

# as Docker 28 told it, cut short
PULL: list[tuple[dict[str, Any], tuple[int, int, int] | None]] = [
    ({"status": "Pulling from goauthentik/server", "id": "2025.4.4"}, None),
    ({"status": "Already exists", "progressDetail": {}, "id": "a"}, (1, 1, 0)),
    ({"status": "Pulling fs layer", "progressDetail": {}, "id": "b"}, (1, 2, 0)),
    ({"status": "Pulling fs layer", "progressDetail": {}, "id": "c"}, (1, 3, 0)),
    ({"status": "Waiting", "progressDetail": {}, "id": "c"}, None),
    (
        _COMING := {
            "status": "Downloading",
            "progressDetail": {"current": 5, "total": 9},
            "id": "b",
        },
        (1, 3, 5),
    ),
    ({**_COMING, "progressDetail": {"current": 9, "total": 9}}, (1, 3, 9)),
    ({**_COMING, "id": "c", "progressDetail": {"current": 2, "total": 4}}, (1, 3, 11)),
    ({"status": "Download complete", "progressDetail": {}, "id": "b"}, None),
    ({**_COMING, "status": "Extracting"}, None),
    ({"status": "Pull complete", "progressDetail": {}, "id": "b"}, (2, 3, 11)),
    ({"status": "Pull complete", "progressDetail": {}, "id": "c"}, (3, 3, 11)),
    ({"status": "Digest: sha256:0f"}, None),
    ({"status": "Status: Downloaded newer image"}, None),
]


def test_layers_are_counted_as_they_come() -> None:
    layers = Layers()

    for line, figures in PULL:
        assert layers.hear(line) is (figures is not None)
        if figures:
            assert (layers.here, layers.count, layers.passed_bytes) == figures
