"""A restore on an empty host: what is written down before anything is laid, and what refuses it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import LATEST, BackupRecord, BackupState
from bot.domain.components import CONFIG, POSTGRES, REDIS
from bot.domain.env_text import names_in
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.jobs import Job, JobState
from bot.domain.layout import Layout
from bot.domain.manifest import Manifest
from bot.domain.project import OWN_SETTINGS, Project
from bot.domain.restore import Site
from bot.domain.restore_choice import choose_to_restore, is_safety
from bot.domain.stack import Role

BOOTSTRAP = "bootstrap"
"""Fact of a job: what it was about to lay onto the host, as JSON."""
TOLD_DONE = "told done"
"""Fact of a job: the bot of the new host was told that the restore is done."""
UNTOUCHED = "Nothing was changed."
_MOST_NAMED = 5
_EMPTY_ONE = "Use an empty folder: --project-dir FOLDER."


@dataclass(frozen=True)
class Laid:
    """What a bootstrap takes for itself.

    *files* are the project's, with their fingerprints; *folders* those that the stack writes to.
    """

    stack: str
    backup: str
    files: Mapping[str, str]
    folders: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BootstrapPreview:
    """All that a person decides on."""

    manifest: Manifest
    project: Project
    layout: Layout
    warnings: tuple[str, ...] = field(default=())


_ADAPTER = TypeAdapter(Laid)


def encode_laid(laid: Laid) -> str:
    """For the journal."""
    return _ADAPTER.dump_json(laid).decode()


def laid_of(job: Job | None) -> Laid | None:
    """What *job* was about to lay; None where it had not come so far."""
    return _ADAPTER.validate_json(job.plan[BOOTSTRAP]) if job and BOOTSTRAP in job.plan else None


def last_bootstrap(jobs: Sequence[Job]) -> Job | None:
    """The newest of *jobs*, newest first, that has laid anything."""
    return next((job for job in jobs if BOOTSTRAP in job.plan), None)


def require_settled(job: Job | None) -> None:
    """Refuse to go over what an earlier one has started and people may have written to.

    Raises:
        RefusedError: it is not settled.
    """
    if job and job.state is not JobState.RUNNING and not job.swept:
        raise RefusedError(
            f"an earlier bootstrap is not settled: {job.message}",
            hint="Look at the containers' logs, and run the same command again.",
        )


def choose_stack(found: Sequence[str], wanted: str) -> str:
    """The stack's folder in the store.

    Raises:
        ConfigError: it is not said which of several, or there is none of that name.
    """
    if wanted and wanted in found:
        return wanted
    if not found:
        raise ConfigError("--from: there is no backup in this store", hint="Look at its prefix.")
    if wanted or len(found) > 1:
        what = f'has none of "{wanted}"' if wanted else "has backups of several stacks"
        raise ConfigError(
            f"--from: the store {what}; it has {', '.join(found)}",
            hint="Name one with --stack or in AKBOT_STACK.",
        )
    return found[0]


def doubtful_newer(records: Sequence[BackupRecord], chosen: BackupRecord) -> tuple[str, ...]:
    """What is newer than *chosen* and signed by nobody who is trusted, in sentences.

    It may be of a host that was itself restored, and has made a key of its own.
    """
    return tuple(
        f"backup {each.id} is newer, but not trusted: {each.reason}"
        for each in records
        if each.state is BackupState.NOT_TRUSTED and each.id > chosen.id
    )


def choose_here(records: Sequence[BackupRecord], wanted: str) -> BackupRecord:
    """As on a live stack, but where no other command shows which there are.

    Raises:
        RefusedError: there is none, or several; its hint names the newest.
    """
    try:
        return choose_to_restore(records, wanted)
    except RefusedError as error:
        hint = f"The newest there: {', '.join(map(_named, records[:_MOST_NAMED]))}."
        raise RefusedError(str(error), hint=f"{UNTOUCHED} {hint}") from error


def _named(record: BackupRecord) -> str:
    state = f" ({record.state})" if record.state is not BackupState.GOOD else ""
    return f"{record.id}{' (safety)' if is_safety(record) else state}"


def choose_backup(wanted: str, earlier: Laid | None) -> str:
    """The one that was begun is gone on with.

    Raises:
        RefusedError: another one was asked for.
    """
    if earlier is None:
        return wanted
    if wanted != LATEST and not earlier.backup.startswith(wanted):
        raise RefusedError(
            f"a bootstrap of backup {earlier.backup} was begun here",
            hint=f'{UNTOUCHED} Go on with "latest", or begin anew: remove its containers, the'
            " folders that they write to, and all in this one.",
        )
    return earlier.backup


def begun_words(backup: str) -> str:
    """Why the new host's bot is held back, in words that stay true wherever it is cut off."""
    return (
        f"a restore of backup {backup} was begun on this new host, the same command goes on until"
        " it is done, and the old host may still live"
    )


