"""What updates and rollbacks are built from."""

import asyncio
from dataclasses import dataclass

from bot.adapters.compose_files import DockerComposeFiles
from bot.adapters.evidence import LogFolder
from bot.adapters.image_file import PulledImages
from bot.adapters.journal import Journal
from bot.adapters.preflight import DockerPreflight
from bot.adapters.registry import HttpRegistry
from bot.adapters.registry_cache import RegistryCache
from bot.adapters.registry_login import DockerLogins
from bot.adapters.release_feed import HttpReleaseFeed
from bot.app_restores import Restores
from bot.domain.jobs import JobKind
from bot.domain.messages import RunRollback, RunUpdate
from bot.domain.rollback import RollbackPreview
from bot.domain.update_preview import UpdatePreview
from bot.services.backup import BackupService
from bot.services.half_backups import HalfBackups
from bot.services.ports import JobLog, Publish
from bot.services.preflight import Preflight
from bot.services.rollback import (
    ConfirmRollback,
    RollbackRecovery,
    RollbackService,
    RolledBack,
    WayBackDown,
)
from bot.services.undo import Settle
from bot.services.update import Ask, Confirm, Updated, UpdateService
from bot.services.update_check import UpdateCheck
from bot.services.update_memory import UpdateMemory
from bot.services.update_recovery import UpdateRecovery
from bot.settings import Settings
