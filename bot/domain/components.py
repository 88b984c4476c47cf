"""What a component is called in the store, and what that name says of the bytes inside.

`media.tar.zst.age` is a tar archive, compressed, then sealed: each suffix names the stock program
that undoes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.integrity import ArchiveCheck, RdbCheck, StreamCheck, TarCheck, TextDumpCheck

POSTGRES = "postgres"
GLOBALS = "globals"
REDIS = "redis"
CONFIG = "config"


class Format(StrEnum):
    """What the bytes are before they are compressed and sealed."""

    ARCHIVE = "dump"
    SQL = "sql"
    RDB = "rdb"
    TAR = "tar"


_CHECKS: dict[Format, Callable[[], StreamCheck]] = {
    Format.ARCHIVE: ArchiveCheck,
    Format.SQL: TextDumpCheck,
    Format.RDB: RdbCheck,
    Format.TAR: TarCheck,
}


@dataclass(frozen=True)
class Encoding:
    """How a component's bytes are wrapped."""

    format: Format
    compressed: bool

    def file_name(self, component: str) -> str:
        """The last part of the object's key."""
        return f"{component}.{self.format}{'.zst' if self.compressed else ''}.age"

    def new_check(self) -> StreamCheck:
        """A check for the bytes inside, compression undone."""
        return _CHECKS[self.format]()


def encoding_of(key: str) -> Encoding:
    """What the suffixes of *key* say.

    Raises:
        ValueError: the suffixes are none of ours.
    """
    stem = key.removesuffix(".age")
    inner = stem.removesuffix(".zst")
    return Encoding(Format(inner.rpartition(".")[2]), compressed=inner != stem)
