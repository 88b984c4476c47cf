"""Images on this host."""

from collections.abc import Mapping
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError


async def have_image(engine: EngineApi, image: str, digest: str | None = None) -> None:
    """Have *image* here, of that *digest* where one is known; what is here is not pulled.

    Raises PortError where it is not here and cannot be pulled.
    """
    if await _is_here(engine, image, digest):
        return
    repository, tag = _parts(image)
    reference = f"{repository}@{digest}" if digest else f"{repository}:{tag}"
    doing = f'pull image "{reference}"'

    def pull(sdk: Any) -> None:
        for line in sdk.pull(reference, stream=True, decode=True):
            if "error" in line:
                raise PortError(f"{doing}: {line['error']}", retryable=True)
        if digest:
            sdk.tag(reference, repository, tag, force=True)

    await engine.call(doing, pull)


def _parts(image: str) -> tuple[str, str]:
    """Repository and tag; a colon before a slash is a port's."""
    repository, colon, tag = image.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (image, "latest")


async def _is_here(engine: EngineApi, image: str, digest: str | None) -> bool:
    from docker.errors import ImageNotFound  # noqa: PLC0415 - imported when used

    def look(sdk: Any) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = sdk.inspect_image(image)
        except ImageNotFound:
            return None
        return found

    found = await engine.call("look for an image", look)
    if found is None:
        return False
    known = [each.rpartition("@")[2] for each in found.get("RepoDigests") or []]
    return digest is None or digest in known
