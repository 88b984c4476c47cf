"""Several stores in one setting: where one ends, what they are called, what each keeps."""

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.domain.errors import ConfigError
from bot.domain.retention import Policy
from bot.domain.store_list import MOST_KEPT, parse_stores, require_from
from bot.domain.store_url import DirectoryLocation, S3Location

S3 = "s3://bucket/home?endpoint=https://s3.example.org"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("file:///a", ["file:/a"], id="one"),
        pytest.param(f"{S3} file:///a", ["s3:bucket/home", "file:/a"], id="blank"),
        pytest.param(f"{S3},file:///a", ["s3:bucket/home", "file:/a"], id="comma"),
        pytest.param(f"{S3},\n  file:///a", ["s3:bucket/home", "file:/a"], id="lines"),
        pytest.param(f"far={S3} near=file:///a", ["far", "near"], id="named"),
        pytest.param(f"{S3} near=file:///a", ["s3:bucket/home", "near"], id="one named"),
        pytest.param("file:///a, b c", ["file:/a, b c"], id="a path with blanks and commas"),
        pytest.param("s3://one s3://two/X", ["s3:one", "s3:two/X"], id="without prefix"),
    ],
)
def test_a_store_ends_where_the_next_url_begins(text: str, names: list[str]) -> None:
    assert [each.name for each in parse_stores(text)] == names


def test_each_store_has_the_location_that_its_url_says() -> None:
    far, near = parse_stores(f"far={S3}&region=eu-1 near=file:///mnt/b")

    assert far.location == S3Location(
        "bucket", "home", "https://s3.example.org", "eu-1", path_style=True
    )
    assert near.location == DirectoryLocation(Path("/mnt/b"))


def test_each_store_keeps_what_its_own_options_say() -> None:
    far, near = parse_stores(f"{S3}&keep_daily=30&keep_monthly=0&region=x file:///a?keep_last=1")
    default = Policy(last=3, daily=7, weekly=9, monthly=12, zone=ZoneInfo("Europe/Berlin"))

    assert far.policy(default) == replace(default, daily=30, monthly=0)
    assert near.policy(default) == replace(default, last=1)


def test_each_figure_of_the_policy_can_be_a_stores_own() -> None:
    [store] = parse_stores("file:///a?keep_last=5&keep_daily=6&keep_weekly=7&keep_monthly=8")

    assert store.policy(Policy()) == Policy(last=5, daily=6, weekly=7, monthly=8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://b", '--from: "http://b" is neither'),
        ("file:///a file:///b", "--from: it names several stores"),
    ],
)
def test_a_place_to_restore_from_is_one_store(text: str, words: str) -> None:
    require_from("file:///a")

    with pytest.raises(ConfigError) as caught:
        require_from(text)

    assert str(caught.value).startswith(words)
    assert caught.value.hint


def test_what_is_left_of_an_address_is_as_it_was() -> None:
    [plain] = parse_stores("file:///a?keep_last=1")
    [most] = parse_stores(f"s3://bucket?keep_last={MOST_KEPT}&region=x")

    [question] = parse_stores("s3://bucket?keep_last=1&ca=/a?b")

    assert (question.location, question.keeps) == (
        S3Location("bucket", ca_file=Path("/a?b")),
        {"last": 1},
    )
    assert plain.location == DirectoryLocation(Path("/a"))
    assert plain.name == "file:/a"
    assert most.name == "s3:bucket"
    assert most.policy(Policy()).last == MOST_KEPT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("file:///a http://b", '"http://b" is neither', id="second is no store"),
        pytest.param(f"{S3} {S3}&region=x", "is named twice", id="the same place"),
        pytest.param("x=file:///a y=file:///a", "is named twice", id="the same under two names"),
        pytest.param("x=file:///a x=file:///b", 'two stores are called "x"', id="one name for two"),
        pytest.param("s3://bbb?endpoint=https://x s3://bbb", "two stores are called", id="derived"),
        pytest.param("file:///a?keep_last=0", "keep_last is no such number", id="keeps none"),
        pytest.param("file:///a?keep_daily=many", "keep_daily is no such number", id="no number"),
        pytest.param("file:///a?keep_daily=1&keep_daily=2", "given twice", id="twice"),
        pytest.param("file:///a?keep_last=1=2", "keep_last is no such number", id="two signs"),
        pytest.param("file:///a?b?keep_last=1", "not an absolute path", id="two queries"),
        pytest.param("file:///a?keep_hourly=1", "not an absolute path", id="no such option"),
        pytest.param("s3://key:planted@b file:///a", "must not hold credentials", id="secret"),
    ],
)
def test_what_cannot_be_meant_is_said(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_stores(text)

    assert words in str(caught.value)
    assert caught.value.hint
    assert str(caught.value).startswith("AKBOT_STORE: ")
    assert "planted" not in caught.value.in_full()
