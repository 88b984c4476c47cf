"""A pull by the Engine, over a connection of its own, which ends with it.

The Engine waits for a registry for ever, and so does its SDK, on a thread that nobody can stop.
Whoever hangs up here ends the pull as well: a download is broken off, and no image comes of it.
Only a request that the registry has not begun to answer stays open, until it does or hangs up.
"""

import asyncio
import json
import warnings
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from bot.adapters.engine_api import EngineApi, engine_errors, explanation
from bot.adapters.raw_stream import RawStream
from bot.domain.errors import PortError
from bot.domain.image_layers import Layers, Pulled, to_nobody


async def pull(
    engine: EngineApi,
    repository: str,
    version: str,
    silent_within: float,
    pulled: Pulled = to_nobody,
) -> None:
    """Have the Engine pull *version*, a tag or a digest, of *repository*; where it ends, it ends.

    *pulled* hears of each layer.

    Raises PortError in the Engine's words, or where nothing comes for *silent_within* seconds.
    """
    between = "@" if ":" in version else ":"
    doing = f'pull image "{repository}{between}{version}"'
    login = await engine.call(doing, lambda sdk: _login(sdk, repository, doing))
    root, connection = await engine.dial(doing)
    try:
        wanted = urlencode({"fromImage": repository, "tag": version})
        lines = [f"POST {root}/images/create?{wanted} HTTP/1.0", "Host: docker", *login]
        with engine_errors(doing):
            await connection.write("\r\n".join([*lines, "Content-Length: 0", "", ""]).encode())
        async with aclosing(_heard(connection, doing, silent_within)) as answer:
            await _read(answer, doing, pulled)
    finally:
        await connection.close()


async def _read(answer: AsyncGenerator[bytes], doing: str, pulled: Pulled) -> None:
    layers = Layers()
    status = int((await anext(answer, b"HTTP/1.0 0")).split(maxsplit=2)[1])
    async for line in answer:
        if not line.strip():  # the end of the headers
            break
    async for line in answer:
        if status != HTTPStatus.OK:
            words = explanation(line.decode(errors="replace"))
            raise PortError(f"{doing}: {words or f'HTTP {status}'}", retryable=True)
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise PortError(f"{doing}: {told['error']}", retryable=True)
        if layers.hear(told):
            pulled(layers.here, layers.count, layers.passed_bytes)


async def _heard(connection: RawStream, doing: str, silent_within: float) -> AsyncGenerator[bytes]:
    """Line by line, as long as there is one every *silent_within* seconds."""
    async with aclosing(connection.lines()) as lines:
        while True:
            try:
                async with asyncio.timeout(silent_within):
                    line = await anext(lines, None)
            except TimeoutError as error:
                raise PortError(
                    f"{doing}: nothing came of it for {silent_within:.0f} s",
                    hint="See to the registry, or to the way there, and try again.",
                    retryable=True,
                ) from error
            if line is None:
                return
            yield line


def _login(sdk: Any, repository: str, doing: str) -> list[str]:
    """The header with what `docker login` has kept for that registry."""
    from docker import auth  # noqa: PLC0415 - imported when used

    registry, _ = auth.resolve_repository_name(repository)
    with _login_errors(doing):
        header = auth.get_config_header(sdk, registry)
    return [f"X-Registry-Auth: {header.decode()}"] if header else []


@contextmanager
def _login_errors(doing: str) -> Iterator[None]:
    """The Docker client's configuration may leave logins to a program that is somewhere else."""
    from docker.credentials.errors import StoreError  # noqa: PLC0415 - imported when used
    from docker.errors import DockerException  # noqa: PLC0415 - likewise

    # the SDK says on stderr, by a warning, what is told here
    warnings.filterwarnings("ignore", "docker-credential-", UserWarning)
    try:
        yield
    except (DockerException, StoreError) as error:
        helper = error if isinstance(error, StoreError) else error.__cause__
        if not isinstance(helper, StoreError):
            raise
        raise PortError(
            f"{doing}: config.json leaves the login to a credential helper, which does not give"
            f" it: {helper}",
            hint='Run "docker pull" where the helper works: what is on this host is not pulled. Or'
            " let DOCKER_CONFIG name a config.json that has the login itself.",
        ) from error
