"""The journal as it was before a newer akbot changed its tables."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

_MARK = ".schema-"


def keep_copy(connection: sqlite3.Connection, file: Path, version: int) -> None:
    """Copy what *connection* reads beside *file*, which has schema *version*, onto the disk.

    Only the newest copy is kept. A kill leaves the whole copy or a part under another name, which
    the next one overwrites.
    """
    copy = file.with_name(f"{file.name}{_MARK}{version}")
    part = file.with_name(f"{file.name}.copy")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(part)) as target:
            connection.backup(target)
    except BaseException:
        part.unlink()
        raise
    part.replace(copy)
    for other in file.parent.glob(f"{file.name}{_MARK}*"):
        if other != copy:
            other.unlink()
