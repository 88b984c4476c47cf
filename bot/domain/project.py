"""A stack's project folder as a backup's `config` component has it, made fit for another place.

What the archive holds is untrusted in its form even where its signature is good: nothing in it may
be written outside of the folder that it is meant for.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.config_diff import MOST_BYTES
from bot.domain.env_text import names_in, value_in, with_setting, without_value
from bot.domain.errors import IntegrityError, RefusedError
from bot.domain.signature import PublicKey
from bot.domain.tar_sieve import OWN

ENV = ".env"
OWN_SETTINGS = "akbot.env"
PLACE = "AKBOT_PROJECT_DIR"
_TRUSTED = "AKBOT_TRUSTED_KEYS"
_NAME = "COMPOSE_PROJECT_NAME"
_TAG = "AUTHENTIK_TAG"
_PRIVATE = 0o600
_PATH = re.compile(r"/[A-Za-z0-9._@%+=/-]+")
_COMPOSE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_FOUND_ALONE = (
    ("compose.yaml", "compose.override.yaml"),
    ("compose.yml", "compose.override.yml"),
    ("docker-compose.yml", "docker-compose.override.yml"),
    ("docker-compose.yaml", "docker-compose.override.yaml"),
)


@dataclass(frozen=True)
class ProjectFile:
    """A file of the folder; *name* is relative to it, *mode* its permissions."""

    name: str
    content: bytes = field(repr=False)
    mode: int
    owner: int
    group: int

    @property
    def fingerprint(self) -> str:
        """What it is known by again; the tag in it is a restore's own to change."""
        return hashlib.sha256(without_value(self.content, _TAG)).hexdigest()


@dataclass(frozen=True)
class Project:
    """*compose_files* and *env_files* in the order in which Compose is given them.

    *env_files* is empty where Compose finds `.env` by itself. *changes* says what is not as it was.
    """

    place: str
    files: tuple[ProjectFile, ...]
    compose_files: tuple[str, ...]
    env_files: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    def content(self, name: str) -> bytes:
        """What is in a file, nothing where there is no such file."""
        return next((each.content for each in self.files if each.name == name), b"")

    @property
    def settings_file(self) -> str:
        """The file that Compose takes values from."""
        return self.env_files[-1] if self.env_files else ENV

    @property
    def command(self) -> str:
        """How a person calls Compose in the folder."""
        words = ["docker compose"]
        if not self.env_files and value_in(self.content(ENV), "COMPOSE_FILE"):
            return words[0]
        if self.env_files or not any(
            self.compose_files == found[: len(self.compose_files)] for found in _FOUND_ALONE
        ):
            words += [f"-f {name}" for name in self.compose_files]
        return " ".join([*words, *(f"--env-file {name}" for name in self.env_files)])


def is_plain_path(path: str) -> bool:
    """Whether *path* means the same to Compose, to an env file and to a shell."""
    return _PATH.fullmatch(path) is not None and "//" not in path and not path.endswith("/")


def read_project(packed: bytes, place: str) -> Project:
    """The files of a `config` component, to be laid into the folder *place*.

    Raises:
        IntegrityError: it is none, or would write elsewhere.
        RefusedError: there is no compose file in it.
    """
    if len(packed) > MOST_BYTES:
        raise IntegrityError("the configuration in the backup is implausibly large")
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
            files = [_file(archive, member) for member in archive]
    except tarfile.TarError as error:
        raise IntegrityError(f"read the configuration in the backup: {error}") from error
    _require_apart([each.name for each in files])
    names = [each.name for each in files if each.name != OWN_SETTINGS]
    compose = tuple(name for name in names if name.endswith((".yml", ".yaml")))
    if not compose:
        raise RefusedError(
            "there is no compose file in the backup", hint="Follow deploy/RUNBOOK.md instead."
        )
    given = [name for name in names if name not in compose]
    if given[-1:] == [ENV]:  # packed last where Compose was not told of it
        given.pop()
    return Project(place, tuple(files), compose, tuple(given))


