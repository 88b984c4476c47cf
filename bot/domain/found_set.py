"""What lies in the store under one backup's name, before anybody has judged it."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.backup_id import BackupId


@dataclass(frozen=True)
class FoundSet:
    """All that lies under one backup's prefix: sizes by file name, and the small files' bytes."""

    stack: str
    id: BackupId
    sizes: Mapping[str, int]
    small: Mapping[str, bytes]
