"""Whether an update may begin: named checks over gathered facts (facts §7), each with its remedy.

A FAILURE blocks the update, a WARNING is for the person who confirms it.
"""

from collections.abc import Callable, Iterable, Sequence

from bot.domain.cut_off import cut_off_remedy, cut_off_words
from bot.domain.findings import Finding, Level, judge_service
from bot.domain.outposts import left_behind
from bot.domain.plural import count_of
from bot.domain.preflight_disks import judge_disks
from bot.domain.preflight_facts import StackState
from bot.domain.preflight_layout import judge_compose, judge_layout
from bot.domain.stack import Role
from bot.domain.update_outlook import Outlook
from bot.domain.versions import Family, Version, read_tag

_OLDEST_POSTGRESQL = 14  # facts §3: since 2024.6
_NEWEST_POSTGRESQL = 18  # facts §3, "→ 2026.5"
_MINOR = 10_000
_KNOWS_NEWEST = Family(2026, 5)
_WANTS_UTF8 = Family(2025, 8)
_NEEDS_UTF8 = Family(2026, 11)
_UNIQUE_GROUPS = Family(2025, 12)
_WITHOUT_REDIS = _MORE_CONNECTIONS = Family(2025, 10)
_SHOWN = 5
_GOOD = range(200, 300)
_GROWTH, _HEADROOM = 1.5, 0.9
# A rehearsal runs PostgreSQL, server and worker beside the live ones. What they are limited to is
# several times what they use: these are what they want for a start, and without which none begins.
_AMPLE_MEMORY, _LEAST_MEMORY = 1_500_000_000, 700_000_000
MEMORY = "memory for the rehearsal"
"""The subject of a finding that counts for nothing where nothing is rehearsed."""

Check = Callable[[StackState, Outlook], Iterable[Finding]]


def judge_preflight(state: StackState, outlook: Outlook) -> list[Finding]:
    """Every check, in the order in which a person would look."""
    return [finding for check in _CHECKS for finding in check(state, outlook)]


def enters(outlook: Outlook, family: Family) -> bool:
    """Whether the way leads into *family*, or over it."""
    return outlook.current.family < family <= outlook.target.family


def _services(state: StackState, outlook: Outlook) -> Iterable[Finding]:
    found = {
        **({Role.POSTGRESQL: state.postgresql} if state.postgresql else {}),
        Role.SERVER: state.server.container,
        Role.WORKER: state.worker.container if state.worker else None,
    }
    if state.redis and outlook.current.family < _WITHOUT_REDIS:
        found[Role.REDIS] = state.redis
    for role, container in found.items():
        finding = judge_service(role, container)
        if finding.level is Level.OK:
            yield finding
        else:
            yield Finding(role, Level.FAILURE, finding.message, finding.remedy)


def _ready(state: StackState, _: Outlook) -> Iterable[Finding]:
    """The gate wants it of the new version: what does not hold now would roll every one back."""
    if not state.server.container.running:
        return  # which is said already
    if state.ready is None:
        server = state.server.container
        remedy = "See to it that the server has an address in a network that akbot is in as well."
        if not server.address:
            remedy = (
                f'"{server.service}" has no address of its own: take its line network_mode out of'
                " the compose file, list its networks instead (networks: [default]), and then:"
                f" docker compose up -d {server.service}"
            )
        yield Finding(
            "ready",
            Level.FAILURE,
            "the server does not answer akbot at /-/health/ready/, which a new version must do",
            remedy,
        )
    elif state.ready not in _GOOD:
        yield Finding(
            "ready",
            Level.FAILURE,
            f"/-/health/ready/ of the server answers {state.ready}",
            "Wait until it is ready; its log says what it lacks.",
        )
    else:
        yield Finding("ready", Level.OK, "the server says that it is")


def _version(state: StackState, outlook: Outlook) -> Iterable[Finding]:
    """Containers, database and worker rows must name one version (facts §7 1, §5.4)."""
    current = str(outlook.current)
    worker = state.worker.version if state.worker else None
    if worker not in {None, current}:
        yield Finding(
            "version",
            Level.FAILURE,
            f"the server runs {current}, the worker {worker}",
            "Bring both to one version first: docker compose up -d",
        )
    beating = state.database.workers or ()
    if others := [each for each in beating if each != current]:
        yield Finding(
            "version",
            Level.FAILURE,
            f"a worker of {', '.join(others)} writes into the database of {current}",
            "Stop that worker, or wait two minutes after it ended.",
        )
    written = state.database.written_version
    if written not in {None, current}:
        yield Finding(
            "version",
            Level.FAILURE,
            f"{current} runs, and the newest version that was ever started on this database is"
            f" {written}: an update failed here, or an older image was put back",
            _onto_one_version(written or "", outlook.current),
        )
    else:
        yield Finding("version", Level.OK, f"{current}, in the database too")


def _onto_one_version(written: str, current: Version) -> str:
    """The ways out: forward to what the database is of, or back to a database of what runs."""
    back = f'restore a backup that {current} has made: "akbot backups" shows them'
    newer = read_tag(written)
    if newer is None or newer < current:
        return f"{back[0].upper()}{back[1:]}."
    return (
        f"If {written} shall serve, set its tag in .env, run docker compose up -d, and see that"
        f" people can log in. Else {back}."
    )


def _way(_: StackState, outlook: Outlook) -> Iterable[Finding]:
    for each in outlook.hops:
        yield Finding("image", Level.OK, f"{each.version} is {each.digest}")
        if each.hop.presumed:
            yield Finding(
                "way",
                Level.WARNING,
                f"that {each.version} may follow {each.hop.start} is presumed",
                "The image itself says it, once it was pulled.",
            )
    if outlook.hops and outlook.target.patch == 0:
        yield Finding(
            "way",
            Level.WARNING,
            f"{outlook.target} is the first of its family",
            "Wait for its first patch, if you can.",
        )
    if outlook.newer_patch:
        yield Finding(
            "way",
            Level.WARNING,
            f"{outlook.newer_patch} is newer, and of the same family",
            "Take that instead: a later patch mends what the earlier ones broke.",
        )
    for hold in outlook.holds:
        yield Finding("way", Level.WARNING, hold.words, hold.remedy)


