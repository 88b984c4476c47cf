"""What only the real journal can get wrong: kills, other processes, full and broken disks."""

import asyncio
import os
import random
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.adapters.journal import Journal
from bot.adapters.journal_database import FILE, JournalDatabase
from bot.adapters.state_folder import BALLAST_SIZE, StateFolder
from bot.adapters.threads import ThreadsClosedError
from bot.domain.errors import ConfigError, PortError
from bot.domain.jobs import JobState, Outcome
from bot.services.journal_ports import Message, Question
from tests.contracts.small_disks import disk_of, fill, run
from tests.contracts.state_places import BOT, HOUR, NOW, a_job, child, go, line, modes, open_files

JOB = a_job()
QUESTION = Question(
    id="q1", plan_hash="abc", person=7, chat=-100123, expires=NOW, choices=("yes", "no")
)
DONE = Outcome(JobState.DONE, "12 MiB, verified")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    journal = Journal(StateFolder(path))
    yield journal
    await journal.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk_of(8, tmp_path / "disk") as disk:
        yield disk


async def test_what_was_written_is_there_after_a_close(path: Path) -> None:
    journal = Journal(StateFolder(path))
    await journal.jobs.begin(JOB)
    await journal.close()

    again = Journal(StateFolder(path))
    assert await again.jobs.open_jobs() == [JOB]
    await again.close()


@pytest.mark.parametrize("again", [False, True])
async def test_a_folder_that_is_removed_under_it_is_noticed(
    path: Path, journal: Journal, *, again: bool
) -> None:
    await journal.jobs.begin(JOB)
    shutil.rmtree(path)
    if again:  # by another process, which finds nothing of this one
        other = Journal(StateFolder(path))
        assert await other.jobs.open_jobs() == []
        await other.close()

    for call in (
        journal.jobs.step(JOB.id, "store media"),
        journal.jobs.progress(JOB.id, "storing media", 0.5),
        journal.jobs.finish(JOB.id, DONE, NOW),
        journal.jobs.open_jobs(),
    ):
        with pytest.raises(PortError, match=r"journal\.db\" was removed or replaced") as caught:
            await call
        assert "AKBOT_STATE" in caught.value.hint


async def test_a_journal_that_nobody_uses_makes_nothing(tmp_path: Path) -> None:
    journal = Journal(StateFolder(tmp_path / "state"))
    await journal.close()

    assert modes(tmp_path).keys() == {"."}


async def test_others_cannot_read_it(journal: Journal, path: Path) -> None:
    before = os.umask(0)
    try:
        await journal.jobs.begin(JOB)
    finally:
        os.umask(before)

    assert modes(path) == {
        ".": 0o700,
        "ballast": 0o600,
        FILE: 0o600,
        f"{FILE}-wal": 0o600,
        f"{FILE}-shm": 0o600,
    }


