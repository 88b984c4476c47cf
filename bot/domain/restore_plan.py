"""What a person is shown before a restore, and what refuses it: decided from what was looked up."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.backup_id import BackupId
from bot.domain.components import CONFIG, GLOBALS, POSTGRES, REDIS
from bot.domain.contents import Contents
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.manifest import Component, DatabaseFacts, Manifest
from bot.domain.messages import RunRestore
from bot.domain.restore import UNTOUCHED, Folder, SessionsDo
from bot.domain.restore_room import Room, require_room
from bot.domain.stack_folders import require_apart
from bot.domain.undo_ways import Ways

NEVER_LOADED = frozenset({GLOBALS, CONFIG})
_AUTHENTIK_WITHOUT_REDIS = (2025, 10)
IMAGE_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_APPLY = "let its own compose files come with it: --apply-compose"
USERS = "public.authentik_core_user"


@dataclass(frozen=True, kw_only=True)
class Found:
    """The stack as it is, for the decision; *room* is where what is made may lie.

    *single_files* names the components of which a single file is mounted, not a folder. *mounted*
    is what any of the stack's containers has mounted.
    """

    folders: tuple[Folder, ...]
    single_files: frozenset[str]
    has_redis: bool
    postgresql: str
    image: str
    room: Room = field(default_factory=Room)
    mounted: frozenset[str] = frozenset()
    has_database: bool = True


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What of the backup will be used, and on what it goes; *room* is where it will lie."""

    components: tuple[Component, ...]
    folders: tuple[Folder, ...]
    database: bool
    sessions: SessionsDo
    image: str
    image_digest: str | None
    room: Room
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForeignDump:
    """What a dump that a person gave holds, as it was counted in a throw-away database."""

    name: str
    facts: DatabaseFacts
    contents: Contents


@dataclass(frozen=True, kw_only=True)
class Preview:
    """All that a person decides on; *undo_of* is the restore that would be taken back.

    *contents* are those of the database that serves now. *newest*: no good backup is newer.
    *compose* is how the compose files change, as a diff. *absent* names the database where it would
    be replaced and is not there. *ways* are those of an undo.
    """

    backup_id: BackupId | None
    manifest: Manifest | None
    components: tuple[str, ...]
    untouched: tuple[str, ...]
    version_now: str | None
    version_then: str | None
    sessions: SessionsDo
    safety_backup: bool
    undo_of: BackupId | None = None
    newest: bool = True
    live: DatabaseFacts | None = None
    contents: Contents | None = None
    differences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    dump: ForeignDump | None = None
    compose: str = ""
    absent: str = ""
    ways: Ways = field(default_factory=Ways)

    @property
    def plan_hash(self) -> str:
        """Of all that a person agrees to.

        What a stack that serves changes by itself (its rows, its newest event) is not in it; how
        many users would be replaced is.
        """
        agreed = [
            *(self.backup_id, self.undo_of, self.newest, self.safety_backup, self.sessions),
            *(self.components, self.untouched, self.version_now, self.version_then),
            *(self.differences, self.warnings, self.users_now, self.compose),
        ]
        return hashlib.sha256(json.dumps(agreed).encode()).hexdigest()[:32]

    @property
    def loses_rows(self) -> bool:
        """Whether what was written since is lost: the database is replaced, by a backup or not."""
        return POSTGRES in self.components

    @property
    def users_now(self) -> int | None:
        """How many users there are in what would be replaced; None where nobody knows."""
        return self.live.rows.get(USERS) if self.live else None

    @property
    def users_then(self) -> int | None:
        """How many users there were when the backup or the dump was made."""
        of_backup = self.manifest.database if self.manifest else None
        database = self.dump.facts if self.dump else of_backup
        return database.rows.get(USERS) if database else None


def choose_components(manifest: Manifest, found: Found, command: RunRestore) -> Choice:
    """What to use of the backup, or why it cannot be restored here.

    Raises:
        ConfigError: a component that was asked for is none.
        RefusedError: it does not fit this stack.
    """
    usable = _usable(manifest, command, found.single_files)
    has_database = any(each.name == POSTGRES for each in usable)
    with_redis = any(each.name == REDIS for each in usable)
    folders = {folder.component: folder for folder in found.folders}
    wanted = [each for each in usable if each.name not in {POSTGRES, REDIS}]
    _require_layout(manifest, found, command, [each.name for each in wanted])
    require_apart([folders[each.name] for each in wanted], found.mounted)
    require_redis(
        manifest.software.authentik,
        has_redis=found.has_redis,
        with_redis=with_redis,
        has_database=has_database,
    )
    if has_database:
        _require_server(manifest, found)
    choice = Choice(
        components=tuple(usable),
        folders=tuple(folders[each.name] for each in wanted),
        database=has_database,
        sessions=sessions_after(found, with_redis=with_redis, has_database=has_database),
        image=_image(manifest, found) if has_database else found.image,
        image_digest=_digest(manifest, found) if has_database else None,
        room=found.room,
        warnings=_warnings(manifest, found, wanted) if not command.components else (),
    )
    # what is in an archive is known once it was read; it is hardly less than the archive has
    require_room_for(choice, manifest, {each.name: each.plain_size for each in wanted})
    return choice


