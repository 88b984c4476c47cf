"""Names and ranges of stored objects: the same rules for a folder, a bucket and the fake."""

import re

from bot.domain.errors import IntegrityError

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_KEY = re.compile(rf"{_PART}(?:/{_PART})*")


def is_object_key(text: str) -> bool:
    """Whether *text* can name an object: no part is empty, hidden or `..`."""
    return _KEY.fullmatch(text) is not None


def key_parts(key: str) -> list[str]:
    """Folders and name of *key*.

    Raises:
        ValueError: *key* cannot name an object.
    """
    if not is_object_key(key):
        raise ValueError(f"{key[:100]!r} cannot name an object")
    return key.split("/")


def range_end(key: str, size: int, *, start: int, length: int | None) -> int:
    """Where a range of an object of *size* bytes ends.

    Raises:
        IntegrityError: the object is shorter than whoever asks for the range believes.
    """
    end = max(start, size) if length is None else start + length
    if end > size:
        raise IntegrityError(
            f'read object "{key}": it has {size} bytes, {end} were expected',
            hint="Use another backup; this one was cut short.",
        )
    return end