def _file(archive: tarfile.TarFile, member: tarfile.TarInfo) -> ProjectFile:
    name = member.name
    parts = name.split("/")
    content = archive.extractfile(member) if member.isreg() and not member.issparse() else None
    if content is None or any(part in {"", ".", ".."} for part in parts) or not name.isprintable():
        raise IntegrityError(f"the configuration in the backup leads elsewhere: {name[:80]!a}")
    if any(part.startswith(OWN) for part in parts):
        raise IntegrityError(f"the configuration in the backup has akbot's own {name[:80]!a}")
    private = name.endswith(".env") or parts[-1].startswith(ENV)
    mode = _PRIVATE if private else member.mode & 0o777
    return ProjectFile(name, content.read(), mode, member.uid, member.gid)


def _require_apart(names: Sequence[str]) -> None:
    """No name twice, and none that is the folder of another."""
    folders = {name[:at] for name in names for at, sign in enumerate(name) if sign == "/"}
    if len(set(names)) != len(names) or folders & set(names):
        raise IntegrityError("the configuration in the backup has one name twice")


def move_project(project: Project) -> Project:
    """Let all that names the folder where it was name the place where it is to be."""
    settings = project.settings_file
    was = value_in(project.content(settings), PLACE) or ""
    if is_plain_path(was.rstrip("/")) and was.rstrip("/") != project.place:
        project = _replace_path(project, was.rstrip("/"))
    named = any(PLACE.encode() in project.content(name) for name in project.compose_files)
    now = value_in(project.content(settings), PLACE)
    if (named or now is not None) and now != project.place:
        project = _set(project, settings, PLACE, project.place)
    return project


def _replace_path(project: Project, was: str) -> Project:
    parts = rb"(?<![A-Za-z0-9._-])", re.escape(was.encode()), rb"(?![A-Za-z0-9._@%+=-])"
    old = re.compile(b"".join(parts))
    changes: list[str] = []
    files: list[ProjectFile] = []
    for file in project.files:
        content, count = old.subn(project.place.encode(), file.content)
        if count:
            often = f" {count} times" if count > 1 else ""
            changes.append(f"{file.name}: {was} becomes {project.place}{often}")
        files.append(replace(file, content=content))
    return replace(project, files=tuple(files), changes=(*project.changes, *changes))


def name_project(project: Project, name: str, stack: str) -> Project:
    """See to it that backups go on in the folder *stack* of the store.

    *name* is what Compose would call the project in its new place; volumes and networks are called
    after it, too.
    """
    if name == stack or value_in(project.content(OWN_SETTINGS), "AKBOT_STACK"):
        return project
    if _COMPOSE_NAME.fullmatch(stack):
        return _set(project, project.settings_file, _NAME, stack)
    return _set(project, OWN_SETTINGS, "AKBOT_STACK", stack)


def trust_signer(project: Project, signer: PublicKey) -> Project:
    """Let what the old host has signed go on counting on the new one, which has its own key."""
    text = project.content(OWN_SETTINGS)
    known = [each for each in re.split(r"[,\s]+", value_in(text, _TRUSTED) or "") if each]
    if signer in known:
        return project
    if f"{_TRUSTED}_FILE" in names_in(text):
        words = f"{OWN_SETTINGS}: add {signer} to the file that {_TRUSTED}_FILE names"
        return replace(project, changes=(*project.changes, words))
    return _set(project, OWN_SETTINGS, _TRUSTED, ",".join([*known, signer]))


def private_file(project: Project, name: str, content: bytes) -> ProjectFile:
    """One more file of the folder, for the eyes of its owner alone."""
    first = project.files[0]
    return ProjectFile(name, content, _PRIVATE, first.owner, first.group)


def _set(project: Project, file: str, name: str, value: str) -> Project:
    was = value_in(project.content(file), name)
    content = with_setting(project.content(file), name, value)
    laid = next((each for each in project.files if each.name == file), None)
    new = replace(laid, content=content) if laid else private_file(project, file, content)
    others: Iterable[ProjectFile] = (each for each in project.files if each.name != file)
    words = f"{file}: {name} becomes {value}" if was else f"{file}: {name} is set to {value}"
    return replace(project, files=(*others, new), changes=(*project.changes, words))
