"""What the use cases ask of a store; like the other ports in `ports`."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as the store has it; *size* in bytes.

    *version* is told by a listing alone: another one where another object lies there, "" where the
    store has no word for it.
    """

    key: str
    size: int
    version: str = field(default="", compare=False)


class Protection(Enum):
    """What keeps a thief of this host's store credentials from deleting backups."""

    LOCKED = "object lock"
    VERSIONED = "versioning without lock"
    NONE = "nothing"
    UNKNOWN = "unknown"


class Objects(Protocol):
    """What is needed of a store to read from it."""

    def get(self, key: str) -> AsyncIterator[bytes]:
        """Stream the object."""


class BackupStore(Protocol):
    """A place for immutable objects.

    Keys are relative, of `/`-separated parts matching `[A-Za-z0-9][A-Za-z0-9._-]*`; any other is
    a ValueError. An object is either absent or complete: `put` makes it visible only after the last
    byte, and leaves nothing behind when the stream raises or the task is cancelled. Memory does not
    depend on the size of an object. Errors are PortError (ObjectNotFoundError, ObjectExistsError).
    """

    @property
    def name(self) -> str:
        """The store's address for people, without secrets."""

    @property
    def local_path(self) -> str | None:
        """The folder on this host, None for a store that is elsewhere."""

    @property
    def part_size(self) -> int:
        """Bytes of one part of an upload of unknown size; a larger object takes several."""

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_hint: int | None = None,
        moved: Callable[[], None] | None = None,
    ) -> int:
        """Store *chunks* under *key* and return the size in bytes.

        *size_hint* is an upper bound in bytes from which the part size is chosen. *moved* is called
        from any thread when bytes leave that were not on their way before. Raises
        ObjectExistsError if there is such an object already. What *chunks* raises passes through
        unchanged.
        """

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Stream the object, or *length* bytes of it from *start*.

        A connection that breaks is resumed from where it broke; a stream that ends early raises.
        """

    async def stat(self, key: str) -> StoredObject:
        """Look the object up. Raises ObjectNotFoundError if there is none."""

    def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        """All objects whose key begins with *prefix*, in the order of their keys."""

    async def delete(self, *keys: str) -> None:
        """Delete *keys*; a key that is already absent is not an error."""

    async def unfinished(self, prefix: str = "") -> Sequence[str]:
        """Uploads that were begun below *prefix* and neither finished nor aborted.

        A line each, which begins with the key; a blank follows where there is more.
        """

    async def discard_unfinished(self, prefix: str = "") -> int:
        """Remove them; return how many there were."""

    async def protection(self) -> Protection:
        """Whether the store itself keeps deleted objects."""

    async def close(self) -> None:
        """Give back connections and threads."""
