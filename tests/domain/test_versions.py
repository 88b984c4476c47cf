"""Tags are read strictly: what a registry or a person says may be anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ConfigError
from bot.domain.versions import Family, Version, parse_target, read_family, read_tag, releases


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("2025.2.1", Version(2025, 2, 1)),
        ("2024.12.0", Version(2024, 12, 0)),
        ("2025.10.14", Version(2025, 10, 14)),
        ("2025.02.1", None),
        ("2025.2.01", None),
        ("2025.13.1", None),
        ("2025.0.1", None),
        ("2025.2", None),
        ("2025.2.1-rc1", None),
        ("2025.2.1-amd64", None),
        ("2025.2.1.1", None),
        ("v2025.2.1", None),
        (" 2025.2.1", None),
        ("2025.2.1\n", None),
        ("٢٠٢٥.2.1", None),
        ("2025.2.-1", None),
        ("1999.2.1", None),
        ("sha256-" + "a" * 64, None),
        ("latest", None),
        ("", None),
    ],
)
def test_only_a_whole_version_is_one(tag: str, version: Version | None) -> None:
    assert read_tag(tag) == version


@given(st.text())
def test_whatever_is_read_is_written_the_same(text: str) -> None:
    version = read_tag(text)

    assert version is None or str(version) == text


def test_a_family_with_ten_comes_after_one_with_eight() -> None:
    tags = ["2025.10.4", "2025.2.4", "buildcache-amd64", "2025.8.6", "2025.10", "2025.2.4"]

    assert [str(each) for each in releases(tags)] == ["2025.2.4", "2025.8.6", "2025.10.4"]


def test_a_family() -> None:
    assert read_family("2026.8") == Family(2026, 8)
    assert [read_family(text) for text in ("2026.8.3", "2026", "2026.13", "x")] == [None] * 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("latest", "that tag moves"),
        ("2025.4", "is a family, whose tag moves"),
        ("2025.4.0-rc1", "release candidate"),
        ("2025.4.0rc1", "release candidate"),
        ("next", "is no version of Authentik"),
        ("2025.4.4; reboot", "is no version of Authentik"),
        ("$(reboot)", "is no version of Authentik"),
        ("`id`", "is no version of Authentik"),
        ("../../etc/passwd", "is no version of Authentik"),
        ("2025.4.4@sha256:" + "0" * 64, "is no version of Authentik"),
        ("2025.4.4\n2025.4.5", "is no version of Authentik"),
        ("\x1b[2J", "is no version of Authentik"),
        ("2025." * 2048, "is no version of Authentik"),
        ("", "names no version"),
        (" \t", "names no version"),
        (" 2025.4.4", "is a version with blanks around it"),
        ("2025.4.4\n", "is a version with blanks around it"),
        ("2025.4.4 2025.6.4", "is no version of Authentik"),
    ],
)
def test_what_a_person_may_not_ask_for(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_target(text)

    assert words in str(caught.value)
    assert len(caught.value.in_full()) < 200
    assert caught.value.in_full().isprintable()
    assert caught.value.hint == "Name a release, such as 2025.4.4."


def test_the_notes_of_a_release() -> None:
    notes = "https://github.com/goauthentik/authentik/releases/tag/version%2F2025.4.4"

    assert parse_target("2025.4.4").notes == notes