def require_room_for(choice: Choice, manifest: Manifest, sizes: Mapping[str, int]) -> None:
    """Raises RefusedError where there is no room for it; *sizes* by component, unpacked."""
    size = manifest.database.size if choice.database and manifest.database else 0
    files = {each.source: sizes[each.component] for each in choice.folders}
    require_room(choice.room, database=size, files=files)


def fits_layout(manifest: Manifest, found: Found, command: RunRestore) -> bool:
    """Whether the stack has all the mounts, and the Redis, that Authentik had then."""
    usable = [each.name for each in _usable(manifest, command, found.single_files)]
    there = {folder.component for folder in found.folders} | {POSTGRES, REDIS}
    return there.issuperset(usable) and (
        found.has_redis or not _needs_redis(manifest.software.authentik)
    )


def _require_layout(
    manifest: Manifest, found: Found, command: RunRestore, wanted: Sequence[str]
) -> None:
    there = {folder.component for folder in found.folders}
    if missing := [name for name in wanted if name not in there]:
        other = "name other parts with --component" if command.components else _APPLY
        raise RefusedError(
            f'this stack has no folder for "{missing[0]}": the backup is of another layout of'
            f" Authentik {manifest.software.authentik or ''}",
            hint=f"{UNTOUCHED} Mount it as then, or {other}.",
        )


def _usable(
    manifest: Manifest, command: RunRestore, single_files: frozenset[str]
) -> list[Component]:
    never = NEVER_LOADED | single_files
    loadable = {each.name: each for each in manifest.components if each.name not in never}
    unknown = sorted(command.components - loadable.keys())
    if unknown:
        raise ConfigError(
            f'--component: there is no "{unknown[0]}" in the backup that can be restored',
            hint=f"There is: {', '.join(sorted(loadable))}.",
        )
    wanted: Collection[str] = command.components or loadable.keys() - {REDIS}
    usable = [each for name, each in loadable.items() if name in wanted]
    if command.with_redis and REDIS not in wanted:
        if REDIS not in loadable:
            raise ConfigError("--with-redis: the backup has no Redis", hint="Leave it out.")
        usable.append(loadable[REDIS])
    if not usable:
        raise RefusedError("there is nothing to restore in this backup", hint=UNTOUCHED)
    return usable


def require_redis(
    version: str | None, *, has_redis: bool, with_redis: bool, has_database: bool
) -> None:
    """Raises RefusedError where Authentik of that *version* lacks its Redis."""
    if has_redis:
        return
    if with_redis or (has_database and _needs_redis(version)):
        raise RefusedError(
            f"Authentik {version} needs Redis, which this stack does not have",
            hint=f"{UNTOUCHED} Add the service as it was then, and start it; of a backup,"
            f" {_APPLY}.",
        )


def _needs_redis(version: str | None) -> bool:
    family = family_of(version)
    return family is not None and family < _AUTHENTIK_WITHOUT_REDIS


def _require_server(manifest: Manifest, found: Found) -> None:
    dumped = manifest.software.postgresql or found.postgresql
    if _major(found.postgresql) < _major(dumped):
        raise RefusedError(
            f"the stack's PostgreSQL {found.postgresql} is older than the backup's {dumped},"
            " and cannot load it",
            hint=f"{UNTOUCHED} Use PostgreSQL {_major(dumped)} or newer.",
        )


def sessions_after(found: Found, *, with_redis: bool, has_database: bool) -> SessionsDo:
    """What becomes of Redis."""
    if with_redis:
        return SessionsDo.LOAD
    return SessionsDo.FLUSH if has_database and found.has_redis else SessionsDo.LEAVE


def _image(manifest: Manifest, found: Found) -> str:
    """The repository that this stack uses, with the backup's tag."""
    repository, _, tag = manifest.software.image.partition("@")[0].rpartition(":")
    if not repository or not IMAGE_TAG.fullmatch(tag):
        raise RefusedError(
            f'the backup names no tag of its image, only "{manifest.software.image[:80]}"',
            hint=f"{UNTOUCHED} Restore parts of it with --component.",
        )
    return f"{repository_of(found.image)}:{tag}"


def _digest(manifest: Manifest, found: Found) -> str | None:
    """The digest, where it is one of the repository that this stack uses."""
    same = repository_of(manifest.software.image) == repository_of(found.image)
    return manifest.software.image_digest if same else None


def repository_of(image: str) -> str:
    """Its name without tag and digest."""
    name = image.partition("@")[0]
    repository, _, tag = name.rpartition(":")
    return repository if repository and "/" not in tag else name


def _warnings(manifest: Manifest, found: Found, wanted: Sequence[Component]) -> tuple[str, ...]:
    there = {each.name for each in wanted}
    return (
        *manifest.warnings,
        *(
            f'"{folder.component}" {_why_not(folder, found)} and stays as it is'
            for folder in found.folders
            if folder.component not in there
        ),
    )


def _why_not(folder: Folder, found: Found) -> str:
    if folder.component in found.single_files:
        return "is a single file that is mounted"
    return "is not in the backup"


def family_of(version: str | None) -> tuple[int, ...] | None:
    """Year and month of a release, such as (2025, 10); None where it names none."""
    parts = (version or "").split(".")[:2]
    return tuple(int(part) for part in parts) if all(map(str.isdigit, parts)) else None


def _major(version: str) -> int:
    return int(version.partition(".")[0])
