"""What a component is called in the store, and what that name says of the bytes inside.

`media.tar.zst.age` is a tar archive, compressed, then sealed: each suffix names the stock program
that undoes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.errors import ConfigError
from bot.domain.integrity import ArchiveCheck, RdbCheck, StreamCheck, TarCheck, TextDumpCheck
from bot.domain.stack import Stack, file_sources

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


def components_of(stack: Stack) -> tuple[str, ...]:
    """The names of all that a whole backup of *stack* consists of, sorted."""
    holders = [each for each in (stack.server, stack.worker) if each]
    files = (source.component for source in file_sources(holders))
    sessions = (REDIS,) if stack.redis else ()
    return tuple(sorted({POSTGRES, GLOBALS, CONFIG, *sessions, *files}))


def require_components(stack: Stack, wanted: frozenset[str]) -> None:
    """Refuse names that *stack* has no component of.

    Raises:
        ConfigError: there is such a one; the hint says which there are.
    """
    known = components_of(stack)
    if unknown := sorted(wanted.difference(known)):
        raise ConfigError(
            f'--component: this stack has no "{unknown[0]}"', hint=f"It has: {', '.join(known)}."
        )
