"""The project's compose files, swapped for those of a backup and back."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters import file_swap
from bot.adapters.compose_program import CONFIG_WITHIN, ComposeProgram
from bot.domain.compose_edit import FileChange
from bot.domain.restore import Site


class ProjectFilesOnDisk:
    """Port `ProjectFiles`, for one *job*."""

    def __init__(self, compose: ComposeProgram, site: Site, job: str) -> None:
        self._compose = compose
        self._site = site
        self._job = job

    async def texts(self) -> Mapping[str, bytes]:
        return await asyncio.to_thread(file_swap.read_files, self._site.config_files)

    async def config(self, texts: Mapping[str, bytes]) -> Mapping[str, Any]:
        out = await self._compose.run(
            self._site,
            *("config", "--format", "json"),
            texts=tuple(texts.values()),
            within=CONFIG_WITHIN,
        )
        config: Mapping[str, Any] = json.loads(out)
        return config

    async def kept(self, changes: Sequence[FileChange], job: str) -> Mapping[str, bytes]:
        return await asyncio.to_thread(file_swap.kept, changes, job)

    async def stage(self, changes: Sequence[FileChange], texts: Mapping[str, bytes]) -> None:
        await asyncio.to_thread(file_swap.stage, changes, texts, self._job)

    async def swap(self, changes: Sequence[FileChange]) -> None:
        await asyncio.to_thread(file_swap.swap, changes, self._job)

    async def swap_back(self, changes: Sequence[FileChange]) -> Sequence[str]:
        aside = await asyncio.to_thread(file_swap.swap_back, changes, self._job)
        return [f"what was edited meanwhile is kept as {path}" for path in aside]

    async def discard(self, changes: Sequence[FileChange], job: str) -> None:
        await asyncio.to_thread(file_swap.discard, changes, job)
