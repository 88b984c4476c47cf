"""Whether containers are laid out as a family wants them (facts §3, §7 7)."""

from collections.abc import Iterable

from bot.domain.drift import Drift
from bot.domain.findings import Finding, Level
from bot.domain.preflight_facts import ServiceState, StackState
from bot.domain.versions import Family

_SHARED_MEMORY = 512 * 1024 * 1024
_SECRETS = ("AUTHENTIK_SECRET_KEY", "AUTHENTIK_POSTGRESQL__PASSWORD")
_SESSIONS_MOVE = Family(2025, 4)
_WITHOUT_REDIS = Family(2025, 10)
_DATA = Family(2025, 12)
_SHARED = Family(2026, 2)
_LISTENS_ON_IPV6 = Family(2026, 5)
_PROXIES = Family(2026, 8)
_BASE_URL = Family(2026, 11)
_REDIS, _CIDRS = "AUTHENTIK_REDIS__HOST", "AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS"
_URL = "AUTHENTIK_WEB__BASE_URL"
_LISTEN = {
    f"AUTHENTIK_LISTEN__{name}": f"0.0.0.0:{port}"
    for name, port in (("HTTP", 9000), ("HTTPS", 9443), ("METRICS", 9300))
}
_SUBJECT = "compose"
_APPLY = "akbot update --apply-compose"
_TAG_BACK = (
    "Set the tag back to the version that runs, and try again: docker compose up -d would change"
    " the version with no backup before it and no way back."
)
_OTHER_IMAGE = "Set its image back, or make a backup first, and then: docker compose up -d"
_IN_STEP = "Bring them in step first: docker compose up -d"


def mended_by_compose(finding: Finding) -> bool:
    """Whether a change of the compose files, as akbot makes it, takes what was found away."""
    return _APPLY in finding.remedy


def judge_compose(state: StackState) -> Iterable[Finding]:
    """Whether the files are those that the containers were made from, and can be changed."""
    compose = state.compose
    if compose.trouble:
        yield Finding(
            _SUBJECT,
            Level.FAILURE,
            f"whether the file is what runs cannot be told: {compose.trouble}",
            'See to it that "docker compose config" works where akbot runs.',
        )
    yield from _drift(state)
    if not compose.trouble and not compose.drift:
        yield Finding(_SUBJECT, Level.OK, "the containers are those of the file")
    if compose.refusal:
        yield Finding(_SUBJECT, Level.WARNING, compose.refusal, compose.by_hand)
    for words in compose.left:
        yield Finding(_SUBJECT, Level.WARNING, words)


def _drift(state: StackState) -> Iterable[Finding]:
    """Nobody is sent to `docker compose up -d` while it would be an update without a way back."""
    authentik = {each.container.service for each in state.services}
    moved = {
        each for each in state.compose.drift if each.service in authentik and each.has_another_image
    }
    after = ", once the tag is set back" if moved else ""
    for each in state.compose.drift:
        if each.profiles:
            yield _turned_off(each)
            continue
        what = f": {', '.join(each.what)}" if each.what else ""
        remedy = _OTHER_IMAGE if each.has_another_image else _IN_STEP
        yield Finding(
            _SUBJECT,
            Level.FAILURE,
            f"the file was edited since {each.container} was created{what}",
            _TAG_BACK if each in moved else f"{remedy}{after}",
        )


def _turned_off(drift: Drift) -> Finding:
    """A profile that stands on a person's command line alone is known to nobody else."""
    names = " or ".join(f'"{name}"' for name in drift.profiles)
    return Finding(
        _SUBJECT,
        Level.FAILURE,
        f'"{drift.service}" is of the profile {names}, which was named on the command line alone:'
        " Compose leaves it out otherwise",
        f"Write COMPOSE_PROFILES={drift.profiles[0]} into .env, beside those that stand there.",
    )


