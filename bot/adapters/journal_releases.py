"""What the journal remembers of images: when they were first seen, which failed, why they exist."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from bot.adapters.journal_database import JournalDatabase
from bot.adapters.journal_schema import from_text, to_text
from bot.domain.release_feed import NewestRelease, Reason
from bot.domain.update_holds import BadVersion, FirstSeen
from bot.domain.update_news import Silence
from bot.domain.versions import Version, read_tag


class SqliteReleaseLog:
    """A ReleaseLog in *database*."""

    def __init__(self, database: JournalDatabase) -> None:
        self._database = database

    async def note_tags(self, place: str, tags: Collection[str], now: datetime) -> None:
        def note(journal: sqlite3.Connection) -> None:
            known = "SELECT NOT EXISTS (SELECT 1 FROM tags_seen WHERE place = ?)"
            (first_look,) = journal.execute(known, (place,)).fetchone()
            journal.executemany(
                "INSERT INTO tags_seen VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [(place, tag, to_text(now), first_look) for tag in sorted(tags)],
            )

        await self._database.write(note)

    async def tags(self, place: str) -> Collection[str]:
        statement = "SELECT tag FROM tags_seen WHERE place = ?"
        return await self._database.read(
            lambda journal: [row["tag"] for row in journal.execute(statement, (place,))]
        )

    async def first_seen(self, place: str, tag: str, digest: str, now: datetime) -> FirstSeen:
        def look(journal: sqlite3.Connection) -> FirstSeen:
            seen = journal.execute(_IMAGE, (place, tag, digest)).fetchone()
            if seen is None:
                seen = _of_new_digest(journal, place, tag, now)
                values = (place, tag, digest, *seen)
                journal.execute("INSERT INTO images_seen VALUES (?, ?, ?, ?, ?)", values)
            return FirstSeen(from_text(seen[0]), bool(seen[1]))

        return await self._database.write(look)

    async def remember_bad(self, place: str, bad: BadVersion) -> None:
        values = (place, bad.tag, bad.digest, to_text(bad.since), bad.reason)
        await self._database.write_at_last(
            lambda journal: journal.execute(
                "INSERT OR REPLACE INTO bad_images VALUES (?, ?, ?, ?, ?)", values
            )
        )

    async def bad(self, place: str) -> Sequence[BadVersion]:
        statement = "SELECT * FROM bad_images WHERE place = ? ORDER BY since DESC, tag"
        return await self._database.read(
            lambda journal: [
                BadVersion(row["tag"], row["digest"], from_text(row["since"]), row["reason"])
                for row in journal.execute(statement, (place,))
            ]
        )

    async def note_reason(self, release: NewestRelease) -> None:
        values = (str(release.version), release.reason)
        await self._database.write(
            lambda journal: journal.execute(
                "INSERT OR REPLACE INTO release_reasons VALUES (?, ?)", values
            )
        )

    async def reasons(self) -> Mapping[Version, Reason]:
        rows = await self._database.read(
            lambda journal: journal.execute("SELECT * FROM release_reasons").fetchall()
        )
        found = {read_tag(row["version"]): Reason(row["reason"]) for row in rows}
        return {version: reason for version, reason in found.items() if version}

    async def told(self, place: str) -> Mapping[str, bool]:
        statement = "SELECT tag, security FROM told_releases WHERE place = ?"
        rows = await self._database.read(
            lambda journal: journal.execute(statement, (place,)).fetchall()
        )
        return {row["tag"]: bool(row["security"]) for row in rows}

    async def note_told(self, place: str, tag: str, now: datetime, *, security: bool) -> None:
        values = (place, tag, security, to_text(now))
        await self._write("INSERT OR REPLACE INTO told_releases VALUES (?, ?, ?, ?)", values)

    async def silence(self, now: datetime) -> Silence:
        def look(journal: sqlite3.Connection) -> Silence:
            journal.execute(
                "INSERT INTO update_checks VALUES (1, ?, FALSE) ON CONFLICT DO NOTHING",
                (to_text(now),),
            )
            row = journal.execute("SELECT answered, silence_told FROM update_checks").fetchone()
            return Silence(from_text(row["answered"]), bool(row["silence_told"]))

        return await self._database.write(look)

    async def note_silence_told(self) -> None:
        await self._write("UPDATE update_checks SET silence_told = TRUE", ())

    async def note_answer(self, now: datetime) -> None:
        values = (to_text(now),)
        await self._write("INSERT OR REPLACE INTO update_checks VALUES (1, ?, FALSE)", values)

    async def _write(self, statement: str, values: Sequence[object]) -> None:
        await self._database.write(lambda journal: journal.execute(statement, values))


_IMAGE = """
    SELECT first_seen, first_look FROM images_seen WHERE place = ? AND tag = ? AND digest = ?
"""


def _of_new_digest(
    journal: sqlite3.Connection, place: str, tag: str, now: datetime
) -> tuple[str, bool]:
    """When a digest that was never seen counts as seen, and whether that was the first look."""
    moved = "SELECT 1 FROM images_seen WHERE place = ? AND tag = ?"
    if journal.execute(moved, (place, tag)).fetchone():
        return to_text(now), False
    of_tag = "SELECT first_seen, first_look FROM tags_seen WHERE place = ? AND tag = ?"
    seen = journal.execute(of_tag, (place, tag)).fetchone()
    return (seen["first_seen"], bool(seen["first_look"])) if seen else (to_text(now), False)
