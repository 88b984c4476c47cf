"""Which backup a person may delete by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import LATEST, BackupRecord, choose
from bot.domain.copies import merge_records
from bot.domain.errors import RefusedError
from bot.domain.restore_choice import last_to_go


@dataclass(frozen=True)
class Doomed:
    """What is to go: the copies of one backup, by store.

    *elsewhere* names the stores that keep theirs. *newest*: it is the newest good one, there or of
    all; a safety backup is that only where there is no other.
    """

    id: BackupId
    copies: Mapping[str, BackupRecord]
    elsewhere: tuple[str, ...] = ()
    newest: bool = False


def choose_doomed(
    found: Mapping[str, Sequence[BackupRecord]],
    wanted: str,
    store: str,
    in_use: Mapping[str, str],
    *,
    force: bool,
) -> Doomed:
    """The backup that *wanted* names, in that *store*, or with "" in all.

    *in_use* says of the ids that must not be touched why. With *force* it may be the newest good
    one.

    Raises:
        RefusedError: there is none, or it must stay.
    """
    records = merge_records(found)
    last = last_to_go(records)
    record = last if last and wanted == LATEST else choose(records, wanted)
    everywhere = {
        name: copy for name, copies in found.items() for copy in copies if copy.id == record.id
    }
    copies = {name: copy for name, copy in everywhere.items() if store in {"", name}}
    if not copies:
        raise RefusedError(f'backup "{record.id}" is not in store "{store}"')
    if record.pinned or record.doubtful_pin:
        raise RefusedError(
            f'backup "{record.id}" is pinned',
            hint=f'Nothing was deleted. Run "akbot pin {record.id} --remove" first.',
        )
    if why := in_use.get(record.id):
        raise RefusedError(f'backup "{record.id}" {why}', hint="Nothing was deleted. Wait for it.")
    lists = [records, *(found[name] for name in copies)]
    newest = {each.id for each in map(last_to_go, lists) if each}
    if record.id in newest and not force:
        raise RefusedError(
            f'backup "{record.id}" is the newest good one',
            hint="Nothing was deleted. Make a newer one first, or insist with --force.",
        )
    elsewhere = tuple(name for name in everywhere if name not in copies)
    return Doomed(record.id, copies, elsewhere, newest=record.id in newest)
