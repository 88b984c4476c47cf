"""What was made of a backup's files, kept so that the same files need not be read again.

A judgement counts only for what it was made of: the same names, sizes and versions of all files of
the set, by the same trusted keys and the same rules. It is good enough to list backups and to plan
by; whoever opens, copies or deletes one reads its manifest and signature anew.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter

from bot.domain.catalogue import BackupRecord
from bot.domain.signature import PublicKey

RULES = 1
"""To be raised with any change of what `assess` makes of the same files."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """*mark* stands for the files of which *record* was made."""

    mark: bytes
    record: BackupRecord


def mark_of(files: Iterable[tuple[str, int, str]]) -> bytes | None:
    """Of a set's files, by name, size and version; None where a version is not known."""
    lines: list[str] = []
    for name, size, version in sorted(files):
        if not version:
            return None
        lines.append(f"{name}\0{size}\0{version}\n")
    return hashlib.blake2b("".join(lines).encode(), digest_size=16).digest()


def rules_of(trusted: Collection[PublicKey]) -> str:
    """By what is judged where these keys are trusted."""
    return hashlib.sha256("\n".join([str(RULES), *sorted(trusted)]).encode()).hexdigest()


# Made at import: pydantic looks for plug-ins on disk then, which has no place in an event loop.
_ADAPTER = TypeAdapter(BackupRecord)


def encode_record(record: BackupRecord) -> bytes:
    """As it is kept."""
    return _ADAPTER.dump_json(record, exclude_defaults=True)


def decode_record(data: bytes) -> BackupRecord:
    """Read what `encode_record` wrote. Raises ValueError where it is something else."""
    return _ADAPTER.validate_json(data)
