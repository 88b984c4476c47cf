"""Two real stores, a folder and a bucket: one breaks in the middle, and catches up."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e import stranger
from tests.e2e.akbot import Akbot
from tests.e2e.relay import Relay, relay_to
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

pytestmark = pytest.mark.docker

MEGABYTE = 1_000_000


@pytest.fixture
def line(sandbox: Sandbox) -> Iterator[Relay]:
    """The line to the bucket."""
    endpoint = urlsplit(parse_qs(urlsplit(sandbox.environment["AKBOT_STORE"]).query)["endpoint"][0])
    assert endpoint.hostname
    with relay_to(endpoint.hostname, endpoint.port or 80) as relay:
        yield relay


@pytest.fixture
def two(akbot: Akbot, filled: Sandbox, line: Relay, tmp_path: Path) -> Akbot:
    """The command line with both stores, the bucket behind the line."""
    url = urlsplit(filled.environment["AKBOT_STORE"])
    far = f"s3://{url.netloc}{url.path}?endpoint=http://127.0.0.1:{line.port}&region=us-east-1"
    return akbot.with_settings(
        AKBOT_STORE=f"near=file://{tmp_path}/near far={far}",
        AKBOT_STACK=f"{tmp_path.name}-{time.time_ns()}",  # a bucket outlives a run
    )


def sums(files: list[Path]) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def near(two: Akbot, tmp_path: Path, backup: str) -> list[Path]:
    return sorted((tmp_path / "near" / two.environment["AKBOT_STACK"] / backup).iterdir())


def far(two: Akbot, sandbox: Sandbox, backup: str, folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    store, stack = sandbox.environment["AKBOT_STORE"], two.environment["AKBOT_STACK"]
    return stranger.fetch(sandbox, store, f"{stack}/{backup}/", folder)


def test_one_breaks_in_the_middle_and_the_next_backup_brings_it_what_it_lacks(
    two: Akbot, filled: Sandbox, line: Relay, tmp_path: Path
) -> None:
    two = two.with_settings(AKBOT_STORE_OUTAGE="3")
    line.breaks_after = 12 * MEGABYTE
    ended = two("backup", "--json")
    assert ended.code == 0, ended.err
    first = json.loads(ended.out)
    assert first["stores"] == ["near"]
    assert list(first["degraded"]) == ["far"]
    assert "store far does not answer" not in ended.out

    status = two.ok("status")
    assert "degraded: it is not in far (does not answer)" in status
    assert 'Store "far" does not answer' in status
    assert "degraded: not in store" in two.ok("jobs")
    assert two("verify", first["id"]).code == 0

    line.mend()
    second = two.backup()

    assert second["stores"] == ["near", "far"]
    assert second["degraded"] == {}
    for number, backup in enumerate((first, second)):
        here = near(two, tmp_path, backup["id"])
        there = far(two, filled, backup["id"], tmp_path / f"far-{number}")
        assert sums(here) == sums(there)
        for files in (here, there):
            [dump] = [each for each in files if each.name == "postgres.dump.age"]
            opened = stranger.shell('age -d -i "$1" "$2"', two.identity, dump)
            assert opened.startswith(b"PGDMP")
    listed = two.ok("backups")
    assert listed.count("near, far") == 2
    assert two.ok("verify", "all").count("ok  ") == 4
    assert "degraded" not in two.ok("status")


@THOROUGH
def test_one_that_goes_dead_holds_up_the_backup_for_a_minute_only(two: Akbot, line: Relay) -> None:
    line.breaks_after, line.silently = 12 * MEGABYTE, True
    began = time.monotonic()

    ended = two("backup", "--json")

    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    assert document["degraded"] == {"far": "it has not gone on for 60 seconds"}
    assert time.monotonic() - began < 150
