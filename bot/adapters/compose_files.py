"""The project's compose files, changed for a hop and put back, and the folders that go with them.

The old text lies beside each file from before its change until `discard`, and is what an undo puts
back. New texts lie there only while they take the files' places: until then they are computed from
what is in place, so that no copy of the secrets in them waits for an update that may never come.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.adapters import file_swap
from bot.adapters.compose import remove_service
from bot.adapters.compose_folders import HostFolders
from bot.adapters.compose_program import CONFIG_WITHIN, ComposeProgram
from bot.adapters.engine_api import EngineApi
from bot.domain.compose_diff import unified_diff
from bot.domain.compose_edit import ComposeChange, ComposeFile, Draft, plan_compose_change
from bot.domain.compose_wants import read_wants
from bot.domain.errors import PortError, RefusedError
from bot.domain.restore import Site
from bot.domain.versions import Family
from bot.services.compose_ports import Planned

_KEY = re.compile(r"[A-Za-z0-9-]+")


class ProjectComposeFiles:
    """Port `ComposeFiles`; *image_at* gives the id of the image of a stack's PostgreSQL."""

    def __init__(
        self,
        engine: EngineApi,
        compose: ComposeProgram,
        image_at: Callable[[Site], Awaitable[str]],
    ) -> None:
        self._engine = engine
        self._compose = compose
        self._image_at = image_at

    async def plan(self, site: Site, current: Family, target: Family) -> Planned | None:
        files = await self._files(site)
        draft = await self._draft(site, files, current, target)
        if draft is None:
            return None
        return Planned(draft.change, unified_diff(files, draft.texts), draft.left)

    async def apply(self, site: Site, change: ComposeChange, key: str) -> None:
        _require_key(key)
        if not await asyncio.to_thread(file_swap.is_staged, change.files, key):
            files = await self._files(site)
            draft = await self._draft(site, files, change.current, change.target)
            texts = draft.texts if draft else {}
            await asyncio.to_thread(file_swap.stage, change.files, texts, key)
        try:
            await (await self._folders(site, change, key)).move(change.moves)
            await asyncio.to_thread(file_swap.swap, change.files, key)
            await self._require_understood(site, change)
        except RefusedError as error:
            for words in await self.undo(site, change, key):
                error.add_note(f"{words[0].upper()}{words[1:]}.")
            raise

    async def _require_understood(self, site: Site, change: ComposeChange) -> None:
        """Compose must make of the new files what was wanted."""
        hint = "Nothing was changed: all is as it was. Change the compose file by hand."
        try:
            config = await self._config(site)
        except PortError as error:
            raise RefusedError(
                f"Compose does not take the changed files: {error}", hint=hint
            ) from error
        wants = read_wants(config, site.services, change.current, change.target)
        if not wants.nothing or set(change.drops) & config["services"].keys():
            raise RefusedError(
                "Compose makes something else of the changed files than was wanted", hint=hint
            )

    async def require_undo(self, site: Site, changes: Mapping[str, ComposeChange]) -> None:
        texts = await asyncio.to_thread(file_swap.read_files, site.config_files)
        for key, change in changes.items():
            texts |= await asyncio.to_thread(file_swap.kept, change.files, key)
        await self._compose.run(
            site, "config", "--quiet", texts=tuple(texts.values()), within=CONFIG_WITHIN
        )

    async def undo(self, site: Site, change: ComposeChange, key: str) -> Sequence[str]:
        _require_key(key)
        aside = await asyncio.to_thread(file_swap.swap_back, change.files, key)
        left = await (await self._folders(site, change, key)).move_back(change.moves)
        return [
            *(f"what was edited meanwhile is kept as {path}" for path in aside),
            *(f"what was written meanwhile is kept in {path}" for path in left),
        ]

    async def discard(self, site: Site, change: ComposeChange, key: str) -> None:
        _require_key(key)
        await asyncio.to_thread(file_swap.discard, change.files, key)
        await (await self._folders(site, change, key)).discard(change.moves)

    async def drop_service(self, site: Site, name: str) -> None:
        if name in {*site.services, site.postgresql}:
            raise RefusedError(f'"{name}" is needed, and is not dropped')
        if name in (await self._config(site))["services"]:
            return
        async with self._compose.alone():
            await remove_service(self._engine, site.project, name)

    async def _folders(self, site: Site, change: ComposeChange, key: str) -> HostFolders:
        """Containers of PostgreSQL's image do it: it is there whatever happens to the others."""
        if not change.moves:
            return HostFolders(self._engine, "", key)
        return HostFolders(self._engine, await self._image_at(site), key)

    async def _draft(
        self, site: Site, files: Sequence[ComposeFile], current: Family, target: Family
    ) -> Draft | None:
        return plan_compose_change(
            files,
            await self._config(site),
            services=site.services,
            current=current,
            target=target,
        )

    async def _files(self, site: Site) -> list[ComposeFile]:
        found = await asyncio.to_thread(file_swap.read_files, site.config_files)
        return [ComposeFile(path, content) for path, content in found.items()]

    async def _config(self, site: Site) -> Mapping[str, Any]:
        out = await self._compose.run(site, "config", "--format", "json", within=CONFIG_WITHIN)
        config: Mapping[str, Any] = json.loads(out)
        return config


def _require_key(key: str) -> None:
    """It becomes part of names of files and folders."""
    if not _KEY.fullmatch(key):
        raise ValueError(key)
