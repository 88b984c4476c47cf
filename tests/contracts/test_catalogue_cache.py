"""What every CatalogueCache promises, and what the file one does when its file is not right."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.catalogue_file import FILE, CatalogueFile
from bot.adapters.state_folder import StateFolder
from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.judgement import Judgement
from bot.services.catalogue_ports import CatalogueCache, Shelf
from tests.domain.test_manifest import ID, MANIFEST, summary_of
from tests.fakes import FakeCatalogueCache

OTHER = BackupId("20261122T033000Z-aaaa")
SHELF = Shelf("s3://bucket authentik", "rules")
WHOLE = BackupRecord(
    ID,
    BackupState.GOOD,
    summary=summary_of(replace(MANIFEST, label="ä \0 'x'", warnings=("odd",))),
    pinned=True,
    stored_size=2**40,
)
ONE = Judgement(b"mark", WHOLE)
TWO = Judgement(b"\0\xff", BackupRecord(OTHER, BackupState.INCOMPLETE, "it has no manifest"))


@dataclass
class Memories:
    """Caches that share what they remember, as daemon and command line do."""

    folder: Path
    kind: str
    kept: dict[Any, Any] = field(default_factory=dict)
    made: list[CatalogueFile] = field(default_factory=list)

    def cache(self) -> CatalogueCache:
        if self.kind == "fake":
            return FakeCatalogueCache(self.kept)
        self.made.append(CatalogueFile(StateFolder(self.folder)))
        return self.made[-1]


@pytest.fixture(params=["fake", "file"])
async def memories(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memories]:
    memories = Memories(tmp_path / "state", request.param)
    yield memories
    for each in memories.made:
        await each.close()


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Memories]:
    memories = Memories(tmp_path / "state", "file")
    yield memories
    for each in memories.made:
        await each.close()


async def test_what_is_kept_is_known_to_all(memories: Memories) -> None:
    here, there = memories.cache(), memories.cache()
    assert await here.known(SHELF) == {}

    await here.keep(SHELF, [ONE])
    await there.keep(SHELF, [TWO])

    assert await here.known(SHELF) == await there.known(SHELF) == {ID: ONE, OTHER: TWO}


async def test_the_last_one_of_a_name_is_kept(memories: Memories) -> None:
    cache = memories.cache()
    await cache.keep(SHELF, [ONE])
    changed = Judgement(b"other", replace(WHOLE, pinned=False))

    await cache.keep(SHELF, [changed])

    assert await cache.known(SHELF) == {ID: changed}


async def test_another_place_has_its_own(memories: Memories) -> None:
    cache, elsewhere = memories.cache(), replace(SHELF, place="file:///backups authentik")
    await cache.keep(SHELF, [ONE])
    await cache.keep(elsewhere, [TWO])

    await cache.forget(elsewhere, [ID, OTHER])

    assert await cache.known(SHELF) == {ID: ONE}
    assert await cache.known(elsewhere) == {}


async def test_by_other_rules_nothing_is_known_and_the_last_rules_stay(memories: Memories) -> None:
    cache, others = memories.cache(), replace(SHELF, rules="other keys")
    await cache.keep(SHELF, [ONE, TWO])
    assert await cache.known(others) == {}
    await cache.keep(others, [])
    assert len(await cache.known(SHELF)) == 2

    await cache.keep(others, [ONE])

    assert await cache.known(others) == {ID: ONE}
    assert await cache.known(SHELF) == {}


async def test_only_its_owner_may_read_the_file(files: Memories) -> None:
    await files.cache().keep(SHELF, [ONE])

    assert (files.folder / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 4096]
)
async def test_a_damaged_file_is_made_anew(
    files: Memories, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    files.folder.mkdir()
    (files.folder / FILE).write_bytes(content)
    cache = files.cache()

    assert await cache.known(SHELF) == {}
    await cache.keep(SHELF, [ONE])

    assert await cache.known(SHELF) == {ID: ONE}
    assert "it is made anew" in caplog.text


async def test_a_row_that_says_nothing_is_not_believed(files: Memories) -> None:
    cache = files.cache()
    await cache.keep(SHELF, [ONE])
    with sqlite3.connect(files.folder / FILE) as database:
        database.execute("UPDATE judged SET record = '{\"id\": 7}'")
    database.close()

    assert await cache.known(SHELF) == {}
    await cache.keep(SHELF, [TWO])

    assert await cache.known(SHELF) == {OTHER: TWO}


async def test_another_versions_file_is_not_read(files: Memories) -> None:
    await files.cache().keep(SHELF, [ONE])
    with sqlite3.connect(files.folder / FILE) as database:
        database.execute("ALTER TABLE judged ADD COLUMN more TEXT")
        database.execute("PRAGMA user_version = 99")
    database.close()
    cache = files.cache()

    assert await cache.known(SHELF) == {}
    await cache.keep(SHELF, [TWO])

    assert await cache.known(SHELF) == {OTHER: TWO}


async def test_who_cannot_have_it_does_without(
    files: Memories, caplog: pytest.LogCaptureFixture
) -> None:
    (files.folder / FILE).mkdir(parents=True)
    cache = files.cache()

    await cache.keep(SHELF, [ONE])

    assert await cache.known(SHELF) == {}
    assert len(caplog.messages) == 1, "it is told once"


async def test_while_another_process_writes_nobody_waits_long(files: Memories) -> None:
    cache = files.cache()
    await cache.keep(SHELF, [ONE])
    other = sqlite3.connect(files.folder / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    await cache.keep(SHELF, [TWO])  # given up after two seconds

    assert await cache.known(SHELF) == {ID: ONE}
    other.execute("ROLLBACK")
    other.close()
