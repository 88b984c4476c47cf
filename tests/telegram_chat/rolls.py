"""Updates and rollbacks in the chat, up to their questions and their jobs."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from bot.domain.backup_id import BackupId
from bot.domain.findings import Finding, Level
from bot.domain.messages import RunRollback, RunUpdate
from bot.domain.rollback import RollbackPreview
from bot.domain.schema_change import SchemaChange, WayBack
from bot.domain.update_outlook import HopOutlook
from bot.domain.update_preview import UpdatePreview
from bot.domain.updated import Prediction
from bot.domain.upgrade_path import Hop
from bot.domain.versions import Version
from tests.bot_api.chats import Chat, Message
from tests.telegram_chat.world import NOW, World

UPDATE_JOB = BackupId("20261124T100000Z-aaaa")
STAYS = SchemaChange(WayBack.STAY, "the database had not been touched")
SWAPS = SchemaChange(WayBack.SWAP, "12 migrations had been applied")
NEEDS_COMPOSE = Finding(
    "compose",
    Level.WARNING,
    "server has 64 MB of shared memory",
    "Give it shm_size: 512mb, as 2026.2 has it: akbot update --apply-compose does it.",
)
DIFF = "--- docker-compose.yml\n+++ docker-compose.yml\n-  redis:\n+    shm_size: 512mb"


def hops(*versions: Version) -> tuple[HopOutlook, ...]:
    pairs = pairwise(versions)
    return tuple(
        HopOutlook(
            hop=Hop(start, end),
            digest=f"sha256:{number}",
            size=250_000_000,
            security=None,
        )
        for number, (start, end) in enumerate(pairs, start=1)
    )


def make_update(**changes: Any) -> UpdatePreview:
    """What an update to 2025.4.4 in two steps would be."""
    preview = UpdatePreview(
        place="ghcr.io/goauthentik/server",
        current="2025.2.1",
        target="2025.4.4",
        hops=hops(Version(2025, 2, 1), Version(2025, 2, 4), Version(2025, 4, 4)),
        warnings=(),
        rehearse=True,
        away=Prediction(120, rough=True),
    )
    return replace(preview, **changes)


def make_rollback(**changes: Any) -> RollbackPreview:
    """What taking the update of two hours ago back would be; nothing was migrated by it."""
    preview = RollbackPreview(
        update=UPDATE_JOB,
        version_now="2025.4.4",
        version_then="2025.2.1",
        since=NOW - timedelta(hours=2),
        change=STAYS,
        written=7,
        gone=0,
        kept_hours=24,
        safety_backup=True,
    )
    return replace(preview, **changes)


async def way(world: World, text: str = "/update", chat: Chat | None = None) -> Message:
    """The plan of an update, as its question stands in the chat."""
    world.anna.says(text, chat)
    return await world.said("This question stands until", chat)


async def begun(world: World) -> RunUpdate | RunRollback:
    """The command of the job that has begun."""
    await world.telegram.until(lambda: world.operations.commands)
    (command,) = world.operations.commands
    assert isinstance(command, RunUpdate | RunRollback)
    return command
