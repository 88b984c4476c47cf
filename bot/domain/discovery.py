"""Which containers are the stack: by Compose's labels, and by the settings where those are many."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.errors import ConfigError
from bot.domain.redis_content import Held, held_in_redis
from bot.domain.replicas import service_of
from bot.domain.stack import Role

REQUIRED = (Role.POSTGRESQL, Role.SERVER)
_REQUIRED_WITHOUT_DATABASE = (Role.SERVER, Role.WORKER)  # "server" alone is a name of many
_LEFT_BY: Mapping[Role, tuple[Role, ...]] = {  # what still tells a stack that lacks that one
    Role.SERVER: (Role.POSTGRESQL,),
    Role.POSTGRESQL: (Role.SERVER, Role.WORKER),
}
_MAY_GO = frozenset({Role.REDIS})  # an update removes it for good


@dataclass(frozen=True)
class Found:
    """A container that Compose made; *number* tells it apart from others of its service.

    *image* is "" where nobody asked for its name.
    """

    id: str
    project: str
    service: str
    number: str = ""
    image: str = ""


@dataclass(frozen=True)
class StackWanted:
    """What the settings say: *project* "" for any; *services* the names that each role may have.

    A role in *named* was named by a person: then it must exist. *database_host* is where a person
    said that the database is, outside of the project; "" for where it is found.
    """

    project: str
    services: Mapping[Role, Sequence[str]]
    named: frozenset[Role] = frozenset()
    database_host: str = ""


@dataclass(frozen=True)
class Chosen:
    """The project, and the container of each role that it has.

    *database_host* is where its database is, "" where it is one of them.
    """

    project: str
    ids: Mapping[Role, str]
    database_host: str = ""


@dataclass(frozen=True)
class Headless:
    """A project with Authentik in it and no PostgreSQL by a name that it may have.

    *server* is the server's container, *others* are those beside it.
    """

    project: str
    server: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class Neighbour:
    """A container beside the server: its *service*, and the *names* that it answers to there.

    One that *is_foreign* shares a network with the server, and belongs to another project or none.
    """

    service: str
    names: frozenset[str]
    is_postgresql: bool
    is_foreign: bool = False


def watched_services(
    found: Sequence[Found],
    wanted: StackWanted,
    project: str,
    known: Mapping[Role, str],
    *,
    has_database: bool = True,
) -> tuple[str, dict[Role, str]]:
    """The project, also where containers of it are missing, and the services it has or had.

    *project* and *known* are what was found before, "" and nothing at first. A PostgreSQL is missed
    only where the project *has_database*, a Redis where it is known and the server may need it.
    Raises ConfigError where nothing looks like Authentik, or several projects do.
    """
    projects: dict[str, list[Found]] = {}
    for each in found:
        projects.setdefault(each.project, []).append(each)
    project = wanted.project or project or _likely(projects, wanted)
    members = {each.service for each in projects.get(project, ())}
    services: dict[Role, str] = {}
    for role, names in wanted.services.items():
        present = next((name for name in names if name in members), known.get(role))
        if role is Role.POSTGRESQL and not has_database:
            continue
        may_be_gone = role in _MAY_GO and role not in wanted.named and present not in members
        if may_be_gone and (not present or _is_without_redis(projects.get(project, ()), wanted)):
            continue
        services[role] = present or names[0]
    return project, services


def lasting(known: Mapping[Role, str], here: Collection[str]) -> dict[Role, str]:
    """Without those that are not *here*, and may be away for good."""
    return {role: name for role, name in known.items() if name in here or role not in _MAY_GO}


def recalled(wanted: StackWanted, watched: Collection[str]) -> dict[Role, str]:
    """What is known of the stack where it is known that services or replicas were *watched*."""
    services = {service_of(each, names) for names in wanted.services.values() for each in watched}
    known = {
        role: next((name for name in names if name in services), "")
        for role, names in wanted.services.items()
    }
    return {role: name for role, name in known.items() if name}


def _is_without_redis(members: Sequence[Found], wanted: StackWanted) -> bool:
    """Whether the server's image is known to be of a version that needs none."""
    server = _of_role(members, wanted, Role.SERVER)
    image = next((each.image for each in members if each.id == server), "")
    return held_in_redis(image.partition("@")[0].rpartition(":")[2]) is Held.NOTHING


