"""What containers have written since the last look, in little memory however much it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError
from bot.domain.gate_signs import Sign, SignReader

_MOST = 1024 * 1024  # bytes at one look; the rest comes at the next
_LONGEST = 64 * 1024  # of one line
_MANY = 100  # signs at one look


@dataclass
class _Followed:
    """A container's log: when the last line that was read was written, as Docker says it."""

    reader: SignReader
    last: str = ""


@dataclass
class ContainerLogs:
    """Follows logs by asking for what is new.

    A log that the Engine does not keep shows nothing; so does an Engine that does not answer.
    """

    engine: EngineApi
    _followed: dict[str, _Followed] = field(default_factory=dict)

    async def new_signs(self, service: str, container_id: str) -> list[Sign]:
        """The signs in what came since the last call."""
        followed = self._followed.setdefault(container_id, _Followed(SignReader(service)))
        try:
            lines = await self.engine.call(
                "read a container's log", lambda sdk: _lines(sdk, container_id, followed.last)
            )
        except PortError:  # what is not seen is no sign; whether Docker is away others notice
            return []
        signs: list[Sign] = []
        for stamp, text in lines:
            if stamp > followed.last:
                followed.last = stamp
                signs.extend(followed.reader.feed([text]))
        return signs[:_MANY]


def _lines(sdk: Any, container_id: str, last: str) -> list[tuple[str, str]]:
    """(time, text) of the lines written at *last* or later; of all, where there was no look yet."""
    since: Mapping[str, Any] = {"since": _moment(last)} if last else {}
    stream = sdk.logs(container_id, stream=True, follow=False, timestamps=True, **since)
    try:
        found = [each.partition(" ") for each in _split(stream)]
    finally:
        stream.close()
    return [(stamp, text) for stamp, _, text in found]


def _split(chunks: Iterator[bytes]) -> Iterator[str]:
    read, rest = 0, b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (each[:_LONGEST].decode(errors="replace") for each in whole)
        rest = rest[:_LONGEST]
        read += len(chunk)
        if read > _MOST:
            return


def _moment(stamp: str) -> float:
    """Docker's time, which has nine digits behind the second, as it takes it back."""
    return datetime.fromisoformat(f"{stamp[:26]}+00:00").timestamp()