def restored_words(backup: str) -> str:
    """Likewise once it is done."""
    return f"backup {backup} was restored on a new host, and the old may still live"


def require_whole(manifest: Manifest, *, with_redis: bool) -> None:
    """Refuse what cannot make a stack: an Authentik without its database would be an empty one.

    Raises:
        RefusedError: it names the part that is missing.
    """
    needed = {POSTGRES: "database", CONFIG: "compose files and settings"}
    needed |= {REDIS: "Redis"} if with_redis else {}
    missing = [words for name, words in needed.items() if manifest.component(name) is None]
    if missing:
        raise RefusedError(
            f"backup {manifest.id} has no {missing[0]}",
            hint=f"{UNTOUCHED} Use another one, or follow deploy/RUNBOOK.md.",
        )


def require_empty(
    there: Mapping[str, str], project: Project, layout: Layout, earlier: Laid | None
) -> None:
    """Refuse a project folder that holds anything but what an earlier try has laid there.

    Raises:
        RefusedError: it names what is in the way.
    """
    folders = [*(each.source for each in layout.folders), *(earlier.folders if earlier else ())]
    ours = [f"{each}/".removeprefix(f"{project.place}/") for each in folders]
    for name, fingerprint in sorted(there.items()):
        if earlier and any(name.startswith(each) for each in ours if not each.startswith("/")):
            continue
        if earlier is None or name not in earlier.files:
            raise RefusedError(
                f'"{project.place}" is not empty: "{name}" is in it',
                hint=f"{UNTOUCHED} {_EMPTY_ONE}",
            )
        if fingerprint != earlier.files[name]:
            raise RefusedError(
                f'"{project.place}/{name}" is not as the bootstrap before has written it',
                hint=f"{UNTOUCHED} Remove that file, or use an empty folder.",
            )


def require_no_containers(found: Sequence[str], project: str, earlier: Laid | None) -> None:
    """Refuse where the stack's containers exist. Raises RefusedError naming one."""
    if found and earlier is None:
        raise RefusedError(
            f'this host is not empty: there is a container "{found[0]}" of "{project}"',
            hint=f'{UNTOUCHED} On a live stack "akbot restore" is the command.',
        )


def require_unoccupied(found: Sequence[str], earlier: Laid | None) -> None:
    """Refuse to go over somebody's data. Raises RefusedError naming the folder."""
    strange = [each for each in found if earlier is None or each not in earlier.folders]
    if strange:
        raise RefusedError(
            f'"{strange[0]}" is not empty, and the stack would write to it',
            hint=f"{UNTOUCHED} Move that away; data is never written over.",
        )


def site_of(project: Project, layout: Layout) -> Site:
    """The stack as Compose must be told of it, before any of it exists."""
    place, services = project.place, layout.services
    return Site(
        project=layout.name,
        postgresql=services[Role.POSTGRESQL],
        server=services[Role.SERVER],
        worker=services.get(Role.WORKER),
        redis=services.get(Role.REDIS),
        working_dir=place,
        config_files=tuple(f"{place}/{name}" for name in project.compose_files),
        env_files=tuple(f"{place}/{name}" for name in project.env_files),
        database="",
        user="",
        image="",
        version=None,
    )


def laid_by(project: Project, layout: Layout, stack: str, backup: BackupId) -> Laid:
    """What will be laid, to be known again."""
    return Laid(
        stack,
        backup,
        {each.name: each.fingerprint for each in project.files},
        tuple(each.source for each in layout.folders),
    )


def warnings_of(project: Project, layout: Layout) -> list[str]:
    """What the host's own akbot will lack, in sentences."""
    own = names_in(project.content(OWN_SETTINGS))
    found: list[str] = []
    if not own.get("AKBOT_STORE") and not own.get("AKBOT_STORE_FILE"):
        found.append(
            f"{OWN_SETTINGS} names no AKBOT_STORE: new backups go into the state folder, on this"
            " host alone"
        )
    if named := own.get("AKBOT_IDENTITY_FILE"):
        found.append(f"AKBOT_IDENTITY_FILE names {named}: put the private key there")
    if layout.state is None:
        found.append(
            "the bot is no service of this stack, so that none gets a key: see to it before one"
            " beside it (deploy/compose.bot.yml) starts"
        )
    return found