def _likely(projects: Mapping[str, Sequence[Found]], wanted: StackWanted) -> str:
    likely = [
        name
        for name, members in projects.items()
        if _fits(members, wanted) or _of_role(members, wanted, Role.WORKER)
    ]
    if len(likely) > 1:
        raise _several(likely)
    if not likely:
        _refuse(projects, wanted)
    return likely[0]


def choose_containers(found: Sequence[Found], wanted: StackWanted) -> Chosen:
    """Find the one project that has Authentik's services.

    Its PostgreSQL is none of them where *wanted* says that the database is outside.

    Raises:
        ConfigError: there is none, or several, or a service that a setting names is not in it.
    """
    projects: dict[str, list[Found]] = {}
    for each in found:
        projects.setdefault(each.project, []).append(each)
    if wanted.project:
        if wanted.project not in projects:
            raise ConfigError(
                f'AKBOT_PROJECT: Docker has no containers of a project "{wanted.project}"',
                hint=f"It has: {', '.join(sorted(projects)) or 'none at all'}."
                ' Start the stack with "docker compose up -d".',
            )
        return _in_project(wanted.project, projects[wanted.project], wanted)
    fitting = [name for name, members in projects.items() if _fits(members, wanted)]
    if len(fitting) > 1:
        raise _several(fitting)
    if not fitting:
        return _refuse(projects, wanted)
    return _in_project(fitting[0], projects[fitting[0]], wanted)


def without_database(found: Sequence[Found], wanted: StackWanted) -> Headless | None:
    """The one project that has server and worker but no PostgreSQL by a name that it may have."""
    projects: dict[str, list[Found]] = {}
    for each in found:
        if wanted.project in {"", each.project}:
            projects.setdefault(each.project, []).append(each)
    headless = [
        Headless(name, server, tuple(each.id for each in members if each.id != server))
        for name, members in projects.items()
        if (server := _of_role(members, wanted, Role.SERVER))
        and _of_role(members, wanted, Role.WORKER)
        and not _of_role(members, wanted, Role.POSTGRESQL)
    ]
    return headless[0] if len(headless) == 1 else None


def is_postgresql(image: str, variables: Mapping[str, str]) -> bool:
    """Whether a container is one, by its *image*'s name or what the official one sets."""
    return "postgres" in image or "PG_MAJOR" in variables


def judge_database_host(
    stack: Headless,
    host: str,
    neighbours: Sequence[Neighbour],
    wanted: StackWanted,
    earlier: ConfigError,
) -> str:
    """Where the database is outside of the project, by the server's own setting of its *host*.

    Raises ConfigError where it is not: the *earlier* one, or what that setting adds to it.
    """
    if not host or Role.POSTGRESQL in wanted.named or host in wanted.services[Role.POSTGRESQL]:
        raise earlier
    if "://" in host:  # Authentik reads it from a file, or from another variable
        raise earlier
    there = [each for each in neighbours if host in each.names]
    ours = [each for each in there if not each.is_foreign]
    database = next((each.service for each in ours if each.is_postgresql), "")
    if database:
        raise ConfigError(
            f'AKBOT_SERVICE_POSTGRESQL: the database of project "{stack.project}" is its'
            f' service "{database}"',
            hint=f"Set AKBOT_SERVICE_POSTGRESQL={database}.",
        )
    if ours or not (there or _may_be_elsewhere(host)):
        raise ConfigError(
            str(earlier),
            hint=f'{earlier.hint} The server of "{stack.project}" looks for it at "{host}"; if its'
            " service has another name, set AKBOT_SERVICE_POSTGRESQL; if it is outside of the"
            f" project, set AKBOT_DATABASE_HOST={host}.",
        ) from earlier
    return host


def _may_be_elsewhere(host: str) -> bool:
    """A domain or an address; of a single word it may be that its container was removed."""
    return "." in host or ":" in host


