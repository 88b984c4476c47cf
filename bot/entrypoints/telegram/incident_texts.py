"""What is told of incidents. Pure, like `texts`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from bot.domain.container_state import DOCKER, STACK
from bot.domain.cure import Treatment
from bot.domain.durations import duration
from bot.domain.incident import AROUND, WARNINGS, Closed, Incident, Opened, Reminded, Trouble
from bot.domain.replicas import number_of, service_of
from bot.domain.stack import Role
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.markup import bold, code, plain
from bot.entrypoints.telegram.texts import Wall

_WHAT = {
    Trouble.MISSING: "is gone",
    Trouble.CRASHED: "has crashed",
    Trouble.OUT_OF_MEMORY: "ran out of memory",
    Trouble.RESTARTING: "keeps restarting",
    Trouble.STOPPED: "is stopped",
    Trouble.PAUSED: "is paused",
    Trouble.UNHEALTHY: "is unhealthy",
    Trouble.STARTING: "does not finish starting",
}
_MOMENTARY = {Trouble.CRASHED, Trouble.OUT_OF_MEMORY}
_REMEDIES = {
    Trouble.UNREACHABLE: "Authentik may be well: look at the proxy, the name and the router.",
    Trouble.DISK: "Make room: a full disk stops the database.",
    Trouble.MEMORY: "At its limit the kernel kills it. Raise the limit in the compose file.",
    Trouble.DRIFT: "Set the tag back to what runs, then send /update, which makes a backup first.",
    Trouble.CPU: "Find out what it does, or raise the limit in the compose file.",
    Trouble.CONNECTIONS: "Without free ones logins fail. Raise max_connections, or lower what takes"
    " them.",
    Trouble.CERTIFICATE: "Renew it: browsers refuse one that has expired.",
    Trouble.IMAGE: "If that was meant, send /backup: the newest backup is of what ran before.",
}
_DRIFT_OF_STORES = "Set it back to what runs, or send /backup first: /update does not change it."
_STORES = frozenset({Role.POSTGRESQL, Role.REDIS})
_NAMES = {DOCKER: "The Docker Engine", STACK: "The stack"}
_ELSE = "I tell you when it is well again."
_LONGEST_DETAIL = 300
_NONE: Mapping[str, Sequence[datetime]] = MappingProxyType({})
_NO_ROLES: Mapping[str, Role] = MappingProxyType({})


def opened(
    news: Opened, wall: Wall, restarts: int = 0, roles: Mapping[str, Role] = _NO_ROLES
) -> str:
    """What is wrong since when, and what to do; *restarts*: as many an hour are done by akbot."""
    incident = news.incident
    lines = [f"{_sign(incident)} {_headline(incident)} {_when(incident, wall)}"]
    if incident.detail:
        detail = local(f"{incident.detail[:1].upper()}{incident.detail[1:]}", wall)
        lines.append(f"{plain(detail, _LONGEST_DETAIL).rstrip('.')}.")
    if news.absorbed:
        names = ", ".join(bold(each.name) for each in news.absorbed)
        lines.append(f"That explains what I said of {names}.")
    if restarts and incident.trouble is Trouble.UNHEALTHY:
        lines.append(
            f"If nothing else is the cause I restart it, at most {_times(restarts)} an hour."
        )
    lines.append(_next(incident, roles))
    return "\n".join(lines)


def _sign(incident: Incident) -> str:
    return "🟡" if incident.trouble in WARNINGS else "🔴"


def _headline(incident: Incident) -> str:
    if incident.root == DOCKER:
        return "<b>The Docker Engine does not answer</b>"
    if incident.root == STACK:
        return "<b>The stack cannot be found</b>"
    what = _WHAT.get(incident.trouble, f"is {incident.trouble}")
    return f"{bold(incident.root)} <b>{what}</b>"


def open_line(incident: Incident, wall: Wall) -> str:
    """One that is open, beside the containers."""
    detail = f": {plain(local(incident.detail, wall), _LONGEST_DETAIL)}" if incident.detail else ""
    return f"{_sign(incident)} {_headline(incident)} {_when(incident, wall)}{detail}"


def _when(incident: Incident, wall: Wall) -> str:
    word = "at" if incident.trouble in _MOMENTARY else "since"
    return f"{word} {wall.moment(incident.began)}"


def _next(incident: Incident, roles: Mapping[str, Role]) -> str:
    if incident.trouble in AROUND:
        return _next_around(incident, roles)
    if incident.root == DOCKER:
        return f"On the host, look at {code('systemctl status docker')}."
    if incident.root == STACK:
        return (
            f"Run {code('docker compose up -d')} on the host, or name its project in"
            f" {code('AKBOT_PROJECT')}."
        )
    return _next_of_container(incident, roles)


def _next_of_container(incident: Incident, roles: Mapping[str, Role]) -> str:
    if incident.trouble in {Trouble.STOPPED, Trouble.MISSING}:
        return f"If nobody wants that, run {code('docker compose up -d')} on the host."
    if incident.trouble is Trouble.PAUSED:
        service = service_of(incident.root, roles)
        return f"If nobody wants that, run {code(f'docker compose unpause {service}')}."
    if number_of(incident.root, roles):
        return f"{_log_of(incident, roles)} on the host shows its log. {_ELSE}"
    if incident.trouble is Trouble.RESTARTING:
        return f"Its log may say what ends it. {_ELSE}"
    return _ELSE


def _log_of(incident: Incident, roles: Mapping[str, Role]) -> str:
    """What shows it: the chat knows one container of each service."""
    service, number = service_of(incident.root, roles), number_of(incident.root, roles)
    if number:
        return code(f"docker compose logs --index {number} {service}")
    return code(f"/logs {service}")


def _next_around(incident: Incident, roles: Mapping[str, Role]) -> str:
    service = incident.root.rpartition(" ")[2]
    if incident.trouble is Trouble.SILENT:
        restart = code(f"docker compose restart {service}")
        return f"Tasks and mails may wait. Where it goes on, run {restart}."
    if incident.trouble is Trouble.DRIFT and roles.get(service) in _STORES:
        return _DRIFT_OF_STORES
    return _REMEDIES.get(incident.trouble, _ELSE)


def closed(news: Closed, wall: Wall, restarts: Mapping[str, Sequence[datetime]] = _NONE) -> str:
    """That it is over, after how long, and what is different; *restarts*: what akbot did."""
    incident = news.incident
    name = _NAMES.get(incident.root, incident.root)
    lasted = duration(news.lasted.total_seconds())
    if not news.is_here:
        return _gone(news, lasted)
    end = "is there again" if incident.root == STACK else "is well again"
    lines = [f"🟢 {bold(name)} <b>{end}</b> since {wall.moment(news.ended)}, after {lasted}"]
    for service, moments in restarts.items():
        what = "it" if service == incident.root else bold(service)
        lines.append(f"I restarted {what} at {_and(wall.time(each) for each in moments)}.")
    if incident.flaps:
        lines.append(f"In between it broke down again {_times(incident.flaps)}.")
    if incident.others:
        lines.append(f"With it were down: {_names(incident.others)}.")
    if news.left:
        lines.append(f"Still not well: {_names(news.left)}.")
    if news.image and incident.image and news.image != incident.image:
        lines.append(f"Its image is another one now: {code(news.image)}.")
    return "\n".join(lines)


def _gone(news: Closed, lasted: str) -> str:
    root = news.incident.root
    if news.incident.trouble in AROUND:
        return f"⚪ {bold(root)} <b>is watched no more</b>, {lasted} after its trouble began"
    lines = [
        f"⚪ {bold(root)} <b>is no longer part of the stack</b>, {lasted} after its trouble began",
        f"If it should be there, run {code('docker compose up -d')} on the host.",
    ]
    if news.left:
        lines.append(f"Still not well: {_names(news.left)}.")
    return "\n".join(lines)


def gave_up(
    incident: Incident,
    tried: Sequence[Treatment],
    wall: Wall,
    roles: Mapping[str, Role] = _NO_ROLES,
) -> str:
    """That restarting it does not help."""
    last, ill = tried[-1], replace(incident, trouble=Trouble.UNHEALTHY)
    did = "tried to restart" if any(each.failure for each in tried) else "restarted"
    lines = [
        f"🔴 {_headline(ill)} still, since {wall.moment(incident.began)}",
        f"I {did} it {_times(len(tried))} within an hour, last at {wall.moment(last.at)}.",
        "I stop now, until it was well.",
    ]
    if last.failure:
        lines.append(f"Docker said: {plain(last.failure, _LONGEST_DETAIL)}")
    lines.append(f"Next: {_log_of(incident, roles)} may say why.")
    return "\n".join(lines)


def reminded(news: Reminded, wall: Wall, roles: Mapping[str, Role] = _NO_ROLES) -> str:
    """That it still lasts."""
    incident = news.incident
    lines = [
        f"{_sign(incident)} {_headline(incident)} still, since {wall.moment(incident.began)}",
        _next(incident, roles),
        f"{code('/mute 2h')} keeps me quiet.",
    ]
    return "\n".join(lines)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _and(words: Iterable[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def _names(services: frozenset[str]) -> str:
    return ", ".join(bold(each) for each in sorted(services))
