"""A newer akbot opens the journal of each earlier one: its work is settled, its file is kept."""

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.adapters import journal_schema
from bot.adapters.journal import Journal
from bot.adapters.journal_database import FILE
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import PortError
from bot.domain.jobs import JobKind, JobState
from tests.contracts.small_disks import disk_of, fill
from tests.contracts.state_places import a_job
from tests.services import roll_world
from tests.services.mortal import KilledError, Life
from tests.services.restore_world import RESTORE, process, world_with_a_backup
from tests.services.test_restore_kills import judged as judged_restore
from tests.services.test_update_kills import host_for
from tests.services.test_update_kills import judged as judged_update

STEPS = journal_schema._STEPS
NEWEST = len(STEPS)
FIRST_THAT_KNOWS = {JobKind.RESTORE: 4, JobKind.UPDATE: 8}
RELEASED = [
    "953dfe47181bceed",
    "e3b0c44298fc1c14",
    "e3b0c44298fc1c14",
    "e3b0c44298fc1c14",
    "e3b0c44298fc1c14",
    "e3b0c44298fc1c14",
    "22c33648a75c8529",
    "b3b377b071e024c3",
    "ba8ec74dfd05f36e",
    "3173b0b9141d59dc",
    "a452957fed51c4d4",
    "900ead081c2a35bc",
    "340b9b678c9043d0",
    "e3b0c44298fc1c14",
    "e3b0c44298fc1c14",
    "69c48aad3e9060c2",
]  # fmt: skip
IN_THE_MIDDLE = 12  # of the journal's writes
PLACE = "ghcr.io/goauthentik/server"


def test_a_step_that_people_have_taken_is_never_changed() -> None:
    """Add a line for a new one; a change of an earlier one reaches nobody who has taken it."""
    assert [hashlib.sha256(each.encode()).hexdigest()[:16] for each in STEPS] == RELEASED


def as_of(version: int, file: Path) -> None:
    """Turn *file* into what the akbot of schema *version* would have written."""
    older = file.with_name("older.db")
    with closing(sqlite3.connect(older, isolation_level=None)) as journal:
        for step in STEPS[:version]:
            journal.executescript(step)
        journal.execute(f"PRAGMA user_version = {version}")
        journal.execute("ATTACH ? AS now", (str(file),))
        tables = journal.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")
        for (table,) in tables.fetchall():
            columns = journal.execute(f"PRAGMA main.table_info({table})").fetchall()
            names = ", ".join(name for _, name, *_ in columns)
            journal.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM now.{table}")
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()
    older.rename(file)


def beside(file: Path) -> list[Path]:
    return [*file.parent.glob(f"{file.name}.*")]


def version_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as journal:
        return int(journal.execute("PRAGMA user_version").fetchone()[0])


@pytest.mark.parametrize("version", range(FIRST_THAT_KNOWS[JobKind.RESTORE], NEWEST))
async def test_an_unfinished_restore_of_an_earlier_akbot(tmp_path: Path, version: int) -> None:
    journal = Journal(StateFolder(tmp_path))
    world = await world_with_a_backup(journal=journal.jobs)
    with pytest.raises(KilledError):
        await process(world, journal, Life(IN_THE_MIDDLE)).restore(RESTORE)
    [job] = [each for each in await journal.jobs.open_jobs() if each.kind is JobKind.RESTORE]
    await journal.close()
    as_of(version, tmp_path / FILE)

    newer = Journal(StateFolder(tmp_path))
    await process(world, newer, Life()).jobs.recover()

    await judged_restore(world, newer, RESTORE)
    assert job.plan, "it was in the middle of its work"
    await newer.close()
    assert version_of(tmp_path / FILE) == NEWEST


@pytest.mark.parametrize("version", range(FIRST_THAT_KNOWS[JobKind.UPDATE], NEWEST))
async def test_an_unfinished_update_of_an_earlier_akbot(tmp_path: Path, version: int) -> None:
    journal = Journal(StateFolder(tmp_path))
    world = roll_world.world_of(journal, host=host_for("good"))
    with pytest.raises(KilledError):
        await roll_world.process(world, journal, Life(IN_THE_MIDDLE)).update(roll_world.PATCH)
    assert any(each.kind is JobKind.UPDATE for each in await journal.jobs.open_jobs())
    await journal.close()
    as_of(version, tmp_path / FILE)

    newer = Journal(StateFolder(tmp_path))
    await roll_world.process(world, newer, Life()).jobs.recover()

    await judged_update(world, newer)
    await newer.close()