def _several(projects: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"several projects look like Authentik: {', '.join(sorted(projects))}",
        hint="Name yours in AKBOT_PROJECT.",
    )


def _fits(members: Sequence[Found], wanted: StackWanted) -> bool:
    return all(_of_role(members, wanted, role) for role in _required(wanted))


def _required(wanted: StackWanted) -> tuple[Role, ...]:
    return _REQUIRED_WITHOUT_DATABASE if wanted.database_host else REQUIRED


def _of_role(members: Sequence[Found], wanted: StackWanted, role: Role) -> str | None:
    by_service = {each.service: each.id for each in members}
    return next((by_service[name] for name in wanted.services[role] if name in by_service), None)


def _in_project(project: str, members: Sequence[Found], wanted: StackWanted) -> Chosen:
    ids: dict[Role, str] = {}
    roles = [each for each in Role if each is not Role.POSTGRESQL or not wanted.database_host]
    for role in roles:
        container = _of_role(members, wanted, role)
        if container:
            ids[role] = container
        elif role in wanted.named:
            raise _no_service(project, members, wanted, role)
        elif role in _required(wanted):
            raise _removed(project, members, wanted, role)
    _require_distinct(ids, wanted)
    return Chosen(project, ids, wanted.database_host)


def _require_distinct(ids: Mapping[Role, str], wanted: StackWanted) -> None:
    """One service cannot be two: what is dumped or stopped as the one would be the other."""
    for role in wanted.named:
        twin = next((each for each in ids if each is not role and ids[each] == ids.get(role)), None)
        if twin:
            raise ConfigError(
                f"AKBOT_SERVICE_{role.upper()}: this service is the stack's {twin} already",
                hint=f"Name another one, or set AKBOT_SERVICE_{twin.upper()} as well.",
            )


def _no_service(
    project: str, members: Sequence[Found], wanted: StackWanted, role: Role
) -> ConfigError:
    names = '" or "'.join(wanted.services[role])
    has = ", ".join(sorted({each.service for each in members}))
    return ConfigError(
        f'AKBOT_SERVICE_{role.upper()}: project "{project}" has no service "{names}"',
        hint=f'It has: {has}. If its container was removed, "docker compose up -d" makes it again.',
    )


def _removed(
    project: str, members: Sequence[Found], wanted: StackWanted, role: Role
) -> ConfigError:
    """What a person does in panic, as a rule: what the containers held is still there."""
    here, again = sorted({each.service for each in members}), "docker compose create --no-recreate"
    mend = f'Make what is missing again, in its folder, with "{again}", then go on'
    if role is Role.POSTGRESQL:
        mend = (
            'Start it again, in its folder, with "docker compose up -d --no-recreate'
            f' {wanted.services[role][0]}"; where its data are gone as well, begin on an empty host'
            ' with deploy/bootstrap ("akbot restore --bootstrap")'
        )
    names = '" or "'.join(wanted.services[role])
    return ConfigError(
        f'project "{project}" has no container of "{names}", only of {", ".join(here)}',
        hint=f"Nothing was changed. {mend}. If its service has another name, set"
        f" AKBOT_SERVICE_{role.upper()}.",
    )


def _refuse(projects: Mapping[str, Sequence[Found]], wanted: StackWanted) -> Chosen:
    for role in Role:  # a name that a person gave tells more than "no stack"
        if role is Role.POSTGRESQL and wanted.database_host:
            continue
        if role in wanted.named and len(projects) == 1:
            project, members = next(iter(projects.items()))
            if not _of_role(members, wanted, role):
                raise _no_service(project, members, wanted, role)
    parts = [
        (name, role)
        for name, members in projects.items()
        for role, others in _LEFT_BY.items()
        if all(_of_role(members, wanted, other) for other in others)
    ]
    if len(parts) == 1 and not (wanted.database_host and parts[0][1] is Role.POSTGRESQL):
        name, role = parts[0]
        raise _removed(name, projects[name], wanted, role)
    raise ConfigError(
        "Docker has no containers that look like Authentik",
        hint='Start the stack with "docker compose up -d", or name it in AKBOT_PROJECT.',
    )
