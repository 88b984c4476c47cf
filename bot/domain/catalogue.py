"""What the store's listing means: which backups there are, and which one `latest` is."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.backup_id import BackupId, created_at, parse_backup_id
from bot.domain.damage import damage_to_read, judge_damage
from bot.domain.errors import IntegrityError, RefusedError, UntrustedError
from bot.domain.found_set import FoundSet
from bot.domain.manifest import (
    MANIFEST,
    SIGNATURE_SUFFIX,
    Manifest,
    backup_prefix,
    decode_manifest,
)
from bot.domain.pins import Pin, judge_pin, pins_to_read
from bot.domain.signature import PublicKey, verify
from bot.domain.summary import Summary, summarise

LATEST = "latest"


class BackupState(StrEnum):
    """How much a backup can be relied upon."""

    GOOD = "good"
    PARTIAL = "partial"
    DAMAGED = "damaged"
    NOT_TRUSTED = "not trusted"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """A backup as the store shows it; *reason* says why it is not good.

    *summary* is that of its manifest, None where it has none that a trusted key signed.
    *doubtful_pin*: it has a pin that nobody who is trusted here has signed. *stores* names those
    where it lies like this, *lacking* the other ones, *damaged_in* those of them where a
    verification found it damaged; all are empty where one store was asked.
    """

    id: BackupId
    state: BackupState
    reason: str = ""
    summary: Summary | None = None
    pinned: bool = False
    stored_size: int = 0
    doubtful_pin: bool = False
    stores: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    damaged_in: tuple[str, ...] = ()

    @property
    def created(self) -> datetime:
        return self.summary.created if self.summary else created_at(self.id)


def group_by_backup(
    stack: str, objects: Iterable[tuple[str, int]]
) -> dict[BackupId, dict[str, int]]:
    """Sort a listing into backups, newest first; keys of another form are nobody's business."""
    found: dict[BackupId, dict[str, int]] = {}
    for key, size in objects:
        name, _, file = key.removeprefix(f"{stack}/").partition("/")
        try:
            backup_id = parse_backup_id(name)
        except ValueError:
            continue
        if file and "/" not in file:
            found.setdefault(backup_id, {})[file] = size
    return dict(sorted(found.items(), reverse=True))


def small_files(sizes: Mapping[str, int]) -> list[str]:
    """The files of a set that must be read to judge it."""
    wanted = [MANIFEST, MANIFEST + SIGNATURE_SUFFIX]
    notes = [*pins_to_read(sizes), *damage_to_read(sizes)]
    return [name for name in wanted if name in sizes] + notes


def assess(found: FoundSet, trusted: Collection[PublicKey]) -> BackupRecord:
    """Judge one set: complete, signed by a key that is trusted here and not damaged, or why not."""
    pin = judge_pin(found, trusted)
    return replace(
        _unless_damaged(_judge(found, trusted), found, trusted),
        pinned=pin is Pin.PINNED,
        doubtful_pin=pin is Pin.DOUBTFUL,
        stored_size=sum(found.sizes.values()),
    )


def _unless_damaged(
    record: BackupRecord, found: FoundSet, trusted: Collection[PublicKey]
) -> BackupRecord:
    damage = judge_damage(found, trusted)
    if damage is None or record.state not in {BackupState.GOOD, BackupState.PARTIAL}:
        return record
    return replace(record, state=BackupState.DAMAGED, reason=damage.words)


def _judge(found: FoundSet, trusted: Collection[PublicKey]) -> BackupRecord:
    if MANIFEST not in found.small:
        return BackupRecord(found.id, BackupState.INCOMPLETE, "it has no manifest")
    data = found.small[MANIFEST]
    summary: Summary | None = None
    try:
        _verify_signed(found, MANIFEST, trusted)
        manifest = decode_manifest(data, stack=found.stack, backup_id=found.id)
        summary = summarise(manifest, data)
        _require_objects(manifest, found)
    except UntrustedError as error:
        return BackupRecord(found.id, BackupState.NOT_TRUSTED, str(error))
    except IntegrityError as error:
        state = BackupState.INCOMPLETE if summary else BackupState.NOT_TRUSTED
        return BackupRecord(found.id, state, str(error), summary)
    state, reason = BackupState.GOOD, ""
    if manifest.partial:
        state, reason = BackupState.PARTIAL, "it holds only the components that were asked for"
    return BackupRecord(found.id, state, reason, summary)


