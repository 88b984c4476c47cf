"""Where an image comes from, as its name says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ConfigError
from bot.domain.image_name import ImageName, parse_image_name, registry_url

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "ghcr.io/goauthentik/server:2025.2.1",
            ImageName("ghcr.io", "goauthentik/server", "2025.2.1"),
        ),
        ("authentik/server:2025.8.6", ImageName("docker.io", "authentik/server", "2025.8.6")),
        ("postgres", ImageName("docker.io", "library/postgres")),
        ("127.0.0.1:5000/a/b:x", ImageName("127.0.0.1:5000", "a/b", "x")),
        ("localhost/a@" + DIGEST, ImageName("localhost", "a", "", DIGEST)),
        ("[::1]:5000/a:x", ImageName("[::1]:5000", "a", "x")),
        ("reg.example/a/b/c:1@" + DIGEST, ImageName("reg.example", "a/b/c", "1", DIGEST)),
    ],
)
def test_a_name(text: str, name: ImageName) -> None:
    assert parse_image_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:" + "0" * 64 + "x" * 900,
        "ghcr.io/../etc:1",
        "ghcr.io/a b:1",
        "ghcr.io/A/b:1",
        "ghcr.io/a:1;reboot",
        "ghcr.io/a@sha256:12",
        "user@ghcr.io/a:1",
        "ghcr.io:port/a",
        "ghcr.io/a\n:1",
    ],
)
def test_no_name(text: str) -> None:
    with pytest.raises(ConfigError, match="is not the name of an image") as caught:
        parse_image_name(text)

    assert "in your compose file" in caught.value.hint


def test_a_name_may_be_as_long_as_the_engine_takes_it() -> None:
    longest = "ghcr.io/" + "a" * (512 - 8)

    assert parse_image_name(longest).repository == longest[8:]
    with pytest.raises(ConfigError):
        parse_image_name(longest + "a")


@given(st.text())
def test_whatever_is_given_is_read_or_refused(text: str) -> None:
    try:
        name = parse_image_name(text)
    except ConfigError:
        return
    assert not set(f"{name.place}{name.tag}{name.digest}") & set(" \n\t;$`'\"\\?#%&")


@pytest.mark.parametrize(
    ("registry", "url"),
    [
        ("docker.io", "https://registry-1.docker.io"),
        ("ghcr.io", "https://ghcr.io"),
        ("registry.test:5000", "https://registry.test:5000"),
        ("192.168.1.2:5000", "https://192.168.1.2:5000"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("127.1.2.3", "http://127.1.2.3"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("localhost:5000", "http://localhost:5000"),
        ("localhost.test", "https://localhost.test"),
    ],
)
def test_where_a_registry_is_asked(registry: str, url: str) -> None:
    assert registry_url(registry) == url
