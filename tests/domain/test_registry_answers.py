"""What a registry or the feed answers may be anything; the whole talk is in the contracts."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import IntegrityError
from bot.domain.registry_answers import (
    Challenge,
    Platform,
    choose_manifest,
    is_index,
    may_be_asked,
    next_page,
    parse_challenge,
    parse_config,
    parse_manifest,
    parse_retry_after,
    parse_tags,
    parse_token,
)
from bot.domain.release_feed import NewestRelease, Reason, parse_feed
from bot.domain.versions import Version

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
PLATFORM = Platform("linux", "amd64")
URL = "https://ghcr.io/v2/a/tags/list?n=1000"


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (
            'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a:pull"',
            Challenge("https://ghcr.io/token", "ghcr.io", "repository:a:pull"),
        ),
        ('bearer service="x", realm="https://a/b"', Challenge("https://a/b", "x")),
        ('Bearer realm="https://a/b"', Challenge("https://a/b", "", "")),
        ('Basic realm="x"', Challenge("")),
        ('Bearer service="x"', None),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_a_challenge(header: str, challenge: Challenge | None) -> None:
    assert parse_challenge(header) == challenge


@pytest.mark.parametrize(
    ("realm", "fits"),
    [
        ("https://auth.docker.io/token", True),
        ("http://auth.docker.io/token", False),
        ("http://127.0.0.1:5000/token", True),
        ("http://127.0.0.1:5001/token", False),
        ("https://name:pw@auth.docker.io/token", False),
        ("https://name@auth.docker.io/token", False),
        ("https://:pw@auth.docker.io/token", False),
        ("ftp://127.0.0.1:5000/token", False),
        ("/token", False),
    ],
)
def test_where_a_token_may_be_asked_for(realm: str, *, fits: bool) -> None:
    assert may_be_asked(realm, "http://127.0.0.1:5000") == fits


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ("", None),
        ('</v2/a/tags/list?last=b>; rel="next"', "https://ghcr.io/v2/a/tags/list?last=b"),
        ("<https://ghcr.io/v2/x>; rel=next", "https://ghcr.io/v2/x"),
        ('</v2/a>; rel="prev"', None),
    ],
)
def test_where_a_list_goes_on(link: str, following: str | None) -> None:
    assert next_page(link, URL) == following


@pytest.mark.parametrize("link", ["<http://ghcr.io/v2>; rel=next", "<//b.test/v2>; rel=next"])
def test_a_list_goes_on_at_its_own_server(link: str) -> None:
    with pytest.raises(IntegrityError, match="another server"):
        next_page(link, URL)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("9" * 100, 10**6),
        ("0000000012", 1),  # nine digits are read
        ("Mon, 23 Nov 2026 03:31:30 -0000", 60),  # of no zone
        ("Mon, 23 Nov 2026 03:31:30 GMT", 90),
        ("Mon, 23 Nov 2026 03:00:00 GMT", 0),
        ("-5", 60),
        ("²", 60),
        ("", 60),
        ("soon", 60),
    ],
)
def test_how_long_a_registry_wants_to_be_left_alone(header: str, seconds: int) -> None:
    assert parse_retry_after(header, NOW) == timedelta(seconds=seconds)


def test_a_configuration_of_go_has_nanoseconds() -> None:
    facts = parse_config(b'{"created": "2026-01-02T03:04:05.678901234Z", "os": "linux"}')

    assert facts.made == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    for created in (b'"yesterday"', b"7", b'"2026-01-02T03:04:05"', b"null"):
        assert parse_config(b'{"created": ' + created + b"}").made is None


def test_a_configuration_says_for_which_machine_it_is_and_what_is_written_on_it() -> None:
    body = b"""{"os": "linux", "architecture": "amd64",
        "config": {"Labels": {"org.opencontainers.image.version": "2025.4.4", "odd": 7}}}"""

    facts = parse_config(body)

    assert facts.platform == PLATFORM
    assert facts.labels == {"org.opencontainers.image.version": "2025.4.4"}
    for config in (b"null", b"[]", b"{}", b'{"Labels": null}'):
        assert parse_config(b'{"config": ' + config + b"}").labels == {}


@pytest.mark.parametrize("name", [b"token", b"access_token"])
def test_a_token(name: bytes) -> None:
    assert parse_token(b'{"' + name + b'": "abc.~-_"}') == "abc.~-_"
    for odd in (b'""', b'"a b"', b'"a\\n"', b'"\\u00fc"', b"7", b"null"):
        with pytest.raises(IntegrityError, match="holds no token"):
            parse_token(b'{"' + name + b'": ' + odd + b"}")


def test_tags_that_could_be_none_are_left_out() -> None:
    assert parse_tags(b'{"tags": ["2025.4.4", "a/b", "", 7, "x y", "_1"]}') == ["2025.4.4", "_1"]
    assert parse_tags(b'{"tags": null}') == []


SHA = "sha256:" + "1" * 64
MANIFEST = f"""{{"config": {{"digest": "{SHA}", "size": 7}},
    "layers": [{{"size": 5}}, {{"size": 0}}, {{"size": -9}}, {{"size": "3"}}, 4, {{"size": 1}}]}}"""


def test_the_size_of_an_image_is_that_of_all_that_says_one() -> None:
    manifest = parse_manifest(MANIFEST.encode())

    assert (manifest.config, manifest.size) == (SHA, 13)
    assert not is_index(MANIFEST.encode())
    assert parse_manifest(f'{{"config": {{"digest": "{SHA}"}}, "layers": 1}}'.encode()).size == 0


def test_of_an_index_the_manifest_of_this_platform_is_chosen() -> None:
    others = [{}, {"platform": None}, {"platform": {"os": "linux", "architecture": "arm64"}}]
    ours = {"platform": {"os": "linux", "architecture": "amd64"}, "digest": SHA}
    body = json.dumps({"manifests": [*others, 7, ours]}).encode()

    assert is_index(body)
    assert choose_manifest(body, PLATFORM) == SHA
    assert choose_manifest(json.dumps({"manifests": others}).encode(), PLATFORM) is None
    windows = {**ours, "platform": {"os": "windows", "architecture": "amd64"}}
    assert choose_manifest(json.dumps({"manifests": [windows]}).encode(), PLATFORM) is None


READERS: list[Callable[[bytes], object]] = [
    parse_tags,
    parse_token,
    parse_manifest,
    parse_config,
    parse_feed,
    is_index,
    partial(choose_manifest, platform=PLATFORM),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("tags", "token", "config", "layers", "manifests", "platform", "digest"),
                    *("size", "created", "Labels", "stable", "version", "reason"),
                ]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.binary() | values)
def test_whatever_is_answered_is_read_or_refused(answer: object) -> None:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    for read in READERS:
        try:
            read(body)
        except IntegrityError as error:
            assert str(error).isprintable()  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("body", "release"),
    [
        (
            b'{"stable": {"version": "2026.8.3", "reason": "security", "changelog": "x"}}',
            NewestRelease(Version(2026, 8, 3), Reason.SECURITY),
        ),
        (
            b'{"stable": {"version": "2026.8.3", "reason": "whim"}}',
            NewestRelease(Version(2026, 8, 3), Reason.OTHER),
        ),
        (
            b'{"stable": {"version": "2026.8.3", "reason": ["security"]}}',
            NewestRelease(Version(2026, 8, 3), Reason.OTHER),
        ),
    ],
)
def test_the_feed_of_releases(body: bytes, release: NewestRelease) -> None:
    assert parse_feed(body) == release


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{}", b'{"stable": 7}', b'{"stable": {"version": "latest", "reason": "x"}}'),
        b'{"stable": {"version": 1, "reason": "x"}}',
    ],
)
def test_a_feed_that_names_no_release(body: bytes) -> None:
    with pytest.raises(IntegrityError, match="the feed of releases names no"):
        parse_feed(body)
