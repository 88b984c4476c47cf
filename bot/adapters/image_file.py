"""What an image that is here says of itself, read without starting it."""

from contextlib import aclosing
from typing import Any

from bot.adapters.engine_api import EngineApi
from bot.adapters.files import version_file_in
from bot.adapters.throwaway import created
from bot.domain.image_name import ImageName
from bot.domain.version_file import PATH, VersionFile

_DOING = "read the version file of an image"
_MEMORY = 64 * 1024 * 1024


class PulledImages:
    """Port `TargetImages`."""

    def __init__(self, engine: EngineApi) -> None:
        self._engine = engine

    async def version_file(self, name: ImageName, digest: str) -> VersionFile | None:
        image_id = await self._engine.call(
            "look for an image", lambda sdk: _find(sdk, f"{name.place}@{digest}")
        )
        if image_id is None:
            return None
        settings = {"command": ["true"]}
        limits = {"mem_limit": _MEMORY}
        async with created(
            self._engine, _DOING, image_id, settings, "", limits=limits
        ) as container:
            download = self._engine.download(container, PATH, doing=_DOING)
            async with aclosing(download) as blocks:
                return await version_file_in(blocks)


def _find(sdk: Any, reference: str) -> str | None:
    from docker.errors import ImageNotFound  # noqa: PLC0415 - imported when used

    try:
        return str(sdk.inspect_image(reference)["Id"])
    except ImageNotFound:
        return None