def assess_unsigned(found: FoundSet) -> tuple[BackupRecord, Manifest]:
    """Judge one set as if somebody trusted had signed it: only a person may ask for that.

    Raises:
        IntegrityError: it is not whole.
    """
    if MANIFEST not in found.small:
        raise _incomplete(found.id, "it has no manifest")
    data = found.small[MANIFEST]
    manifest = decode_manifest(data, stack=found.stack, backup_id=found.id)
    _require_objects(manifest, found)
    state = BackupState.PARTIAL if manifest.partial else BackupState.GOOD
    summary = summarise(manifest, data)
    return BackupRecord(found.id, state, "its signature was not checked", summary), manifest


def _verify_signed(found: FoundSet, name: str, trusted: Collection[PublicKey]) -> None:
    signature = found.small.get(name + SIGNATURE_SUFFIX)
    if signature is None:
        raise UntrustedError("it is not signed")
    verify(found.small[name], signature, trusted)


def _require_objects(manifest: Manifest, found: FoundSet) -> None:
    prefix = backup_prefix(found.stack, found.id)
    for component in manifest.components:
        size = found.sizes.get(component.key.removeprefix(prefix))
        if size is None:
            raise IntegrityError(f'component "{component.name}" is missing')
        if size != component.stored_size:
            raise IntegrityError(
                f'component "{component.name}" has {size} bytes, not {component.stored_size}'
            )


def require_readable(record: BackupRecord) -> Summary:
    """What is known of a backup that may be opened.

    Raises:
        RefusedError: nobody who is trusted here has signed it.
        IntegrityError: something of it is missing.
    """
    summary = require_trusted(record)
    if record.state is BackupState.INCOMPLETE:
        raise _incomplete(record.id, record.reason)
    return summary


def require_trusted(record: BackupRecord) -> Summary:
    """What is known of a backup, also where something of it is missing.

    Raises:
        RefusedError: nobody who is trusted here has signed it.
        IntegrityError: there is no manifest.
    """
    if record.state is BackupState.NOT_TRUSTED:
        raise RefusedError(
            f'backup "{record.id}" is not trusted: {record.reason}',
            hint="Nothing inside it was opened. Use another backup.",
        )
    if record.summary is None:
        raise _incomplete(record.id, record.reason)
    return record.summary


def _incomplete(backup_id: BackupId, reason: str) -> IntegrityError:
    return IntegrityError(f'backup "{backup_id}" is incomplete: {reason}')


def is_backup_name(words: str) -> bool:
    """Whether *words* can name a backup: an id, its beginning, or `latest`."""
    return words == LATEST or re.fullmatch(r"[0-9]{4}[0-9a-zA-Z-]{0,24}", words) is not None


def newest_undoubted(records: Sequence[BackupRecord]) -> BackupRecord | None:
    """The newest good backup without a warning, with which a new one is compared."""
    undoubted = [each for each in records if each.summary and not each.summary.warnings]
    return newest_good(undoubted) or newest_good(records)


def begun_by(records: Iterable[BackupRecord], moment: datetime) -> list[BackupRecord]:
    """Those of *records* that are not named by a later one."""
    return [record for record in records if created_at(record.id) <= moment]


def newest_good(records: Sequence[BackupRecord]) -> BackupRecord | None:
    """The newest backup that is complete and trusted; *records* come newest first."""
    return next((record for record in records if record.state is BackupState.GOOD), None)


def choose(records: Sequence[BackupRecord], wanted: str) -> BackupRecord:
    """The backup that *wanted* names: an id, the unambiguous beginning of one, or `latest`.

    Raises:
        RefusedError: there is none, or several.
    """
    if wanted == LATEST:
        newest = newest_good(records)
        if newest is None:
            raise RefusedError("there is no good backup yet", hint='Run "akbot backup".')
        return newest
    matching = [record for record in records if record.id.startswith(wanted)] if wanted else []
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise RefusedError(
            f'there is no backup "{wanted[:40]}"', hint='See "akbot backups" for their ids.'
        )
    raise RefusedError(f'"{wanted[:40]}" fits {len(matching)} backups', hint="Give more of the id.")