@pytest.mark.parametrize("version", range(1, NEWEST))
async def test_all_can_be_read_and_the_file_of_before_is_kept(tmp_path: Path, version: int) -> None:
    """An older akbot can be run again with the copy, which has what it wrote."""
    journal = Journal(StateFolder(tmp_path))
    world = roll_world.world_of(journal, host=host_for("good"))
    await journal.jobs.begin(a_job())
    jobs = await journal.jobs.jobs()
    await journal.close()
    as_of(version, tmp_path / FILE)
    for left in (f"schema-{version - 1}", "copy"):  # of an earlier step, and of one that was killed
        (tmp_path / f"{FILE}.{left}").touch()

    newer = Journal(StateFolder(tmp_path))
    assert await newer.jobs.jobs() == jobs
    assert await newer.jobs.open_jobs() == jobs
    assert await newer.outbox.waiting() == []
    assert await newer.questions.find("none") is None
    assert await newer.releases.bad(PLACE) == []
    assert await newer.releases.told(PLACE) == {}
    assert await newer.moves.known() == {}
    assert list(await newer.incidents.open_ones()) == []
    assert list(await newer.orders.orders(5)) == []
    assert list(await newer.cures.since(a_job().started)) == []
    [backup] = await roll_world.process(world, newer, Life()).jobs.recover()
    assert (backup.id, backup.state) == (jobs[0].id, JobState.INTERRUPTED)
    await newer.close()

    copy = tmp_path / f"{FILE}.schema-{version}"
    assert beside(tmp_path / FILE) == [copy], "only the newest, and no part of one"
    assert version_of(copy) == version
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as older:
        assert older.execute("SELECT id FROM jobs").fetchall() == [(each.id,) for each in jobs]


async def test_a_kill_between_two_steps_costs_no_copy(tmp_path: Path) -> None:
    """What lies beside the file is what the older akbot wrote, however often the newer one dies."""
    file = tmp_path / FILE
    journal = Journal(StateFolder(tmp_path))
    await journal.jobs.begin(a_job())
    await journal.close()
    as_of(NEWEST - 4, file)

    for _ in range(2):
        await asyncio.to_thread(die_before_the_last_step, file)
        assert version_of(file) == NEWEST - 4
        assert beside(file) == [tmp_path / f"{FILE}.schema-{NEWEST - 4}"]
    newer = Journal(StateFolder(tmp_path))
    assert [each.id for each in await newer.jobs.jobs()] == [a_job().id]
    await newer.close()

    assert version_of(file) == NEWEST
    [copy] = beside(file)
    assert version_of(copy) == NEWEST - 4


def die_before_the_last_step(file: Path) -> None:
    """SQLite refuses it, and the connection is closed with what was not committed, as by a kill."""
    with closing(sqlite3.connect(file, isolation_level=None)) as journal:
        journal.set_authorizer(_all_but_the_newest_column)
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            journal_schema.migrate(journal, file)


def _all_but_the_newest_column(action: int, *names: str | None) -> int:
    is_newest = action == sqlite3.SQLITE_ALTER_TABLE and "incidents" in names
    return sqlite3.SQLITE_DENY if is_newest else sqlite3.SQLITE_OK


async def test_where_no_copy_can_be_made_nothing_is_changed(tmp_path: Path) -> None:
    with disk_of(4, tmp_path / "disk") as disk:
        journal = Journal(StateFolder(disk))
        await journal.jobs.jobs()
        await journal.close()
        as_of(NEWEST - 1, disk / FILE)
        (disk / "ballast").unlink(missing_ok=True)
        fill(disk)

        newer = Journal(StateFolder(disk))
        with pytest.raises(PortError, match="no space left"):
            await newer.jobs.jobs()
        await newer.close()

        assert version_of(disk / FILE) == NEWEST - 1
        assert beside(disk / FILE) == []
