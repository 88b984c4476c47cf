"""Images on this host."""

from collections.abc import Mapping
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.image_pull import pull
from bot.domain.errors import PortError
from bot.domain.image_layers import Pulled, to_nobody

_IN_USE = 409
_SILENT_WITHIN = 300.0  # seconds


async def have_image(
    engine: EngineApi,
    image: str,
    digest: str | None = None,
    silent_within: float = _SILENT_WITHIN,
    pulled: Pulled = to_nobody,
) -> None:
    """Have *image* here, of that *digest* where one is known; what is here is not pulled.

    Raises PortError where it is not here and cannot be pulled, or the Engine has nothing to tell of
    the pull for *silent_within* seconds.
    """
    if await _is_here(engine, image, digest):
        return
    repository, tag = _parts(image)
    reference = f"{repository}@{digest}" if digest else f"{repository}:{tag}"
    await pull(engine, repository, digest or tag, silent_within, pulled)
    if not await _is_here(engine, reference, digest):
        raise PortError(f'pull image "{reference}": it has not come whole', retryable=True)
    if digest:
        await engine.call(
            "name an image", lambda sdk: sdk.tag(reference, repository, tag, force=True)
        )


async def image_id_of(engine: EngineApi, image: str) -> str:
    """What *image* means on this host. Raises PortError where it is not here."""
    found = await find_image(engine, image)
    if found is None:
        raise PortError(f'look for image "{image}": it is not on this host')
    return found


async def find_image(engine: EngineApi, image: str) -> str | None:
    """What *image* means on this host; None where it is not here."""
    found = await _inspect(engine, image)
    return str(found["Id"]) if found else None


async def name_image(
    engine: EngineApi, image: str, image_id: str, digest: str | None = None
) -> None:
    """Let *image* mean *image_id*, which is pulled, by its *digest*, if it was deleted meanwhile.

    Raises PortError where it is not here and cannot be had.
    """
    found = await _inspect(engine, image)
    if found is not None and found["Id"] == image_id:
        return
    if await _inspect(engine, image_id) is None:
        await _have_again(engine, image, image_id, digest)
    repository, tag = _parts(image)
    await engine.call("name an image", lambda sdk: sdk.tag(image_id, repository, tag, force=True))


async def _have_again(engine: EngineApi, image: str, image_id: str, digest: str | None) -> None:
    gone = f'image "{image}" was deleted from this host meanwhile'
    repository, _ = _parts(image)
    exact = f"{repository}@{digest}" if digest else image
    try:
        await have_image(engine, image, digest)
    except PortError as error:
        raise PortError(
            f"{gone}, and cannot be had again: {error}",
            hint=f'See that the registry answers ("docker pull {exact}"), or bring it with'
            ' "docker load".',
            retryable=True,
        ) from error
    if await _inspect(engine, image_id) is None:
        raise PortError(
            f"{gone}, and what has that name now is another one ({image_id} is wanted)",
            hint='Bring the one that ran with "docker load".',
        )


async def drop_image(engine: EngineApi, image_id: str) -> None:
    """Remove an image that no container uses, with all its names."""
    from docker.errors import APIError, ImageNotFound  # noqa: PLC0415 - imported when used

    def drop(sdk: Any) -> None:
        try:
            users = sdk.containers(all=True, filters={"ancestor": image_id})
            if not users:
                sdk.remove_image(image_id, force=True)  # force: it may have several names
        except ImageNotFound:
            return
        except APIError as error:
            if error.status_code != _IN_USE:
                raise

    await engine.call("remove an image", drop)


def _parts(image: str) -> tuple[str, str]:
    """Repository and tag; a colon before a slash is a port's."""
    repository, colon, tag = image.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (image, "latest")


async def _is_here(engine: EngineApi, image: str, digest: str | None) -> bool:
    found = await _inspect(engine, image)
    if found is None:
        return False
    known = [each.rpartition("@")[2] for each in found.get("RepoDigests") or []]
    return digest is None or digest in known


async def _inspect(engine: EngineApi, image: str) -> Mapping[str, Any] | None:
    from docker.errors import ImageNotFound  # noqa: PLC0415 - imported when used

    def look(sdk: Any) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = sdk.inspect_image(image)
        except ImageNotFound:
            return None
        return found

    return await engine.call("look for an image", look)
