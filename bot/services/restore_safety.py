"""The backup of what a restore is about to replace."""

from collections.abc import Mapping

from bot.domain.errors import PortError
from bot.domain.jobs import Trigger
from bot.domain.messages import RunBackup, RunRestore
from bot.domain.restore_choice import safety_label
from bot.services.backup import BackupService
from bot.services.ports import JobLog
from bot.services.switch import Begin

_WITHOUT = "--no-safety-backup restores without a backup of what serves now."


async def back_up_before(
    source: str, command: RunRestore, safety: BackupService, job: JobLog, begin: Begin
) -> Mapping[str, str]:
    """Back up what *source* will replace, if it is wanted; of the stores that lack it, why."""
    if not command.safety_backup:
        return {}
    await begin("backing up the state before")
    label = safety_label(source)
    backup = RunBackup(trigger=Trigger.SAFETY, actor=command.actor, label=label)
    try:
        return (await safety.run(backup, job)).missing
    except PortError as error:
        error.hint = f"{error.hint} {_WITHOUT}".strip()
        raise
