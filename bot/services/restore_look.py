"""What a restore has to know of the stack before it decides."""

from collections.abc import Sequence

from bot.domain.contents import Contents
from bot.domain.errors import PortError
from bot.domain.manifest import DatabaseFacts
from bot.domain.restore import Site
from bot.domain.restore_plan import Found
from bot.domain.restore_room import Room
from bot.domain.stack import Stack
from bot.domain.stack_folders import folders_of
from bot.services.restore_ports import Tools


async def look_at(stack: Stack, site: Site, tools: Tools) -> Found:
    """The stack as it is."""
    folders = folders_of(stack)
    places = await tools.files.places([each.source for each in folders])
    disks = {source: place.disk for source, place in places.items() if place.disk}
    return Found(
        folders=folders,
        single_files=frozenset(
            each.component for each in folders if not places[each.source].is_folder
        ),
        has_redis=stack.redis is not None,
        has_database=site.database in await tools.databases.names(),
        postgresql=await tools.databases.version(),
        image=site.image,
        room=Room(database=await tools.databases.room(), folders=disks),
        mounted=frozenset(mount.source for each in stack.containers for mount in each.mounts),
    )


async def glance(
    tools: Tools, database: str, found: Found
) -> tuple[DatabaseFacts | None, Contents | None, Sequence[str]]:
    """What is about to be replaced; where that cannot be told, a warning says so."""
    if not found.has_database:
        return None, None, []
    try:
        facts, contents = await tools.databases.glance(database)
    except PortError as error:
        return None, None, [f"what serves now could not be counted: {error}"]
    return facts, contents, []
