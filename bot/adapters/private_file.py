"""A small file of the state folder, replaced whole or not at all."""

import os
import secrets
from pathlib import Path


def replace_private(path: Path, content: bytes, owner: tuple[int, int] | None = None) -> None:
    """Put *content* at *path* whole or not at all, for its owner alone; blocks, raises OSError.

    *owner* are the numbers of the user and group that shall have it; this process's by default.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if owner:
                os.fchown(descriptor, *owner)
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
