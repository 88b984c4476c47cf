"""The store's self-test: each thing that a backup needs of it, done once for real."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from bot.domain.errors import BotError, ObjectNotFoundError
from bot.domain.findings import Finding, Level
from bot.services.catalogue import read_small
from bot.services.store_ports import BackupStore, Protection

FOLDER = "akbot-self-test"
_REMEDIES = {
    "put": "Allow this key to write (s3:PutObject), or give the folder to this user.",
    "two-part upload": "Allow multipart uploads, or use a service that has them.",
    "ranged read": "Allow this key to read (s3:GetObject).",
    "list": "Allow this key to list (s3:ListBucket).",
    "abort": "Allow s3:AbortMultipartUpload and s3:ListBucketMultipartUploads, or have the bucket"
    " expire incomplete uploads after a day.",
    "delete": "Allow s3:DeleteObject; without it old backups stay for ever.",
}
_MAY_LACK = frozenset({"abort", "delete"})


@dataclass(frozen=True)
class StoreProbe:
    """Writes below `akbot-self-test/` in *store*, and takes it away again."""

    store: BackupStore
    run_id: str

    async def run(self) -> list[Finding]:
        """One finding for all that works, one for each thing that does not."""
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "put": self._put,
            "list": self._list,
            "two-part upload": self._put_two_parts,
            "ranged read": self._read_range,
            "abort": self._abort,
            "delete": self._delete,
        }
        works: list[str] = []
        findings: list[Finding] = []
        for name, step in steps.items():
            try:
                await step()
            except BotError as error:
                level = Level.WARNING if name in _MAY_LACK else Level.FAILURE
                remedy = error.hint or _REMEDIES[name]
                findings.append(Finding("store", level, f"{name}: {error}", remedy))
                if name == "put":
                    return findings
            else:
                works.append(name)
        summary = f"{self.store.name}: {', '.join(works)} work"
        return [Finding("store", Level.OK, summary), *findings, await self._protection()]

    @property
    def _small(self) -> str:
        return f"{FOLDER}/{self.run_id}-small"

    @property
    def _large(self) -> str:
        return f"{FOLDER}/{self.run_id}-large"

    async def _put(self) -> None:
        await self.store.put(self._small, _bytes(1))
        if await read_small(self.store, self._small) != b"\0":
            raise BotError("what was read back is something else")

    async def _list(self) -> None:
        keys = [each.key async for each in self.store.list(f"{FOLDER}/{self.run_id}")]
        if keys != [self._small]:
            raise BotError("a new object is not in the listing")

    async def _put_two_parts(self) -> None:
        size = self.store.part_size + 1
        await self.store.put(self._large, _bytes(size))
        if (await self.store.stat(self._large)).size != size:
            raise BotError("the object has another size than what was sent")

    async def _read_range(self) -> None:
        start = self.store.part_size - 1
        length = 0
        async for block in self.store.get(self._large, start=start, length=2):
            length += len(block)
        if length != 2:  # noqa: PLR2004 - the length asked for
            raise BotError("a range of two bytes came back with another length")

    async def _abort(self) -> None:
        key = f"{FOLDER}/{self.run_id}-aborted"
        with suppress(_StoppedError):
            await self.store.put(key, _broken(self.store.part_size + 1))
        if await self.store.unfinished(FOLDER + "/"):
            raise BotError("an upload that was given up is still there")

    async def _delete(self) -> None:
        await self.store.delete(self._small, self._large)
        try:
            await self.store.stat(self._small)
        except ObjectNotFoundError:
            return
        raise BotError("a deleted object is still there")

    async def _protection(self) -> Finding:
        protection = await self.store.protection()
        if protection is Protection.NONE:
            return Finding(
                "store",
                Level.WARNING,
                "whoever takes this host over can delete the backups too",
                "Turn on Object Lock or versioning, or keep a second store that this host"
                " cannot delete from.",
            )
        if protection is Protection.UNKNOWN:
            return Finding("store", Level.OK, "whether it keeps deleted objects is not known")
        return Finding("store", Level.OK, f"deleted backups are kept: {protection.value}")


class _StoppedError(Exception):
    """The self-test's own interruption of an upload."""


async def _bytes(size: int) -> AsyncIterator[bytes]:
    block = bytes(1024 * 1024)
    while size > 0:
        yield block[:size]
        size -= len(block)


async def _broken(size: int) -> AsyncIterator[bytes]:
    async for block in _bytes(size):
        yield block
    raise _StoppedError
