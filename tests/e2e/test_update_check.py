"""`akbot update --check` and `--why` on the sandbox's stack and its real registry."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.e2e.akbot import Akbot
from tests.registry_server import registry_server, too_often
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker
PATH = ("2025.2.4", "2025.4.4", "2025.6.4", "2025.8.6", "2025.10.4")


@pytest.fixture
def asking(akbot: Akbot, sandbox: Sandbox) -> Iterator[Akbot]:
    """An `akbot` that knows nothing of the registry yet; the stack is as it was afterwards."""
    sandbox.stand_ins(*(f"goauthentik/server:{tag}" for tag in PATH))
    form = "{{.Id}} {{.State.StartedAt}} {{.Image}}"
    containers = ("authentik", "authentik-worker", "authentik-postgresql", "authentik-redis")
    before = sandbox.docker("inspect", "--format", form, *containers)
    yield akbot.with_settings(AKBOT_RELEASE_FEED="off")
    assert sandbox.docker("inspect", "--format", form, *containers) == before


def test_the_way_over_the_real_registry(asking: Akbot, sandbox: Sandbox) -> None:
    value = json.loads(asking.ok("update", "--check", "--json", PATH[-1]))

    assert [hop["to"] for hop in value["hops"]] == [*PATH]
    assert value["place"] == f"{sandbox.registry}/goauthentik/server"
    assert value["holds"][0]["kind"] == "too fresh"
    lines = asking.ok("update", "--why", PATH[-1]).splitlines()
    assert lines[0].startswith("Held back until ")
    assert len(lines) == 2
    at_once = asking.with_settings(AKBOT_UPDATE_MINIMUM_AGE="0")
    assert at_once.ok("update", "--why", PATH[-1]) == (
        f"Nothing holds the update to {PATH[-1]} back.\n"
    )
    text = at_once.ok("update", "--check", PATH[-1])
    assert f"5. 2025.8.6 → {PATH[-1]}" in text
    assert "Redis is used no more" in text


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("2024.12.5", 3, "is older than 2025.2.1"),
        ("2025.4.99", 3, "the registry has no version 2025.4.99"),
        ("latest", 2, "that tag moves"),
    ],
)
def test_what_is_refused(asking: Akbot, target: str, code: int, words: str) -> None:
    ended = asking("update", "--check", target)

    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
    assert ended.err.count("\n") == 1


def test_a_registry_in_trouble_is_one_line_and_changes_nothing(asking: Akbot) -> None:
    away = asking.with_settings(AKBOT_REGISTRY_ENDPOINT="http://127.0.0.1:1")("update", "--check")
    assert (away.code, away.out) == (1, "")
    assert away.err == "akbot: ask 127.0.0.1:1: Connection refused\n"
    with registry_server() as server:
        server.fault = too_often("30")
        mirrored = asking.with_settings(AKBOT_REGISTRY_ENDPOINT=server.url)
        ended = [mirrored("update", "--check") for _ in range(2)]
        assert len(server.asked) == 1
    for each in ended:
        assert (each.code, each.out, each.err.count("\n")) == (1, "", 1)
        assert "it was asked too often (429), and is left alone until" in each.err


def test_the_preflight_of_a_patch(asking: Akbot) -> None:
    ended = asking("update", "--preflight", PATH[0])

    assert ended.code == 0, ended.out
    assert "FAIL" not in ended.out
    assert "ok    version: 2025.2.1, in the database too" in ended.out
    assert "ok    migrations: nobody migrates" in ended.out
    assert "WARN  way: 2025.2.4 is known since" in ended.out


def test_a_preflight_names_what_blocks(asking: Akbot, sandbox: Sandbox) -> None:
    sandbox.stand_ins("goauthentik/server:2025.12.4")
    twice = "SELECT gen_random_uuid(), 'twice', '{}', false FROM generate_series(1, 2)"
    sandbox.psql(
        "INSERT INTO authentik_core_group (group_uuid, name, attributes, is_superuser)" + twice
    )
    try:
        ended = asking("update", "--preflight", "--json", "2025.12.4")
        shown = asking("update", "--preflight", "2025.12.4")
    finally:
        sandbox.psql("DELETE FROM authentik_core_group WHERE name = 'twice'")

    blocks = [each for each in json.loads(ended.out) if each["level"] == "failure"]
    assert ended.code == shown.code == 3
    assert [each["subject"] for each in blocks] == ["groups", "compose", "compose"]
    said = r'^FAIL  groups: several groups are called (".+", )*"twice": 2025\.12'
    assert re.search(said, shown.out, re.MULTILINE)
    assert "      → Rename them in Authentik." in shown.out
