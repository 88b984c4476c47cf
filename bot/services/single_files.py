"""Lay those components of a backup that are single files beside the compose files."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.domain.layout import Layout
from bot.domain.manifest import Manifest
from bot.domain.project import Project
from bot.domain.single_files import (
    MOST_STORED,
    SingleFile,
    lay_single_files,
    single_file_in,
)


async def with_single_files(
    project: Project, layout: Layout, manifest: Manifest, read: Callable[[str], Awaitable[bytes]]
) -> tuple[Project, Layout, tuple[str, ...]]:
    """*project* with the files that are mounted alone, as `lay_single_files` lays them.

    *read* gives a component, as `whole` does; what it raises passes.
    """
    found: dict[str, SingleFile] = {}
    for mount in layout.mounts:
        component = manifest.component(mount.component)
        if component is None or component.stored_size > MOST_STORED:
            continue
        packed = await read(mount.component)
        if single := await asyncio.to_thread(single_file_in, packed):
            found[mount.source] = single
    return lay_single_files(project, layout, found)
