"""What a file that a person gives as a dump is, by its first bytes."""

from enum import Enum, auto

from bot.domain.errors import RefusedError
from bot.domain.restore import UNTOUCHED

HEAD = 512  # bytes that are enough to tell


class DumpFormat(Enum):
    """A dump, or what it is wrapped in."""

    CUSTOM = auto()
    TEXT = auto()
    GZIP = auto()
    ZSTD = auto()
    AGE = auto()


_KNOWN = {
    b"PGDMP": DumpFormat.CUSTOM,
    b"\x1f\x8b": DumpFormat.GZIP,
    b"\x28\xb5\x2f\xfd": DumpFormat.ZSTD,
    b"age-encryption.org/": DumpFormat.AGE,
}
_UNPACK = {
    b"-----BEGIN AGE ENCRYPTED FILE-----": "akbot decrypt",
    b"\xfd7zXZ\0": "xz -d",
    b"BZh": "bunzip2",
    b"PK\x03\x04": "unzip",
    b"7z\xbc\xaf": "7z x",
}
_RECODED = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
_TAR_AT, _TAR = 257, b"ustar"


def recognise(head: bytes) -> DumpFormat:
    """Tell from the first `HEAD` bytes.

    Raises:
        RefusedError: it is nothing that can be loaded; the hint says what to do.
    """
    for magic, found in _KNOWN.items():
        if head.startswith(magic):
            return found
    for magic, program in _UNPACK.items():
        if head.startswith(magic):
            raise RefusedError(
                "the dump is packed in a way that is not undone here",
                hint=f'{UNTOUCHED} Unpack it with "{program}" first.',
            )
    if head.startswith(_RECODED):
        raise RefusedError(
            "the dump was written by a program that changes text, as PowerShell's > does",
            hint=f"{UNTOUCHED} Make it again: pg_dump -Fc -f FILE, then docker cp.",
        )
    if head[_TAR_AT:].startswith(_TAR):
        raise RefusedError(
            "the file is a tar archive: neither pg_dump's tar format nor a packed folder is taken",
            hint=f"{UNTOUCHED} Make the dump again with pg_dump -Fc, or take the file out of it.",
        )
    if not head or b"\0" in head:
        what = "is no dump" if head else "is empty"
        raise RefusedError(f"the file {what}", hint=f"{UNTOUCHED} Give it a dump of pg_dump.")
    return DumpFormat.TEXT
