"""Images on this host."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.domain.errors import PortError

_IN_USE = 409


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
        with _login_errors(doing, reference):
            for line in sdk.pull(reference, stream=True, decode=True):
                if "error" in line:
                    raise PortError(f"{doing}: {line['error']}", retryable=True)
        if digest:
            sdk.tag(reference, repository, tag, force=True)

    await engine.call(doing, pull)


async def image_id_of(engine: EngineApi, image: str) -> str:
    """What *image* means on this host. Raises PortError where it is not here."""
    found = await _inspect(engine, image)
    if found is None:
        raise PortError(f'look for image "{image}": it is not on this host')
    return str(found["Id"])


async def name_image(engine: EngineApi, image: str, image_id: str) -> None:
    """Let *image* mean *image_id*. Raises PortError where that one is not on this host."""
    found = await _inspect(engine, image)
    if found is not None and found["Id"] == image_id:
        return
    if await _inspect(engine, image_id) is None:
        raise PortError(
            f'look for the image that "{image}" was: it is not on this host any more',
            hint=f'Get it back: "docker pull {image}".',
        )
    repository, tag = _parts(image)
    await engine.call("name an image", lambda sdk: sdk.tag(image_id, repository, tag, force=True))


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


@contextmanager
def _login_errors(doing: str, reference: str) -> Iterator[None]:
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
            hint=f'Run "docker pull {reference}" where the helper works: what is on this host is'
            " not pulled. Or let DOCKER_CONFIG name a config.json that has the login itself.",
        ) from error


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
