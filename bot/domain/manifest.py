"""What a backup holds, as JSON that is written last and signed: the commit of the backup."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints, TypeAdapter, ValidationError

from bot.domain.backup_id import BackupId, parse_backup_id
from bot.domain.errors import IntegrityError

FORMAT = "akbot-manifest-1"
MANIFEST = "manifest.json"
SIGNATURE_SUFFIX = ".sig"
MAX_MANIFEST_BYTES = 16 * 1024 * 1024  # read whole, so a hostile store must not choose its size

COMPONENT_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
STACK_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

Size = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class ArchiveCount:
    """What a tar archive holds: *entries* of any kind, its folder included, and *size*.

    That is the bytes of all its files together; a hard link adds none.
    """

    entries: Size
    size: Size


@dataclass(frozen=True)
class Component:
    """One sealed object.

    *plain_size* is that of the file which `age --decrypt` gives, *stored_size* that of the object,
    both in bytes; *sha256* is the stored object's. *archive* was counted while a component of files
    was sent, and is compared exactly by whatever reads one; None for any other component, and where
    an older akbot has not counted.
    """

    name: Annotated[str, StringConstraints(pattern=f"^{COMPONENT_NAME}$")]
    key: str
    plain_size: Size
    stored_size: Size
    sha256: Sha256
    seconds: Annotated[float, Field(ge=0)]
    archive: ArchiveCount | None = None


@dataclass(frozen=True)
class SchemaFingerprint:
    """What one schema looked like.

    *catalogue* hashes its tables, columns, indexes and constraints: Authentik's system migrations
    leave no row in `django_migrations`. *migrations* counts that table's rows per application,
    *newest_migration* is its highest id; both are empty where the schema has no such table.
    """

    catalogue: Sha256
    newest_migration: int | None = None
    migrations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class VersionRow:
    """A row of `authentik_version_history`."""

    version: str
    build: str
    timestamp: str


@dataclass(frozen=True)
class DatabaseFacts:
    """What the dump holds, counted in the snapshot that the dump was made from.

    *rows* has each table as `schema.table`; *size* is `pg_database_size` in bytes.
    """

    name: str
    size: Size
    rows: Mapping[str, Size]
    schemas: Mapping[str, SchemaFingerprint]
    versions: tuple[VersionRow, ...] = ()


@dataclass(frozen=True)
class Software:
    """The versions of what was backed up; *image_digest* is the server image's, if it has one."""

    authentik: str | None
    image: str
    image_digest: str | None
    postgresql: str | None = None
    redis: str | None = None


@dataclass(frozen=True)
class Manifest:
    """One backup.

    A *partial* one was asked for some components only; *database* is None when it holds no dump.
    *rekeyed_from* is the id of the one from which it was sealed anew for other keys, else "".
    """

    id: str
    stack: Annotated[str, StringConstraints(pattern=f"^{STACK_NAME}$")]
    created: AwareDatetime
    trigger: str
    actor: str
    software: Software
    database: DatabaseFacts | None
    components: tuple[Component, ...]
    recipients: tuple[str, ...]
    label: str = ""
    warnings: tuple[str, ...] = ()
    partial: bool = False
    rekeyed_from: str = ""

    @property
    def stored_size(self) -> int:
        """Bytes of all components in the store."""
        return sum(component.stored_size for component in self.components)

    def component(self, name: str) -> Component | None:
        """The component called *name*, or None where this backup has none."""
        return next((each for each in self.components if each.name == name), None)


def backup_prefix(stack: str, backup_id: str) -> str:
    """Where the objects of a backup lie, with the closing slash."""
    return f"{stack}/{backup_id}/"


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes that are signed and stored."""
    document = {"format": FORMAT, **asdict(manifest)}
    return json.dumps(document, indent=1, sort_keys=True, default=_encode).encode() + b"\n"


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a manifest")


# Made at import: pydantic looks for plug-ins on disk then, which has no place in an event loop.
_ADAPTER = TypeAdapter(Manifest)


def decode_manifest(data: bytes, *, stack: str, backup_id: BackupId) -> Manifest:
    """Read the manifest that was found in the place of *backup_id* of *stack*.

    The bytes are untrusted until their signature was checked.

    Raises:
        IntegrityError: it is not a manifest, of a format that this version does not know, or it
            belongs to another place (it was copied).
    """
    where = f'manifest of "{stack}/{backup_id}"'
    try:
        document: dict[str, Any] = json.loads(data)
        known = document.pop("format")
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise IntegrityError(f"read {where}: it is not a manifest") from error
    if known != FORMAT:
        raise IntegrityError(
            f"read {where}: its format {str(known)[:40]!r} is unknown here",
            hint="Use the version of akbot that wrote it, or a newer one.",
        )
    try:
        manifest = _ADAPTER.validate_python(document)
        parse_backup_id(manifest.id)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise IntegrityError(f"read {where}: {place}: {first['msg']}") from error
    except ValueError as error:
        raise IntegrityError(f"read {where}: {error}") from error
    _refuse_another_place(manifest, stack, backup_id)
    return manifest


def _refuse_another_place(manifest: Manifest, stack: str, backup_id: BackupId) -> None:
    if (manifest.stack, manifest.id) != (stack, backup_id):
        raise IntegrityError(
            f'read manifest of "{stack}/{backup_id}": '
            f'it belongs to "{manifest.stack}/{manifest.id}" and was copied here'
        )
    prefix = backup_prefix(stack, backup_id)
    file_name = re.compile(rf"{COMPONENT_NAME}\.age")
    seen: set[str] = set()
    for component in manifest.components:
        rest = component.key.removeprefix(prefix)
        if rest == component.key or not file_name.fullmatch(rest) or component.name in seen:
            raise IntegrityError(
                f'read manifest of "{stack}/{backup_id}": '
                f'component "{component.name}" does not lie beside it'
            )
        seen.add(component.name)
