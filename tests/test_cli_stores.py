"""Two folders as stores, on a host without Docker: what is shown, copied, read and pruned."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import run
from tests.services.world import World


@dataclass
class Host:
    path: Path
    signer: str
    backup: str

    @property
    def near(self) -> Path:
        return self.path / "near"

    @property
    def far(self) -> Path:
        return self.path / "far"

    def akbot(self, *arguments: str, stores: str = "") -> subprocess.CompletedProcess[str]:
        both = f"near=file://{self.near} far=file://{self.far}?keep_last=1&keep_daily=1"
        return run(
            self.path,
            *arguments,
            AKBOT_STACK="authentik",
            AKBOT_STORE=stores or both,
            AKBOT_TRUSTED_KEYS=self.signer,
        )


@pytest.fixture
async def host(tmp_path: Path) -> Host:
    """A backup in the first store, none in the second."""
    world = World()
    manifest = await world.run()
    for name, content in world.store.objects.items():
        path = tmp_path / "near" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "far").mkdir()
    return Host(tmp_path, world.keyring.public_key, manifest.id)


def test_where_each_backup_lies_is_shown(host: Host) -> None:
    listed = host.akbot("backups").stdout.splitlines()

    assert listed[0].split() == ["BACKUP", "AGE", "SIZE", "AUTHENTIK", "STORES", "STATE"]
    assert listed[1].split()[-2:] == ["near", "good"]
    assert "  in near; not in far\n" in host.akbot("backups", "latest").stdout
    [record] = json.loads(host.akbot("backups", "--json").stdout)
    assert (record["stores"], record["lacking"]) == (["near"], ["far"])


def test_with_one_store_nothing_is_said_of_stores(host: Host) -> None:
    listed = host.akbot("backups", stores=f"file://{host.near}").stdout

    assert "STORES" not in listed
    assert "not in" not in host.akbot("backups", "latest", stores=f"file://{host.near}").stdout


def test_a_copy_brings_the_second_what_it_lacks(host: Host) -> None:
    copied = host.akbot("copy")

    assert (copied.returncode, copied.stdout) == (0, f"copied  {host.backup} to far\n")
    whole = host.akbot("verify", "all").stdout.splitlines()
    assert [line.split(":")[0] for line in whole] == [
        f"ok    {host.backup} in near",
        f"ok    {host.backup} in far",
    ]
    assert host.akbot("copy").stdout == "No store that answers lacks a backup.\n"
    kinds = [job["kind"] for job in json.loads(host.akbot("jobs", "--json").stdout)]
    assert kinds == ["verify", "copy"]  # none for the second, which had nothing to do


def test_a_store_that_is_away_is_named_and_the_rest_is_shown(host: Host) -> None:
    shutil.rmtree(host.far)
    host.far.write_text("no folder")

    ended = host.akbot("backups")

    assert ended.returncode == 0
    assert host.backup in ended.stdout
    assert 'Store "far" does not answer: ' in ended.stdout


def test_a_disk_that_is_unplugged_is_named_and_the_rest_is_shown(host: Host) -> None:
    host.far.rmdir()

    ended = host.akbot("backups")

    assert ended.returncode == 0
    assert host.backup in ended.stdout
    gone = f'the folder "{host.far}" of AKBOT_STORE is not there'
    assert f'Store "far" does not answer: {gone}\n' in ended.stdout


def test_each_store_has_a_plan_of_its_own(host: Host) -> None:
    host.akbot("copy")
    text = host.akbot("prune", "--dry-run").stdout

    assert text.startswith("Store near:\n")
    assert "\n\nStore far:\n" in text
    assert set(json.loads(host.akbot("prune", "--dry-run", "--json").stdout)["stores"]) == {
        "near",
        "far",
    }
    assert "Store" not in host.akbot("prune", "--dry-run", stores=f"file://{host.near}").stdout


def test_damage_in_one_store_is_told_of_that_one(host: Host) -> None:
    host.akbot("copy")
    dump = host.far / "authentik" / host.backup / "globals.sql.zst.age"
    whole = dump.read_bytes()
    dump.write_bytes(bytes(len(whole)))

    ended = host.akbot("verify", "latest")

    assert ended.returncode == 1
    assert f"ok    {host.backup} in near" in ended.stdout
    assert f'FAIL  {host.backup} in far: component "globals"' in ended.stdout
    asked = host.akbot("jobs").stdout.splitlines()[1]
    assert re.search(r"verify latest +.* \(cli\) +failed: 1 of 2 whole$", asked)
    listed = host.akbot("backups").stdout
    assert 'near    good; in store "far" it is damaged: component "globals"' in listed
    dump.write_bytes(whole)
    assert f"ok    {host.backup} in far" in host.akbot("verify", "latest").stdout
    assert "damaged" not in host.akbot("backups").stdout


def test_a_wrong_second_store_is_a_wrong_setting(host: Host) -> None:
    ended = host.akbot("backups", stores=f"file://{host.near} http://example.org")

    assert ended.returncode == 2
    assert 'AKBOT_STORE: "http://example.org" is neither an s3:// nor a file:// URL' in ended.stderr


def test_what_would_be_sealed_anew_is_shown_with_its_keys(host: Host) -> None:
    plan = host.akbot("rekey", "--dry-run").stdout.splitlines()

    assert plan[0].split() == ["BACKUP", "SIZE", "SEALED", "FOR", "WHAT", "WOULD", "BE", "DONE"]
    assert plan[1].startswith(host.backup)
    assert plan[1].endswith("seal anew")
    [one] = json.loads(host.akbot("rekey", "--dry-run", "--json").stdout)
    assert (one["id"], one["way"]) == (host.backup, "seal anew")


def test_without_the_key_of_a_backup_it_stays_as_it_is(host: Host) -> None:
    ended = host.akbot("rekey")

    assert ended.returncode == 1
    assert "cannot be sealed anew" in ended.stderr
    assert "Add the key that opens them to AKBOT_IDENTITY_FILE." in ended.stderr
    [record] = json.loads(host.akbot("backups", "--json").stdout)
    assert (record["id"], record["state"]) == (host.backup, "good")
