"""Keep backups in a folder of this host, or of whatever is mounted there.

An object is written under a hidden name beside its place, brought to the disk, and then linked to
its own name, which fails where that exists already.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from bot.adapters.directory_errors import directory_errors
from bot.adapters.directory_io import (
    Entry,
    PartFile,
    ReadFile,
    Unfinished,
    find_unfinished,
    make_ready,
    read_folder,
    remove_object,
    remove_unfinished,
)
from bot.adapters.threads import Threads, finish
from bot.domain.errors import PortError
from bot.domain.objects import key_parts, range_end
from bot.services.store_ports import Protection, StoredObject

_BLOCK = 1024 * 1024  # bytes for one turn of a thread, whose start costs as much as 100 KB
_MOST_CHUNKS = 512  # one gathered write takes at most 1,024


class DirectoryStore:
    """A BackupStore in *root*, which is made when the first object comes."""

    part_size = _BLOCK

    def __init__(self, root: Path) -> None:
        self._root = root
        self._threads = Threads("directory", 4)
        self._writing: set[str] = set()

    @property
    def name(self) -> str:
        return f"file://{self._root}"

    @property
    def local_path(self) -> str | None:
        return str(self._root)

    async def make_ready(self) -> None:
        """Make the folder if it is missing, before anything is to be put.

        Raises ConfigError where there can be none, PortError where it cannot be written.
        """
        with directory_errors("look at the store", self._root):
            await self._threads.run(make_ready, self._root)

    async def is_there(self) -> bool:
        """Whether the folder exists: without it there is nothing to list, which is no error."""
        return await self._threads.run(self._root.is_dir)

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_hint: int | None = None,  # noqa: ARG002 - for stores that send parts
        moved: Callable[[], None] | None = None,  # noqa: ARG002 - likewise: here taken is written
    ) -> int:
        doing = f'write object "{key}"'
        file = PartFile(self._root, key_parts(key))
        self._writing.add(file.temporary)
        try:
            with directory_errors(doing, self._root):
                await self._threads.run(file.open)
            size = await self._copy(doing, file, chunks)
            with directory_errors(doing, self._root):
                await self._threads.run(file.publish)
            await self._threads.run(file.close)
        except BaseException:
            await finish(self._threads.run(file.discard))
            await finish(self._threads.run(file.close))
            raise
        finally:
            self._writing.discard(file.temporary)
        return size

    async def _copy(self, doing: str, file: PartFile, chunks: AsyncIterator[bytes]) -> int:
        total = gathered = 0
        waiting: list[bytes] = []
        async for chunk in chunks:
            waiting.append(chunk)
            gathered += len(chunk)
            if gathered >= _BLOCK or len(waiting) == _MOST_CHUNKS:
                with directory_errors(doing, self._root):
                    await self._threads.run(file.write, waiting)
                total, gathered, waiting = total + gathered, 0, []
        with directory_errors(doing, self._root):
            await self._threads.run(file.write, waiting)
        return total + gathered

    async def get(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        file = ReadFile(self._root, key_parts(key))
        doing = f'read object "{key}"'
        try:
            with directory_errors(doing, self._root):
                size = await self._threads.run(file.open)
            end = range_end(key, size, start=start, length=length)
            while start < end:
                with directory_errors(doing, self._root):
                    block = await self._threads.run(file.read, start, min(_BLOCK, end - start))
                if not block:
                    raise PortError(f"{doing}: it was cut short while it was read")
                start += len(block)
                yield block
        finally:
            file.close()

    async def stat(self, key: str) -> StoredObject:
        file = ReadFile(self._root, key_parts(key))
        try:
            with directory_errors(f'look up object "{key}"', self._root):
                return StoredObject(key, await self._threads.run(file.open))
        finally:
            file.close()

    async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        waiting = [Entry("", None)]
        while waiting:
            key, size, version = waiting.pop()
            if size is not None:
                yield StoredObject(key, size, version)
                continue
            with directory_errors(f'list objects in "{key}"', self._root):
                entries = await self._threads.run(read_folder, self._root, key)
            waiting += [entry for entry in reversed(entries) if _may_hold(entry, prefix)]

    async def delete(self, *keys: str) -> None:
        for key, parts in [(key, key_parts(key)) for key in keys]:
            with directory_errors(f'delete object "{key}"', self._root):
                await self._threads.run(remove_object, self._root, parts)

    async def unfinished(self, prefix: str = "") -> Sequence[str]:
        return [f"{file.key} ({file.size} bytes written)" for file in await self._left(prefix)]

    async def discard_unfinished(self, prefix: str = "") -> int:
        left = await self._left(prefix)
        for file in left:
            with directory_errors(f'remove unfinished object "{file.key}"', self._root):
                await self._threads.run(remove_unfinished, self._root, file)
        return len(left)

    async def _left(self, prefix: str) -> Sequence[Unfinished]:
        with directory_errors("look for unfinished objects", self._root):
            found = await self._threads.run(find_unfinished, self._root, prefix)
        return [file for file in found if file.temporary not in self._writing]

    async def protection(self) -> Protection:
        return Protection.NONE

    async def close(self) -> None:
        await self._threads.close()


def _may_hold(entry: Entry, prefix: str) -> bool:
    if entry.size is None:
        return entry.key.startswith(prefix) or prefix.startswith(entry.key)
    return entry.key.startswith(prefix)