def judge_layout(state: StackState, current: Family, target: Family) -> Iterable[Finding]:
    """What the way from *current* to *target* wants of the containers, as far as it is not so."""
    yield from _secrets(state)
    if current < _SESSIONS_MOVE <= target:
        yield _redis_runs(state)
    if current < _LISTENS_ON_IPV6 <= target and state.ipv6 is False:
        yield from _listens(state)
    if current < target:
        yield from _wants(state, target)


def _secrets(state: StackState) -> Iterable[Finding]:
    """Without them no container starts, and another key logs everybody out (facts §4)."""
    for service in state.services:
        for name in _SECRETS:
            if name not in service.settings and f"{name}_FILE" not in service.settings:
                yield Finding(
                    "secrets",
                    Level.FAILURE,
                    f"{service.container.service} has no {name}",
                    "Give it to server and worker alike, by .env or environment.",
                )


def _redis_runs(state: StackState) -> Finding:
    if state.redis and state.redis.running:
        return Finding("redis", Level.OK, "it runs, and the sessions can move from it")
    return Finding(
        "redis",
        Level.FAILURE,
        f"it does not run, and {_SESSIONS_MOVE} reads the old sessions from it",
        "Start it: docker compose up -d redis",
    )


def _listens(state: StackState) -> Iterable[Finding]:
    for service in state.services:
        if missing := [name for name in _LISTEN if name not in service.settings]:
            yield Finding(
                "IPv6",
                Level.WARNING,
                f"this host has none, and from {_LISTENS_ON_IPV6} on Authentik listens on [::]"
                f" where it is not told otherwise: {service.container.service} has no"
                f" {', '.join(missing)}",
                "Give them to server and worker alike, by .env or environment, and then: docker"
                f" compose up -d. {' '.join(f'{name}={_LISTEN[name]}' for name in missing)}",
            )


def _wants(state: StackState, target: Family) -> Iterable[Finding]:
    if not state.compose.applied or state.compose.refusal:
        yield from _wants_of_files(state, target)
    if target >= _PROXIES and _CIDRS not in state.server.settings:
        yield Finding(
            "proxy",
            Level.WARNING,
            f"from {_PROXIES} on X-Forwarded headers count only from private networks",
            f"If your proxy has another address, name it in {_CIDRS}.",
        )
    if target >= _PROXIES and _URL not in state.server.settings:
        yield Finding(
            "base URL",
            Level.FAILURE if target >= _BASE_URL else Level.WARNING,
            f"{_URL} is not set, and {_BASE_URL} requires it",
            "Set it to the address at which people log in.",
        )


def _wants_of_files(state: StackState, target: Family) -> Iterable[Finding]:
    services = state.services
    mended = "" if state.compose.refusal else f": {_APPLY} does it"
    if target >= _WITHOUT_REDIS and any(_REDIS in each.settings for each in services):
        yield Finding(
            _SUBJECT,
            Level.WARNING,
            f"Redis is used no more from {_WITHOUT_REDIS} on",
            f"Take its service, {_REDIS} and the depends_on out afterwards{mended}.",
        )
    if target >= _DATA:
        without = [each for each in services if not each.mounts_at("/data")]
        yield from (_no_data(each, mended) for each in without)
    if target >= _SHARED:
        little = [each for each in services if each.shared_memory < _SHARED_MEMORY]
        yield from (_little_shared_memory(each, mended) for each in little)


def _no_data(service: ServiceState, mended: str) -> Finding:
    return Finding(
        _SUBJECT,
        Level.FAILURE,
        f"{service.container.service} has nothing mounted at /data, as {_DATA} wants it",
        "Move the folder media to data/media, and mount ./data at /data instead of /media"
        f"{mended}.",
    )


def _little_shared_memory(service: ServiceState, mended: str) -> Finding:
    have = service.shared_memory // (1024 * 1024)
    return Finding(
        _SUBJECT,
        Level.WARNING,
        f"{service.container.service} has {have} MB of shared memory",
        f"Give it shm_size: 512mb, as {_SHARED} has it{mended}.",
    )
