"""`akbot prune` and `akbot pin` on a host without Docker: what needs none works, and says so."""

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.backup_id import BackupId
from tests.command_line import run
from tests.services.stored import store_backup
from tests.services.world import World

DAY = timedelta(days=1)


@dataclass
class Host:
    """A folder as the store, and what lies in it."""

    path: Path
    world: World
    nights: list[BackupId]

    def akbot(self, *arguments: str, daily: str = "2") -> subprocess.CompletedProcess[str]:
        return run(
            self.path,
            *arguments,
            AKBOT_STACK="authentik",
            AKBOT_STORE=f"file://{self.path}/store",
            AKBOT_TRUSTED_KEYS=self.world.keyring.public_key,
            AKBOT_TIMEZONE="UTC",
            AKBOT_RETENTION_DAILY=daily,
            AKBOT_RETENTION_WEEKLY="0",
            AKBOT_RETENTION_MONTHLY="0",
        )

    @property
    def stored(self) -> set[str]:
        return {path.name for path in (self.path / "store/authentik").iterdir()}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    world, now = World(), datetime.now(UTC).replace(microsecond=0)
    nights = [store_backup(world, now - number * DAY) for number in range(5)]
    nights.append(store_backup(world, now - 6 * DAY, key=Ed25519PrivateKey.generate()))
    for key, data in world.store.objects.items():
        file = tmp_path / "store" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return Host(tmp_path, world, nights)


def test_a_dry_run_is_a_table_with_reasons_and_changes_nothing(host: Host) -> None:
    ended = host.akbot("prune", "--dry-run")

    assert (ended.returncode, ended.stderr) == (0, "")
    lines = [re.sub(r"  +", "|", line) for line in ended.stdout.splitlines()]
    dates = [f"{night[:4]}-{night[4:6]}-{night[6:8]}" for night in host.nights]
    assert lines[0] == "BACKUP|AGE|WHY"
    assert lines[1].startswith(
        f"{host.nights[0]}|0 min ago|keep|one of the 3 newest; newest of its"
    )
    assert lines[2].endswith(f"|keep|one of the 3 newest; newest of its day ({dates[1]})")
    assert lines[3].endswith("|keep|one of the 3 newest")
    for line in lines[4:6]:
        assert line.endswith("|delete|older than the newest 2 days that have a backup")
    assert "|keep|not trusted, so never deleted: signed by the unknown key" in lines[6]
    assert lines[8].startswith("Would delete 2 (")
    assert lines[8].endswith("and keep 4.")
    assert host.stored == set(host.nights)


def test_a_dry_run_for_programs(host: Host) -> None:
    plan = json.loads(host.akbot("prune", "--dry-run", "--json").stdout)

    assert [each["keep"] for each in plan["backups"]] == [True, True, True, False, False, True]
    assert plan["backups"][3]["id"] == host.nights[3]
    assert plan["stopped"] == plan["too_much_unattended"] == ""


def test_rungs_of_zero_keep_everything(host: Host) -> None:
    ended = host.akbot("prune", "--dry-run", daily="0")

    assert ended.stdout.count("the settings keep every backup") == 5
    assert "Would delete nothing and keep 6." in ended.stdout


def test_a_prune_says_what_went_and_why_and_is_a_job(host: Host) -> None:
    """A stack that does not run needs no dump, so old backups may go all the same."""
    ended = host.akbot("prune")

    assert ended.returncode == 0
    reason = "older than the newest 2 days that have a backup"
    lines = ended.stdout.splitlines()
    assert lines[:2] == [f"deleted  {host.nights[number]}: {reason}" for number in (4, 3)]
    assert re.fullmatch(r"2 deleted \(\d+\.\d kB\), 4 kept\.", lines[2])
    assert ended.stderr.splitlines() == [
        f"  deleting {host.nights[4]}, 1 of 2",
        f"  deleting {host.nights[3]}, 2 of 2",
    ]
    assert host.stored == {*host.nights[:3], host.nights[5]}
    [job] = json.loads(host.akbot("jobs", "--json").stdout)
    assert (job["kind"], job["state"], job["message"]) == ("prune", "done", "2 deleted, 4 kept")
    again = json.loads(host.akbot("prune", "--json").stdout)
    assert again == {"deleted": [], "left": [], "kept": 4, "uploads": 0, "keeps_versions": False}


def test_a_pin_keeps_and_can_be_removed(host: Host) -> None:
    oldest = host.nights[4]
    pinned = host.akbot("pin", oldest[:10])
    assert pinned.stdout == f"Backup {oldest} is pinned: no prune deletes it.\n"
    assert re.search(rf"{oldest}.*keep +pinned\n", host.akbot("prune", "--dry-run").stdout)
    assert re.search(rf"{oldest}.*good; pinned", host.akbot("backups").stdout)

    removed = host.akbot("pin", "--remove", oldest)
    assert removed.stdout == f"Backup {oldest} is not pinned.\n"
    assert re.search(rf"{oldest}.*delete", host.akbot("prune", "--dry-run").stdout)
    assert not json.loads(host.akbot("pin", "--remove", oldest, "--json").stdout)["pinned"]
    assert host.akbot("pin", "20200101").returncode != 0
    listed = host.akbot("jobs").stdout.splitlines()
    assert f"  pin {oldest[:10]}  " in listed[4]
    assert listed[4].endswith(f"done: {oldest}")
    assert f"  unpin {oldest}  " in listed[3]
    assert "  failed: " in listed[1]


def test_a_stranger_s_backup_is_not_pinned(host: Host) -> None:
    ended = host.akbot("pin", host.nights[5])

    assert ended.returncode == 3
    [line] = ended.stderr.splitlines()
    assert line.startswith(f'akbot: there is no trusted backup "{host.nights[5]}" to pin')


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AKBOT_RETENTION_LAST", "0"),
        ("AKBOT_RETENTION_DAILY", "-1"),
        ("AKBOT_RETENTION_MONTHLY", "many"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    ended = run(tmp_path, "prune", **{name: value})

    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"akbot: {name}: ")


def test_one_backup_is_shown_and_deleted_once_that_is_confirmed(host: Host) -> None:
    doomed = host.nights[2]

    asked = host.akbot("delete", doomed)
    assert (asked.returncode, asked.stdout) == (3, "")
    shown, what_then, refusal = asked.stderr.splitlines()
    assert shown.startswith(f"Backup {doomed} is deleted from file:{host.path}/store: ")
    assert what_then == "No store has it then, and nothing brings it back."
    assert refusal == (
        "akbot: the deletion was not confirmed. Nothing was deleted. --yes confirms it."
    )
    assert doomed in host.stored

    done = host.akbot("delete", doomed, "--yes")
    assert (done.returncode, done.stdout) == (
        0,
        f"deleted  {doomed} from file:{host.path}/store\n",
    )
    assert host.stored == {*host.nights} - {doomed}


def test_the_newest_good_backup_is_deleted_by_force_alone(host: Host) -> None:
    refused = host.akbot("delete", host.nights[0], "--yes")

    assert refused.returncode == 3
    assert "is the newest good one. Nothing was deleted. Make a newer one" in refused.stderr
    forced = host.akbot("delete", host.nights[0], "--yes", "--force", "--json")
    assert json.loads(forced.stdout)["id"] == host.nights[0]
    assert "It is the newest good one" in forced.stderr
    assert host.nights[0] not in host.stored
