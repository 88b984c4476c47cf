"""The journal's tables, how an older file becomes the newest, and what values look like in it.

The file carries the number of its schema (`PRAGMA user_version`): how many of the steps below it
has seen. A step is never changed once released; a new kind or state of a job is a new step as well,
if an empty one, since older programs cannot read the rows that have it.
"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.journal_copy import keep_copy
from bot.domain.errors import ConfigError

_STEPS = (
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        trigger TEXT NOT NULL,
        actor TEXT NOT NULL,
        started TEXT NOT NULL,
        state TEXT NOT NULL,
        origin TEXT NOT NULL,
        slot TEXT,
        label TEXT NOT NULL,
        plan TEXT NOT NULL,  -- JSON object
        step TEXT NOT NULL,
        progress TEXT NOT NULL,
        share REAL,
        message TEXT NOT NULL,
        ended TEXT,
        crashes INTEGER NOT NULL,
        swept INTEGER NOT NULL,
        cancelled_by TEXT NOT NULL
    );

    CREATE TABLE updates (
        bot TEXT NOT NULL,  -- each bot's updates are numbered by themselves
        update_id INTEGER NOT NULL,
        payload TEXT NOT NULL,  -- JSON object
        received TEXT NOT NULL,
        handled INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (bot, update_id)
    );

    CREATE TABLE highest_update (  -- outlives the update
        bot TEXT PRIMARY KEY,
        update_id INTEGER NOT NULL,
        received TEXT NOT NULL
    );

    CREATE TABLE messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- none is given twice
        key TEXT NOT NULL UNIQUE,
        chat INTEGER NOT NULL,
        thread INTEGER,
        text TEXT NOT NULL,
        buttons TEXT NOT NULL,  -- JSON, rows of [label, data]
        silent INTEGER NOT NULL,
        document TEXT,  -- JSON, [file name, content]
        written TEXT NOT NULL,
        attempted INTEGER NOT NULL DEFAULT 0,
        message_id INTEGER,
        stale INTEGER NOT NULL DEFAULT 0,
        dropped TEXT  -- why
    );

    CREATE TABLE questions (
        id TEXT PRIMARY KEY,
        plan_hash TEXT NOT NULL,
        person INTEGER NOT NULL,
        chat INTEGER NOT NULL,
        expires TEXT NOT NULL,
        choices TEXT NOT NULL,  -- JSON array
        answer TEXT NOT NULL DEFAULT ''
    );
    """,
    "",  # jobs of kind "prune", and triggers "safety" and "update"
    "",  # jobs of kind "drill"
    "",  # jobs of kind "restore"
    "",  # jobs of kind "copy"
    "",  # jobs of kind "rekey"
    """
    CREATE TABLE tags_seen (
        place TEXT NOT NULL,  -- registry and repository
        tag TEXT NOT NULL,
        first_seen TEXT NOT NULL,
        first_look INTEGER NOT NULL,  -- nothing of that place was known before
        PRIMARY KEY (place, tag)
    );

    CREATE TABLE images_seen (  -- what a tag meant, where that was looked at
        place TEXT NOT NULL,
        tag TEXT NOT NULL,
        digest TEXT NOT NULL,
        first_seen TEXT NOT NULL,
        first_look INTEGER NOT NULL,
        PRIMARY KEY (place, tag, digest)
    );

    CREATE TABLE bad_images (
        place TEXT NOT NULL,
        tag TEXT NOT NULL,
        digest TEXT NOT NULL,
        since TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (place, tag, digest)
    );

    CREATE TABLE release_reasons (
        version TEXT PRIMARY KEY,
        reason TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE told_releases (  -- versions that people have heard of
        place TEXT NOT NULL,
        tag TEXT NOT NULL,
        security INTEGER NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (place, tag)
    );

    CREATE TABLE update_checks (  -- one row
        one INTEGER PRIMARY KEY CHECK (one = 1),
        answered TEXT NOT NULL,  -- when the last check was, or the first of all began
        silence_told INTEGER NOT NULL
    );

    ALTER TABLE questions ADD COLUMN word TEXT NOT NULL DEFAULT '';  -- to be typed
    """,  # also jobs of kinds "update" and "rollback"
    "ALTER TABLE messages ADD COLUMN picture BLOB",  # a PNG, until it was sent
    """
    CREATE TABLE moved_chats (  -- groups that have become supergroups
        old INTEGER PRIMARY KEY,
        new INTEGER NOT NULL
    );
    """,
    """
    CREATE TABLE incidents (  -- of the stack's containers
        root TEXT NOT NULL,  -- the service, or what all depend on
        opened TEXT NOT NULL,
        trouble TEXT NOT NULL,
        detail TEXT NOT NULL,
        image TEXT NOT NULL,
        began TEXT NOT NULL,
        others TEXT NOT NULL,  -- JSON array of services that were down with it
        flaps INTEGER NOT NULL,
        reminders INTEGER NOT NULL,
        ended TEXT,
        PRIMARY KEY (root, opened)
    );
    """,
    """
    CREATE TABLE orders (  -- what was done at once, with no job
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        trigger TEXT NOT NULL,
        actor TEXT NOT NULL,
        origin TEXT NOT NULL,
        label TEXT NOT NULL,
        state TEXT NOT NULL,
        message TEXT NOT NULL,
        started TEXT NOT NULL,
        ended TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE cures (  -- restarts of unhealthy containers
        service TEXT NOT NULL,
        at TEXT NOT NULL,
        opened TEXT NOT NULL,  -- when the incident was
        failure TEXT NOT NULL,  -- why it could not be restarted
        gave_up INTEGER NOT NULL,  -- the end of all restarts in that incident, and none itself
        PRIMARY KEY (service, at, gave_up)
    );
    """,
    "",  # orders of kind "verify", and those that run: their `ended` is empty
    "",  # orders of which nothing came, of the kinds of jobs and "cancel", too
    """
    ALTER TABLE incidents ADD COLUMN called TEXT NOT NULL DEFAULT '';  -- what root became, or ''
    """,
)


def migrate(connection: sqlite3.Connection, file: Path) -> None:
    """Take the steps that the file has not seen, all of them or none.

    What an earlier program wrote is first copied beside it, as `journal.db.schema-N`: an older
    akbot can be run again with that. Raises ConfigError where a newer one has written the file.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(_STEPS):
        raise ConfigError(
            f'AKBOT_STATE: "{file}" was written by a newer akbot'
            f" (schema {version}; this one knows {len(_STEPS)})",
            hint=f'Run that version of akbot, or stop the bot and put "{file.name}.schema-N" in the'
            f' place of "{file.name}", with -wal and -shm removed.',
        )
    if 0 < version < len(_STEPS):
        keep_copy(connection, file, version)
    if steps := _STEPS[version:]:  # at once: a copy of half the way would replace the one of before
        connection.executescript(
            f"BEGIN IMMEDIATE; {'; '.join(steps)}; PRAGMA user_version = {len(_STEPS)}; COMMIT;"
        )


def to_text(moment: datetime) -> str:
    """Write *moment* (aware) in UTC, of one width, so that texts sort as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(text: str) -> datetime:
    """Read what `to_text` wrote."""
    return datetime.fromisoformat(text)
