"""What the S3 server of the benchmark keeps: objects that are files, whole or in parts."""

import itertools
import os
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

ETAG = '"{:032x}-1"'  # that of an upload in parts, which no client takes for an MD5


@dataclass(frozen=True)
class Stored:
    """The files that are one object, in order, with their sizes."""

    files: Sequence[tuple[Path, int]]
    number: int
    at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(size for _, size in self.files)

    @property
    def etag(self) -> str:
        return ETAG.format(self.number)

    @cached_property
    def listed(self) -> str:
        """What a listing says of it; made once, as a server that is no bottleneck would."""
        return (
            f"<LastModified>{self.at:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>{self.etag}</ETag><Size>{self.size}</Size>"
            "<StorageClass>STANDARD</StorageClass>"
        )

    def spans(self, first: int, count: int) -> Iterator[tuple[Path, int, int]]:
        """Which bytes of which files these are: file, offset, length."""
        for path, size in self.files:
            if first < size and count:
                length = min(size - first, count)
                yield path, first, length
                first, count = 0, count - length
            else:
                first -= min(first, size)


class Shelf:
    """All objects, by "bucket/key"."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._objects: dict[str, Stored] = {}
        self._sorted: list[str] | None = None
        self._parts: dict[str, dict[int, tuple[Path, int]]] = {}
        self._metadata: dict[str, Mapping[str, str]] = {}
        (folder / ".parts").mkdir(parents=True, exist_ok=True)
        for root, _, names in os.walk(folder):
            for path in (Path(root) / name for name in names):
                files = [(path, path.stat().st_size)]
                self._keep(str(path.relative_to(folder)), files, {})

    def new_file(self) -> Path:
        """Where the next body goes."""
        return self._folder / ".parts" / str(next(self._numbers))

    def get(self, name: str) -> Stored | None:
        return self._objects.get(name)

    def put(self, name: str, path: Path, size: int, metadata: Mapping[str, str]) -> Stored:
        return self._keep(name, [(path, size)], metadata)

    def delete(self, name: str) -> None:
        with self._lock:
            gone = self._objects.pop(name, None)
            self._sorted = None
        for path, _ in gone.files if gone else ():
            path.unlink()

    def begin(self, metadata: Mapping[str, str]) -> str:
        """An upload in parts; returns its id."""
        upload = f"upload-{next(self._numbers)}"
        self._parts[upload], self._metadata[upload] = {}, metadata
        return upload

    def part(self, upload: str, number: int, path: Path, size: int) -> None:
        self._parts[upload][number] = (path, size)

    def complete(self, upload: str, name: str, numbers: Sequence[int]) -> Stored:
        parts = self._parts.pop(upload)
        return self._keep(name, [parts[each] for each in numbers], self._metadata.pop(upload))

    def abort(self, upload: str) -> None:
        for path, _ in self._parts.pop(upload, {}).values():
            path.unlink()

    def names(self, begins: str, after: str) -> Iterator[str]:
        """Those of a prefix, in order, after a name."""
        with self._lock:
            if self._sorted is None:
                self._sorted = sorted(self._objects)
            found = self._sorted
        at = max(bisect_left(found, begins), bisect_right(found, after))
        rest = (found[each] for each in range(at, len(found)))
        return itertools.takewhile(lambda each: each.startswith(begins), rest)

    def _keep(
        self, name: str, files: Sequence[tuple[Path, int]], metadata: Mapping[str, str]
    ) -> Stored:
        stored = Stored(tuple(files), next(self._numbers), datetime.now(UTC), metadata)
        with self._lock:
            self._objects[name] = stored
            self._sorted = None
        return stored