def _postgresql(state: StackState, outlook: Outlook) -> Iterable[Finding]:
    major = state.database.server // _MINOR
    newest = _NEWEST_POSTGRESQL if outlook.target.family >= _KNOWS_NEWEST else major
    if not _OLDEST_POSTGRESQL <= major <= newest:
        yield Finding(
            "database server",
            Level.FAILURE,
            f"it is PostgreSQL {major}; Authentik {outlook.target} wants"
            f" {_OLDEST_POSTGRESQL} to {_NEWEST_POSTGRESQL}",
            "Move the database to another version first, by dump and restore: see RUNBOOK.md.",
        )
    else:
        yield Finding("database server", Level.OK, f"PostgreSQL {major}")
    if state.database.encoding != "UTF8" and outlook.target.family >= _WANTS_UTF8:
        blocks = outlook.target.family >= _NEEDS_UTF8
        yield Finding(
            "encoding",
            Level.FAILURE if blocks else Level.WARNING,
            f"the database's encoding is {state.database.encoding};"
            f" from {_NEEDS_UTF8} on Authentik starts on UTF8 only",
            "Dump it, and load it into a database with the encoding UTF8.",
        )


def _quiet(state: StackState, _: Outlook) -> Iterable[Finding]:
    """Nobody else may be at work in the database (facts §5.1, §7 5)."""
    database = state.database
    if database.migrating:
        yield Finding(
            "migrations",
            Level.FAILURE,
            "somebody holds Authentik's lock for migrations",
            "Wait until that start or update is over.",
        )
    if database.idle:
        yield Finding(
            "transactions",
            Level.FAILURE,
            f"left open for minutes: {count_of(database.idle, 'transaction')}",
            "End what is left open: a migration would wait for it for ever.",
        )
    if not database.migrating and not database.idle:
        yield Finding("migrations", Level.OK, "nobody migrates, no transaction was left open")


def _groups(state: StackState, outlook: Outlook) -> Iterable[Finding]:
    if not enters(outlook, _UNIQUE_GROUPS):
        return
    names = state.database.duplicate_groups
    if not names:
        yield Finding("groups", Level.OK, "no two have the same name")
        return
    shown = ", ".join(f'"{name}"' for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    yield Finding(
        "groups",
        Level.FAILURE,
        f"several groups are called {shown}{more}: {_UNIQUE_GROUPS} does not migrate then",
        "Rename them in Authentik.",
    )


def _connections(state: StackState, outlook: Outlook) -> Iterable[Finding]:
    database = state.database
    expected = database.connections * _GROWTH
    if enters(outlook, _MORE_CONNECTIONS) and expected > database.max_connections * _HEADROOM:
        yield Finding(
            "connections",
            Level.WARNING,
            f"{database.connections} of {database.max_connections} are in use, and"
            f" {_MORE_CONNECTIONS} needs half as many more",
            "Raise max_connections of PostgreSQL.",
        )


def _memory(state: StackState, _: Outlook) -> Iterable[Finding]:
    """Room for a second server and worker, which must not push the live ones out."""
    if state.memory is None:
        yield Finding(
            MEMORY,
            Level.WARNING,
            "nobody can tell from here how much is free",
            f"See to it that {_AMPLE_MEMORY / 1e9:.1f} GB are.",
        )
        return
    words = f"{state.memory / 1e9:.1f} GB free"
    if state.memory >= _AMPLE_MEMORY:
        yield Finding(MEMORY, Level.OK, words)
        return
    enough = state.memory >= _LEAST_MEMORY
    yield Finding(
        MEMORY,
        Level.WARNING if enough else Level.FAILURE,
        f"{words}, server, worker and database of a copy want {_AMPLE_MEMORY / 1e9:.1f} GB",
        "Stop something else for that time, or update with --no-rehearsal.",
    )


def _outposts(state: StackState, outlook: Outlook) -> Iterable[Finding]:
    for each in left_behind(state.compose.outposts, str(outlook.target)):
        yield Finding(
            "outposts",
            Level.WARNING,
            f'"{each.service}" does not go along to {outlook.target}: whatever the tag in .env is,'
            f" its line in the compose file says {each.image or 'no image'}",
            "Let that line end in :${AUTHENTIK_TAG}, as the server's does; or move it yourself"
            " afterwards.",
        )
    names: Sequence[str] = state.database.outposts
    if names:
        shown = ", ".join(f'"{name}"' for name in names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield Finding(
            "outposts",
            Level.WARNING,
            f"{shown}{more} must run the same version",
            "Those that Docker manages follow the worker; move the others yourself.",
        )


def _guests(state: StackState, _: Outlook) -> Iterable[Finding]:
    """A network goes with its container: who lives in it has none afterwards, and nobody sees."""
    for name in state.guests:
        yield Finding(
            "network",
            Level.FAILURE,
            cut_off_words(name),
            cut_off_remedy(name, "the update holds"),
        )


def _layout(state: StackState, outlook: Outlook) -> Iterable[Finding]:
    yield from judge_compose(state)
    yield from judge_layout(state, outlook.current.family, outlook.target.family)


_CHECKS: tuple[Check, ...] = (
    *(_services, _ready, _version, _way, _postgresql, _quiet, _groups),
    *(_layout, _guests, _connections, judge_disks, _memory, _outposts),
)