async def test_writes_wait_for_the_disk_again_after_a_fast_one(path: Path) -> None:
    database = JournalDatabase(StateFolder(path))

    def level(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA synchronous").fetchone()[0])

    full, normal = 2, 1
    assert await database.write(level) == full
    assert await database.write_fast(level) == normal
    assert await database.write(level) == full
    with pytest.raises(ZeroDivisionError):
        await database.write_fast(lambda _: 1 // 0)
    assert await database.write_at_last(level) == full
    await database.close()


async def test_a_call_that_comes_while_it_is_closed_does_not_open_it_again(path: Path) -> None:
    database = JournalDatabase(StateFolder(path))
    let_go = threading.Event()
    slow = asyncio.create_task(database.read(lambda _: let_go.wait(10)))
    await asyncio.sleep(0)
    closing_it = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    late = asyncio.create_task(database.read(lambda it: it.execute("SELECT 1").fetchone()))
    await asyncio.sleep(0)
    let_go.set()

    assert await slow
    with pytest.raises((ThreadsClosedError, asyncio.CancelledError)):
        await late
    await closing_it

    assert str(path / FILE) not in open_files()


async def test_a_change_that_raises_changes_nothing(path: Path) -> None:
    database = JournalDatabase(StateFolder(path))

    def change(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO highest_update VALUES ('1', 5, '')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(change)

    rows = await database.read(lambda it: it.execute("SELECT * FROM highest_update").fetchall())
    assert rows == []
    await database.close()


async def test_a_write_that_is_cancelled_is_whole(journal: Journal) -> None:
    await journal.jobs.begin(JOB)
    task = asyncio.create_task(journal.jobs.finish(JOB.id, DONE, NOW))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await journal.jobs.job(JOB.id) in (JOB, JOB.ending(DONE, NOW))


async def test_a_new_journal_is_opened_by_many_at_once(path: Path) -> None:
    for attempt in range(25):
        journals = [Journal(StateFolder(path / str(attempt))) for _ in range(8)]
        found = await asyncio.gather(*(journal.jobs.jobs() for journal in journals))
        assert found == [[]] * 8
        for journal in journals:
            await journal.close()


async def test_processes_write_at_once(journal: Journal, path: Path) -> None:
    with child("write", path, "aaaa", 100) as one, child("write", path, "bbbb", 100) as another:
        for process in (one, another):
            assert line(process) == "ready"
        for process in (one, another):
            go(process)
        for number in range(100):
            assert await journal.outbox.put(Message(key=str(number), chat=1, text="x"), NOW)
        assert [one.wait(), another.wait()] == [0, 0]

    keys = [each.message.key for each in await journal.outbox.waiting()]
    assert len(keys) == 300
    for suffix in ("aaaa", "bbbb"):
        own = [key for key in keys if key.startswith(suffix)]
        assert own == [f"{suffix} {number}" for number in range(100)]
        job = await journal.jobs.job(a_job(suffix).id)
        assert job
        assert job.step == "99"
    assert len(await journal.inbox(BOT).unhandled()) == 100


async def test_a_process_that_does_not_finish_is_waited_for_in_vain(path: Path) -> None:
    journal = Journal(StateFolder(path), patience_seconds=0.05)
    await journal.jobs.begin(JOB)

    with closing(sqlite3.connect(path / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(PortError, match="another process does not finish") as caught:
            await journal.jobs.step(JOB.id, "dump")
        assert await journal.jobs.job(JOB.id) == JOB  # reading needs no turn
    await journal.jobs.step(JOB.id, "dump")

    assert str(caught.value).startswith("write the journal: ")
    assert caught.value.retryable
    await journal.close()


def write_and_be_killed(path: Path, suffix: str, lines: int) -> list[str]:
    """Kill a writer right after it has said *lines* lines; return all that it said to the end."""
    with child("write", path, suffix, 0) as writer:
        assert line(writer) == "ready"
        go(writer)
        said = [line(writer) for _ in range(lines)]
        writer.kill()
        assert writer.stdout
        return said + [each.strip() for each in writer.stdout if each.endswith("\n")]


@pytest.mark.parametrize("seed", range(5))
async def test_what_was_acknowledged_survives_a_kill(path: Path, seed: int) -> None:
    lines = random.Random(seed).randint(1, 400)
    for suffix in ("aaaa", "bbbb"):  # the second writer finds what the first one's kill left
        said = [each.split() for each in write_and_be_killed(path, suffix, lines)]
        done = {word: [int(number) for what, number in said if what == word] for word, _ in said}
        journal = Journal(StateFolder(path))
        job = await journal.jobs.job(a_job(suffix).id)
        keys = [each.message.key for each in await journal.outbox.waiting()]
        updates = {each.update_id for each in await journal.inbox(BOT).unhandled()}
        offset = await journal.inbox(BOT).next_offset(NOW)
        await journal.close()

        last = done["step"][-1]
        assert job
        assert int(job.step) in {last, last + 1}
        for number in done.get("message", []):
            assert f"{suffix} {number}" in keys
        assert updates >= set(done.get("update", []))
        assert offset == max(updates, default=-1) + 1
        with closing(sqlite3.connect(path / FILE)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def write_until_full(journal: Journal) -> PortError:
    """Write steps until the disk takes no more; return what it says then."""
    number = 0
    try:
        while True:
            number += 1
            await journal.jobs.step(JOB.id, f"{number} {'x' * 3000}")
    except PortError as error:
        return error


async def test_a_full_disk_takes_no_step_but_the_end(small_disk: Path) -> None:
    journal = Journal(StateFolder(small_disk))
    await journal.jobs.begin(JOB)
    fill(small_disk)

    error = await write_until_full(journal)
    assert (small_disk / "ballast").stat().st_size == BALLAST_SIZE
    crashed = await journal.jobs.crashed(JOB.id)
    assert not (small_disk / "ballast").exists()
    await journal.jobs.finish(JOB.id, DONE, NOW)

    assert str(error) == f'write the journal: no space left on "{small_disk}"'
    assert error.hint == "Free space on the disk of AKBOT_STATE."
    assert crashed.crashes == 1
    assert await journal.jobs.job(JOB.id) == crashed.ending(DONE, NOW)
    await journal.close()


async def test_the_end_alone_is_given_the_ballast_too(small_disk: Path) -> None:
    journal = Journal(StateFolder(small_disk))
    await journal.jobs.begin(JOB)
    fill(small_disk)
    await write_until_full(journal)

    await journal.jobs.finish(JOB.id, DONE, NOW)

    assert not (small_disk / "ballast").exists()
    assert [job.state for job in await journal.jobs.jobs()] == [JobState.DONE]
    await journal.close()


async def test_what_is_true_already_is_given_the_ballast_too(small_disk: Path) -> None:
    journal = Journal(StateFolder(small_disk))
    await journal.jobs.begin(JOB)
    fill(small_disk)
    await write_until_full(journal)

    await journal.jobs.note(JOB.id, {"phase": "keep"})

    [job] = await journal.jobs.jobs()
    assert job.plan["phase"] == "keep"
    await journal.close()


async def test_no_job_begins_without_room_for_its_end(small_disk: Path) -> None:
    journal = Journal(StateFolder(small_disk))
    filler = fill(small_disk)
    os.truncate(filler, filler.stat().st_size - BALLAST_SIZE)

    with pytest.raises(PortError, match="write the journal: no space left on"):
        await journal.jobs.begin(JOB)
    assert await journal.jobs.jobs() == []
    filler.unlink()
    await journal.jobs.begin(JOB)

    assert (small_disk / "ballast").stat().st_size == BALLAST_SIZE
    assert await journal.jobs.jobs() == [JOB]
    await journal.close()


async def test_a_full_disk_keeps_nobody_from_reading(small_disk: Path) -> None:
    before = Journal(StateFolder(small_disk))
    await before.jobs.begin(JOB)
    await before.close()
    fill(small_disk)

    journal = Journal(StateFolder(small_disk))
    assert await journal.jobs.open_jobs() == [JOB]
    await journal.jobs.finish(JOB.id, DONE, NOW)
    await journal.close()


async def test_compacting_gives_the_log_s_room_back(journal: Journal, path: Path) -> None:
    await journal.jobs.begin(JOB)
    for number in range(200):
        await journal.jobs.step(JOB.id, f"{number} {'x' * 3000}")
    await journal.jobs.finish(JOB.id, DONE, NOW)
    assert (path / f"{FILE}-wal").stat().st_size > 200 * 4096

    assert await journal.jobs.compact(NOW + HOUR) == 1

    assert (path / f"{FILE}-wal").stat().st_size == 0
    assert await journal.jobs.jobs() == []


async def test_a_disk_that_is_mounted_read_only(small_disk: Path) -> None:
    journal = Journal(StateFolder(small_disk))
    await journal.jobs.begin(JOB)
    await journal.close()
    assert run("mount", "-o", "remount,ro", str(small_disk)) == ""

    journal = Journal(StateFolder(small_disk))
    with pytest.raises(PortError) as caught:
        await journal.jobs.step(JOB.id, "dump")
    await journal.close()

    assert str(caught.value) == f'write the journal: "{small_disk}" is read-only'
    assert caught.value.hint == "Mount AKBOT_STATE writable, or name another folder."


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as another user")
async def test_a_file_of_another_user() -> None:
    with TemporaryDirectory() as name:  # others can enter it, unlike pytest's own
        folder = StateFolder(Path(name))
        await folder.id()
        journal = Journal(folder)
        await journal.jobs.begin(JOB)
        await journal.close()
        for file, mode in {".": 0o777, FILE: 0o644, "id": 0o644}.items():
            await asyncio.to_thread((folder.path / file).chmod, mode)

        with child("fail-as-nobody", name) as process:
            assert line(process) == (
                f'PortError: write the journal: "{name}/{FILE}" cannot be written'
            )


async def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = Journal(StateFolder(tmp_path / "file"))

    with pytest.raises(ConfigError, match=r'read the journal: ".*/file" is not a folder'):
        await journal.jobs.jobs()
    await journal.close()


def overwrite(file: Path, start: int, content: bytes) -> None:
    with file.open("r+b") as damaged:
        damaged.seek(start)
        damaged.write(content)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "another file": lambda file: overwrite(file, 0, b"not a database, though long enough" * 100),
    "garbage in the schema": lambda file: overwrite(file, 100, b"\xff" * 3000),
    "garbage in the tables": lambda file: overwrite(file, 4096, b"\xff" * 60_000),
    "cut short": lambda file: os.truncate(file, 5000),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_damaged_file(path: Path, damage: Callable[[Path], None]) -> None:
    before = Journal(StateFolder(path))
    await before.jobs.begin(JOB)
    await before.close()
    damage(path / FILE)
    content = (path / FILE).read_bytes()

    journal = Journal(StateFolder(path))
    for call in (journal.jobs.jobs(), journal.jobs.step(JOB.id, "dump")):
        with pytest.raises(PortError, match=rf'the journal: "{path}/{FILE}" is damaged') as caught:
            await call
        assert caught.value.hint == (
            "Stop the bot and move it away, its -wal and -shm too; the backups are not touched."
        )
        assert not caught.value.retryable
    await journal.close()

    assert (path / FILE).read_bytes() == content


async def test_a_damaged_file_that_was_moved_away(path: Path) -> None:
    await asyncio.to_thread(StateFolder(path).make)
    (path / FILE).write_bytes(b"garbage" * 1000)
    journal = Journal(StateFolder(path))
    with pytest.raises(PortError) as caught:
        await journal.jobs.jobs()
    assert str(path / FILE) not in open_files()

    (path / FILE).rename(path / "damaged")
    await journal.jobs.begin(JOB)

    assert "is damaged" in str(caught.value)
    assert await journal.jobs.jobs() == [JOB]
    await journal.close()


async def test_a_file_of_a_newer_version(path: Path) -> None:
    before = Journal(StateFolder(path))
    await before.jobs.begin(JOB)
    await before.close()
    with closing(sqlite3.connect(path / FILE)) as file:
        file.execute("PRAGMA user_version = 99")

    journal = Journal(StateFolder(path))
    with pytest.raises(
        ConfigError, match=r"newer akbot \(schema 99; this one knows \d+\)"
    ) as caught:
        await journal.jobs.begin(a_job("zzzz"))
    await journal.close()

    for words in ("Run that version of akbot", "journal.db.schema-N", "-wal and -shm"):
        assert words in caught.value.hint
    assert "another folder" not in caught.value.hint, "its new keys would open no backup"
    with closing(sqlite3.connect(path / FILE)) as file:
        assert file.execute("SELECT id FROM jobs").fetchall() == [(JOB.id,)]
