"""Which images are outposts."""

import pytest

from bot.domain.outposts import ProjectOutpost, is_outpost, left_behind


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("ghcr.io/goauthentik/proxy:2025.2.1", True),
        ("goauthentik/ldap", True),
        ("authentik/radius:2025.10.4", True),
        ("mirror.example.org:5000/cache/goauthentik/rac@sha256:00", True),
        ("ghcr.io/goauthentik/server:2025.2.1", False),
        ("ghcr.io/notgoauthentik/proxy:1", False),
        ("ghcr.io/goauthentik/proxy-fork:1", False),
        ("traefik:3", False),
    ],
)
def test_what_is_one(image: str, expected: bool) -> None:  # noqa: FBT001
    assert is_outpost(image) is expected


@pytest.mark.parametrize(
    ("image", "stays"),
    [
        ("ghcr.io/goauthentik/proxy:2025.4.4", False),
        ("ghcr.io/goauthentik/proxy:2025.4.4@sha256:00", False),
        ("ghcr.io/goauthentik/proxy:2025.2.1", True),
        ("ghcr.io/goauthentik/proxy:12025.4.4", True),
        ("goauthentik/proxy:latest", True),
        ("goauthentik/proxy", True),
        ("", True),
    ],
)
def test_what_does_not_go_along(image: str, stays: bool) -> None:  # noqa: FBT001
    outpost = ProjectOutpost("proxy", image)

    assert left_behind([outpost], "2025.4.4") == ((outpost,) if stays else ())
