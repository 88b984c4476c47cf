"""Files into a container, through the Engine's archive API: owners and modes are the archive's."""

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlencode

from bot.adapters.engine_api import EngineApi, explanation
from bot.adapters.threads import stop
from bot.domain.errors import PortError

_ANSWER_KEPT = 16 * 1024
_DONE = 200


async def upload(
    engine: EngineApi, container_id: str, path: str, archive: AsyncIterator[bytes], *, doing: str
) -> None:
    """Have the Engine unpack a tar stream in the container's folder *path*; it may be stopped.

    *archive* is read to its end even where the Engine has had enough, so that the reader's own
    checks run.
    """
    version, stream = await engine.dial(doing)
    query = urlencode({"path": path, "noOverwriteDirNonDir": "1"})
    head = (
        f"PUT {version}/containers/{container_id}/archive?{query} HTTP/1.1\r\n"
        "Host: docker\r\nContent-Type: application/x-tar\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    answering = asyncio.create_task(stream.rest(_ANSWER_KEPT))
    try:
        await stream.write_until(head.encode(), answering)
        async for block in archive:
            if block:
                await stream.write_until(b"%x\r\n%b\r\n" % (len(block), block), answering)
        await stream.write_until(b"0\r\n\r\n", answering)
        answer = await answering
    finally:
        await stop(answering)
        await stream.close()
    _require_done(doing, answer)


async def upload_files(
    engine: EngineApi, container_id: str, path: str, files: Mapping[str, bytes], *, doing: str
) -> None:
    """Likewise small *files*, by name; they are root's alone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
    await upload(engine, container_id, path, _once(packed.getvalue()), doing=doing)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _require_done(doing: str, answer: bytes) -> None:
    words = answer.split(b" ", 2)
    if len(words) < 2 or not words[1].isdigit():  # noqa: PLR2004 - the protocol and the status
        raise PortError(f"{doing}: the Engine hung up", retryable=True)
    if int(words[1]) != _DONE:
        message = answer.decode(errors="replace")
        raise PortError(f"{doing}: {explanation(message) or f'HTTP {int(words[1])}'}")
