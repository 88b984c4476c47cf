"""`akbot drill` on the real Engine: what passes, what fails, and that nothing is left of it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.aftermath import untouched
from tests.e2e.akbot import Akbot
from tests.e2e.damaged import (
    Damage,
    StoredSet,
    file_missing,
    resign,
    rows_missing,
    table_dropped,
    written_elsewhere,
)
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH, a_few

pytestmark = pytest.mark.docker


@pytest.fixture
def to_folder(akbot: Akbot, tmp_path: Path) -> Akbot:
    return akbot.with_settings(AKBOT_STORE=f"file://{tmp_path / 'store'}")


@contextmanager
def nothing_left(sandbox: Sandbox) -> Iterator[None]:
    """The stack as it was, and no container or volume more than before."""
    listings = [["ps", "--all", "--quiet", "--no-trunc"], ["volume", "ls", "--quiet"]]
    before = [sandbox.docker(*each) for each in listings]
    with untouched(sandbox):
        yield
    assert [sandbox.docker(*each) for each in listings] == before


def folder_of(tmp_path: Path, backup_id: str) -> Path:
    [found] = (tmp_path / "store").glob(f"*/{backup_id}")
    return found


@pytest.mark.usefixtures("keys_in_redis")
def test_a_good_backup_passes(filled: Sandbox, to_folder: Akbot, tmp_path: Path) -> None:
    manifest = to_folder.backup()

    with nothing_left(filled):
        report = json.loads(to_folder.ok("drill", "--json"))

    assert (report["verdict"], report["reasons"]) == ("pass", [])
    assert report["backup_id"] == manifest["id"]
    assert report["rows"] == sum(manifest["database"]["rows"].values()) > 10_000
    assert report["contents"]["users"] == manifest["database"]["rows"]["public.authentik_core_user"]
    assert report["keys"] >= 101
    assert sorted(report["components"]) == sorted(each["name"] for each in manifest["components"])
    [kept] = folder_of(tmp_path, manifest["id"]).glob("drill-*.json")
    assert json.loads(kept.read_text())["verdict"] == "pass"
    [finding] = [
        each for each in json.loads(to_folder("check", "--json").out) if each["subject"] == "drill"
    ]
    assert finding["level"] == "ok"
    assert re.search(r"came back in \d+ s, [\d,]+ rows, [\d,]+ users", finding["message"])
    assert to_folder("verify", "latest").code == 0, "its report harms no backup"


def test_the_application_comes_back_on_the_copy(filled: Sandbox, to_folder: Akbot) -> None:
    to_folder.backup()
    networks = filled.docker("network", "ls", "--quiet")

    with nothing_left(filled):
        ended = to_folder("drill", "--boot")

    assert ended.code == 0, ended.err
    assert "started on the copy, served its login page" in ended.out
    assert filled.docker("network", "ls", "--quiet") == networks


def test_an_image_that_is_not_here_says_nothing_of_the_backup(
    filled: Sandbox, to_folder: Akbot, tmp_path: Path
) -> None:
    backup_id = to_folder.backup()["id"]
    resign(to_folder, folder_of(tmp_path, backup_id), another_image)

    with nothing_left(filled):
        ended = to_folder("drill", "--boot")

    assert ended.code == 3
    assert 'the image "goauthentik/server:2020.1.1" is not on this host' in ended.err
    assert 'Run "docker pull goauthentik/server:2020.1.1".' in ended.err


def another_image(manifest: dict[str, Any]) -> None:
    manifest["software"]["image"] = "goauthentik/server:2020.1.1"


@pytest.mark.parametrize(
    ("component", "damage"),
    [
        ("postgres", rows_missing),
        pytest.param("postgres", table_dropped, marks=THOROUGH),
        ("media", file_missing),
        pytest.param("media", written_elsewhere, marks=THOROUGH),
    ],
)
def test_what_a_backup_was_made_without_fails(
    filled: Sandbox, to_folder: Akbot, tmp_path: Path, component: str, damage: Damage
) -> None:
    """All of it is whole, and signed by this host: only what came back shows what is not there."""
    backup_id = to_folder.backup("--component", component)["id"]
    folder = folder_of(tmp_path, backup_id)
    reason = damage(StoredSet(filled, to_folder, folder))

    with nothing_left(filled):
        ended = to_folder("drill", backup_id)

    assert ended.code == 1
    assert reason in ended.err
    [kept] = folder.glob("drill-*.json")
    report = json.loads(kept.read_text())
    assert report["verdict"] == "fail"
    assert any(reason in each for each in report["reasons"]), report["reasons"]
    [job] = json.loads(to_folder.ok("jobs", "--json"))[:1]
    assert (job["kind"], job["state"], job["swept"]) == ("drill", "failed", True)
    [finding] = [
        each for each in json.loads(to_folder("check", "--json").out) if each["subject"] == "drill"
    ]
    assert finding["level"] == "failure"


@pytest.mark.parametrize(
    "component", a_few(("postgres.dump", "redis.rdb.zst", "media.tar.zst"), of={"postgres.dump"})
)
def test_one_flipped_byte_fails(
    filled: Sandbox, to_folder: Akbot, tmp_path: Path, component: str
) -> None:
    backup_id = to_folder.backup()["id"]
    file = folder_of(tmp_path, backup_id) / f"{component}.age"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)

    with nothing_left(filled):
        ended = to_folder("drill", backup_id)

    assert ended.code == 1
    assert f'component "{component.partition(".")[0]}": decrypt: ' in ended.err


def test_a_missing_object_fails(filled: Sandbox, to_folder: Akbot, tmp_path: Path) -> None:
    backup_id = to_folder.backup()["id"]
    (folder_of(tmp_path, backup_id) / "media.tar.zst.age").unlink()

    with nothing_left(filled):
        assert to_folder("drill", backup_id).code == 1
        assert to_folder("drill").code == 3, "there is no good one"


def test_without_the_key_it_could_not_run(filled: Sandbox, to_folder: Akbot) -> None:
    to_folder.backup()
    recipient = re.search("age1[0-9a-z]+", to_folder.identity.read_text())
    assert recipient
    to_folder.identity.unlink()

    with nothing_left(filled):
        ended = to_folder.with_settings(AKBOT_RECIPIENTS=recipient[0])("drill")

    assert ended.code == 3
    assert "could not run: the private key is not on this host" in ended.err
