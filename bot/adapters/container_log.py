"""What containers have written since the last look, in little memory however much it is."""

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.raw_stream import STDOUT
from bot.domain.errors import PortError
from bot.domain.gate_signs import Sign, SignReader

_MOST = 1024 * 1024  # bytes at one look; the rest comes at the next
_LONGEST = 64 * 1024  # of one line
_MANY = 100  # signs at one look


@dataclass
class _Followed:
    """One stream of a container: when the last line that was read was written, as Docker says it.

    Docker takes lines from stdout and stderr side by side, so only within one their times ascend.
    """

    reader: SignReader
    last: str = ""


@dataclass
class ContainerLogs:
    """Follows logs by asking for what is new.

    A log that the Engine does not keep shows nothing; so does an Engine that does not answer.
    """

    engine: EngineApi
    _followed: dict[str, dict[int, _Followed]] = field(default_factory=dict)

    async def new_signs(self, service: str, container: Mapping[str, Any]) -> list[Sign]:
        """The signs in what came since the last call; *container* is what the Engine says of it."""
        streams = self._followed.setdefault(container["Id"], {})
        last = max((each.last for each in streams.values()), default="")
        try:
            written = await self._written(container, last)
        except PortError:  # what is not seen is no sign; whether Docker is away others notice
            return []
        signs: list[Sign] = []
        for kind, content in written.items():
            followed = streams.setdefault(kind, _Followed(SignReader(service)))
            signs += _new_signs(followed, content)
        return signs[:_MANY]

    async def _written(self, container: Mapping[str, Any], last: str) -> Mapping[int, bytes]:
        """What was written to each stream at *last* or later; all, where there was no look yet."""
        query = f"stdout=1&stderr=1&timestamps=1&since={_moment(last)}"
        path = f"/containers/{container['Id']}/logs?{query}"
        stream = await self.engine.read("read a container's log", path)
        written: dict[int, bytearray] = {}
        try:
            if container["Config"]["Tty"]:
                return {STDOUT: await stream.rest(_MOST)}
            async with aclosing(stream.frames()) as frames:
                async for kind, data in frames:
                    written.setdefault(kind, bytearray()).extend(data)
                    if len(written[kind]) > _MOST:
                        break
        finally:
            await stream.close()
        return {kind: bytes(content) for kind, content in written.items()}


def _new_signs(followed: _Followed, content: bytes) -> Iterator[Sign]:
    """What stands behind the last line's end is read again, once that line is whole."""
    for line in content.split(b"\n")[:-1]:
        stamp, _, text = line[:_LONGEST].decode(errors="replace").partition(" ")
        if stamp > followed.last:
            followed.last = stamp
            yield from followed.reader.feed([text])


def _moment(stamp: str) -> str:
    """Docker's time, in UTC and with nine digits behind the second, as it takes it back."""
    if not stamp:
        return "0"
    seconds, _, fraction = stamp.rstrip("Z").partition(".")
    return f"{int(datetime.fromisoformat(seconds + '+00:00').timestamp())}.{fraction}"
