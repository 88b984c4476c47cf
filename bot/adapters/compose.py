"""Server and worker, removed by the Engine and created by Compose from the project's own files.

Compose alone creates containers: one that is cloned from an old one carries the old image's
settings.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bot.adapters.compose_program import AS_IT_IS, CONFIG_WITHIN, ComposeProgram
from bot.adapters.engine_api import EngineApi
from bot.adapters.env_file import change_env, changed_by, read_env, require_room_beside
from bot.adapters.images import drop_image, have_image, image_id_of, name_image
from bot.adapters.services_of import ids_of
from bot.domain.env_text import value_in, with_setting, with_value
from bot.domain.errors import RefusedError
from bot.domain.image_layers import Pulled, to_nobody
from bot.domain.restore import Site, TagChange
from bot.services.restore_ports import AS_THEY_ARE

TAG = "AUTHENTIK_TAG"
_UP_WITHIN = 600.0
_STOP_WITHIN = 20  # seconds
_HURRIED_STOP = 2
_BEING_REMOVED = 409


class ComposeControl:
    """Port `StackControl`."""

    def __init__(self, engine: EngineApi, compose: ComposeProgram, site: Site) -> None:
        self._engine = engine
        self._compose = compose
        self._site = site

    async def tag_change(
        self, image: str, texts: Mapping[str, bytes] = AS_THEY_ARE
    ) -> TagChange | None:
        given = tuple(texts.values())
        if await self._images(self._site.services, texts=given) == {image}:
            return None
        path = await asyncio.to_thread(self._env_file)
        text = await asyncio.to_thread(read_env, path)
        tag, old = image.rpartition(":")[2], value_in(text, TAG)
        _require_way_back(path, text, old)
        changed = with_value(text, TAG, tag)
        await asyncio.to_thread(require_room_beside, path, len(changed))
        if await self._images_with(path, changed, self._site.services, given) != {image}:
            services = " and ".join(self._site.services)
            raise RefusedError(
                f"Compose would not run {image} for {services} whatever {TAG} in {path} is",
                hint="Nothing was changed. Let their image end in :${" + TAG + "}, as in"
                " Authentik's own compose file.",
            )
        return TagChange(str(path), TAG, old, tag)

    def _env_file(self) -> Path:
        """The file that has the tag, or that it goes into: of several the last one counts."""
        files = [Path(each) for each in self._site.env_files]
        files = files or [Path(self._site.working_dir) / ".env"]
        having = [
            each for each in files if each.exists() and value_in(read_env(each), TAG) is not None
        ]
        return (having or files)[-1]

    async def _images_with(
        self, path: Path, text: bytes, services: Sequence[str], texts: Sequence[bytes] = ()
    ) -> set[str]:
        """The images, were *text* in that env file."""
        return await self._images(services, {path: text}, texts)

    async def _images(
        self,
        names: Sequence[str],
        env_texts: Mapping[Path, bytes] = AS_IT_IS,
        texts: Sequence[bytes] = (),
    ) -> set[str]:
        out = await self._compose.run(
            self._site,
            *("config", "--format", "json"),
            texts=texts,
            env_texts=env_texts,
            within=CONFIG_WITHIN,
        )
        services: dict[str, Any] = json.loads(out)["services"]
        return {str(services.get(name, {}).get("image", "")) for name in names}

    async def pull(self, image: str, digest: str | None, pulled: Pulled = to_nobody) -> None:
        await have_image(self._engine, image, digest, pulled=pulled)

    async def pull_outposts(self, change: TagChange) -> None:
        if not self._site.outposts:
            return
        path = Path(change.file)
        text = changed_by(change, await asyncio.to_thread(read_env, path))
        for image in await self._images_with(path, text, self._site.outposts):
            await have_image(self._engine, image)

    async def name_image(self, image: str, image_id: str, digest: str | None) -> None:
        await name_image(self._engine, image, image_id, digest)

    async def image_id(self, image: str) -> str:
        return await image_id_of(self._engine, image)

    async def drop_image(self, image_id: str) -> None:
        await drop_image(self._engine, image_id)

    async def remove(self, *, hurry: bool = False) -> None:
        within = _HURRIED_STOP if hurry else _STOP_WITHIN
        async with self._compose.alone():
            await self._remove(within)

    async def _remove(self, within: int) -> None:
        engine, project = self._engine, self._site.project
        services = self._site.rolled
        await asyncio.gather(*(remove_service(engine, project, each, within) for each in services))

    async def write_tag(self, change: TagChange) -> None:
        await asyncio.to_thread(change_env, change)

    async def start(self) -> None:
        await self._up(*self._site.rolled)

    async def create(self) -> None:
        await self._make("create", *self._site.rolled)

    async def start_created(self) -> None:
        engine, project = self._engine, self._site.project
        async with self._compose.alone():
            found = await asyncio.gather(*(ids_of(engine, project, s) for s in self._site.rolled))
            await asyncio.gather(
                *(
                    engine.call("start a container", partial(_start, container_id))
                    for ids in found
                    for container_id in ids
                )
            )

    async def start_service(self, service: str) -> None:
        await self._up("--wait", service)

    async def drop_service(self, service: str) -> None:
        async with self._compose.alone():
            await remove_service(self._engine, self._site.project, service)

    async def _up(self, *words: str) -> None:
        await self._make("up", "--detach", *words)

    async def _make(self, command: str, *words: str) -> None:
        options = ("--no-recreate", "--pull", "never", "--no-build")
        await self._compose.run(self._site, command, *options, *words, within=_UP_WITHIN)


async def remove_service(
    engine: EngineApi, project: str, service: str, within: int = _STOP_WITHIN
) -> None:
    """Stop and remove the containers of a service; one that is gone is no error."""

    async def gone(container_id: str) -> None:
        await engine.call(
            "stop a container",
            lambda sdk: _unless_gone(sdk.stop, container_id, timeout=within),
        )
        await engine.call(
            "remove a container",
            lambda sdk: _unless_gone(sdk.remove_container, container_id, force=True),
        )

    await asyncio.gather(*(gone(each) for each in await ids_of(engine, project, service)))


def _start(container_id: str, sdk: Any) -> None:
    sdk.start(container_id)


def _unless_gone(call: Any, *arguments: Any, **options: Any) -> None:
    from docker.errors import APIError, NotFound  # noqa: PLC0415 - imported when used

    try:
        call(*arguments, **options)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != _BEING_REMOVED:
            raise


def _require_way_back(path: Path, text: bytes, tag: str | None) -> None:
    """What stands there now must be something that can be written again."""
    try:
        with_setting(text, TAG, tag or "")
    except ValueError as error:
        raise RefusedError(
            f'{TAG} in {path} is "{tag}", which nobody could put back as it was: {error}',
            hint="Nothing was changed. Write the tag itself there, as in AUTHENTIK_TAG=2025.2.1.",
        ) from error
