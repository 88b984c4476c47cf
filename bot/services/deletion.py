"""Delete all that lies under one backup's name, so that a half-deleted one never looks whole."""

import logging
from collections.abc import Mapping

from bot.domain.backup_id import BackupId
from bot.domain.errors import PortError
from bot.domain.manifest import MANIFEST, SIGNATURE_SUFFIX, backup_prefix
from bot.services.store_ports import BackupStore

STACK = "stack"
"""Fact of a job's plan: the stack's folder in the store."""
DOOMED = "delete"
"""Fact of a prune's plan: the ids of all that it is to delete, in order, between blanks."""
DELETING = "deleting"
"""Fact of a prune's or delete's plan: the id of what it is deleting; what stands before it in
DOOMED is done."""
COPYING = "copying"
"""Fact of a copy's plan: the id of what it is copying."""
REKEYING = "rekeying"
"""Fact of a rekey's plan: the id of what it seals anew, and then deletes."""
REKEYED_AS = "rekeyed_as"
"""Fact of a rekey's plan: the id of what comes of it."""

logger = logging.getLogger(__name__)


async def delete_set(store: BackupStore, stack: str, backup_id: BackupId) -> None:
    """The manifest first: from then on there is no such backup.

    Raises PortError; unless the manifest is gone by then, nothing was changed but for uploads.
    """
    prefix = backup_prefix(stack, backup_id)
    await _abort_uploads(store, prefix)
    keys = [each.key async for each in store.list(prefix)]
    manifest = [prefix + MANIFEST, prefix + MANIFEST + SIGNATURE_SUFFIX]
    await store.delete(*manifest, *(key for key in keys if key not in manifest))


async def sweep_set(store: BackupStore, stack: str, backup_id: BackupId) -> None:
    """Delete what a writer that was just given up has left, and what comes of it meanwhile."""
    await delete_set(store, stack, backup_id)
    if [each async for each in store.list(backup_prefix(stack, backup_id))]:
        await delete_set(store, stack, backup_id)


async def is_half_a_set(store: BackupStore, stack: str, backup_id: BackupId) -> bool:
    """Whether something lies there that is no backup: not any more, or not yet."""
    prefix = backup_prefix(stack, backup_id)
    keys = [each.key async for each in store.list(prefix)]
    return bool(keys) and prefix + MANIFEST not in keys


def deleted_so_far(plan: Mapping[str, str]) -> str:
    """How far the prune with this *plan* came, once nothing of it is half done."""
    doomed = plan.get(DOOMED, "").split()
    begun = doomed.index(plan[DELETING]) + 1 if plan.get(DELETING) else 0
    return f"it had come to {begun} of {len(doomed)}" if doomed else "nothing was deleted"


async def _abort_uploads(store: BackupStore, prefix: str) -> None:
    """Also those whose abort was lost; a service that cannot list them cannot be swept."""
    try:
        await store.discard_unfinished(prefix)
        left = await store.unfinished(prefix)
    except PortError as error:
        if error.retryable:
            raise
        logger.warning("look for unfinished uploads below %s: %s", prefix, error)
        return
    if left:
        raise PortError(f"abort an upload: {left[0]} is still there", retryable=True)
