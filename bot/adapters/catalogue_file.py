"""What was judged before, in one SQLite file of the state folder, which may be deleted at any time.

Daemon and command line share it. Every call opens it, does its work in one transaction and closes
it; who finds it locked for longer than a moment, of another layout or damaged does without.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TypeVar

from bot.adapters.state_folder import StateFolder
from bot.adapters.threads import Threads
from bot.domain.backup_id import BackupId
from bot.domain.judgement import Judgement, decode_record, encode_record
from bot.services.catalogue_ports import Shelf

T = TypeVar("T")

FILE = "catalogue.db"
_LAYOUT = 1
_WAIT_SECONDS = 2.0
_TABLE = """
CREATE TABLE judged (
    place TEXT NOT NULL, id TEXT NOT NULL, rules TEXT NOT NULL, mark BLOB NOT NULL,
    record BLOB NOT NULL, PRIMARY KEY (place, id)
) WITHOUT ROWID
"""

logger = logging.getLogger(__name__)


class CatalogueFile:
    """A CatalogueCache in *folder*."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._threads = Threads("catalogue", 1)
        self._told = ""

    async def known(self, shelf: Shelf) -> Mapping[BackupId, Judgement]:
        def read(database: sqlite3.Connection) -> dict[BackupId, Judgement]:
            query = "SELECT mark, record FROM judged WHERE place = ? AND rules = ?"
            rows = database.execute(query, (shelf.place, shelf.rules))
            judged = (Judgement(mark, decode_record(record)) for mark, record in rows)
            return {each.record.id: each for each in judged}

        return await self._threads.run(self._work, read, {})

    async def keep(self, shelf: Shelf, judged: Collection[Judgement]) -> None:
        def write(database: sqlite3.Connection) -> None:
            other = "DELETE FROM judged WHERE place = ? AND rules <> ?"
            database.execute(other, (shelf.place, shelf.rules))
            database.executemany(
                "INSERT OR REPLACE INTO judged VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        shelf.place,
                        each.record.id,
                        shelf.rules,
                        each.mark,
                        encode_record(each.record),
                    )
                    for each in judged
                ],
            )

        if judged:
            await self._threads.run(self._work, write, None)

    async def forget(self, shelf: Shelf, gone: Collection[BackupId]) -> None:
        def write(database: sqlite3.Connection) -> None:
            query = "DELETE FROM judged WHERE place = ? AND id = ?"
            database.executemany(query, [(shelf.place, each) for each in gone])

        await self._threads.run(self._work, write, None)

    async def close(self) -> None:
        """End the thread."""
        await self._threads.close()

    def _work(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        try:
            with self._opened() as database:
                return work(database)
        except sqlite3.OperationalError as error:  # locked, full, not to be written
            self._tell(str(error))
        except (sqlite3.DatabaseError, ValueError) as error:
            self._tell(f"{error}; it is made anew")
            self._remove()
        except OSError as error:
            self._tell(error.strerror or str(error))
        return otherwise

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction of its own, which ends with the context."""
        path = self._folder.make() / FILE
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as database:
            [layout] = database.execute("PRAGMA user_version").fetchone()
            with database:
                if layout != _LAYOUT:
                    database.execute("BEGIN IMMEDIATE")
                    database.execute("DROP TABLE IF EXISTS judged")
                    database.execute(_TABLE)
                    database.execute(f"PRAGMA user_version = {_LAYOUT:d}")
                yield database

    def _remove(self) -> None:
        try:
            (self._folder.path / FILE).unlink(missing_ok=True)
        except OSError as error:
            self._tell(error.strerror or str(error))

    def _tell(self, why: str) -> None:
        """Once for each reason, not with every look at a store."""
        if why != self._told:
            logger.warning("what is remembered of the backups in %s: %s", FILE, why)
        self._told = why
