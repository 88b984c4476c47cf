"""What is told of incidents. Pure, like `texts`."""

from bot.domain.container_state import DOCKER, STACK
from bot.domain.incident import Closed, Incident, Opened, Reminded, Trouble
from bot.entrypoints.render import duration
from bot.entrypoints.telegram.markup import bold, code, plain
from bot.entrypoints.telegram.texts import Wall

_WHAT = {
    Trouble.MISSING: "is gone",
    Trouble.CRASHED: "has crashed",
    Trouble.OUT_OF_MEMORY: "ran out of memory",
    Trouble.STOPPED: "is stopped",
    Trouble.PAUSED: "is paused",
    Trouble.UNHEALTHY: "is unhealthy",
    Trouble.STARTING: "does not finish starting",
}
_NAMES = {DOCKER: "The Docker Engine", STACK: "The stack"}
_LONGEST_DETAIL = 200


def opened(news: Opened, wall: Wall) -> str:
    """What is wrong since when, and what to do."""
    incident = news.incident
    lines = [f"🔴 {_headline(incident)} since {wall.time(incident.began)}"]
    if incident.detail:
        detail = f"{incident.detail[:1].upper()}{incident.detail[1:]}"
        lines.append(f"{plain(detail, _LONGEST_DETAIL).rstrip('.')}.")
    if news.absorbed:
        names = ", ".join(bold(each.root) for each in news.absorbed)
        lines.append(f"That explains what I said of {names}.")
    lines.append(_next(incident))
    return "\n".join(lines)


def _headline(incident: Incident) -> str:
    if incident.root == DOCKER:
        return "<b>The Docker Engine does not answer</b>"
    if incident.root == STACK:
        return "<b>The stack cannot be found</b>"
    return f"{bold(incident.root)} <b>{_WHAT[incident.trouble]}</b>"


def _next(incident: Incident) -> str:
    if incident.root == DOCKER:
        return f"On the host, look at {code('systemctl status docker')}."
    if incident.root == STACK:
        return (
            f"Run {code('docker compose up -d')} on the host, or name its project in"
            f" {code('AKBOT_PROJECT')}."
        )
    if incident.trouble in {Trouble.STOPPED, Trouble.MISSING}:
        return f"If nobody wants that, run {code('docker compose up -d')} on the host."
    if incident.trouble is Trouble.PAUSED:
        return f"If nobody wants that, run {code(f'docker compose unpause {incident.root}')}."
    return "I tell you when it is well again."


def closed(news: Closed, wall: Wall) -> str:
    """That it is over, after how long, and what is different."""
    incident = news.incident
    name = _NAMES.get(incident.root, incident.root)
    lasted = duration(news.lasted.total_seconds())
    if not news.is_here:
        return _gone(news, lasted)
    end = "is there again" if incident.root == STACK else "is well again"
    lines = [f"🟢 {bold(name)} <b>{end}</b> since {wall.time(news.ended)}, after {lasted}"]
    if incident.flaps:
        times = "once" if incident.flaps == 1 else f"{incident.flaps} times"
        lines.append(f"In between it broke down again {times}.")
    if incident.others:
        lines.append(f"With it were down: {_names(incident.others)}.")
    if news.left:
        lines.append(f"Still not well: {_names(news.left)}.")
    if news.image and incident.image and news.image != incident.image:
        lines.append(f"Its image is another one now: {code(news.image)}.")
    return "\n".join(lines)


def _gone(news: Closed, lasted: str) -> str:
    root = news.incident.root
    lines = [
        f"⚪ {bold(root)} <b>is no longer part of the stack</b>, {lasted} after its trouble began",
        f"If it should be there, run {code('docker compose up -d')} on the host.",
    ]
    if news.left:
        lines.append(f"Still not well: {_names(news.left)}.")
    return "\n".join(lines)


def reminded(news: Reminded, wall: Wall) -> str:
    """That it still lasts."""
    incident = news.incident
    return (
        f"🔴 {_headline(incident)} still, since {wall.moment(incident.began)}\n{_next(incident)}\n"
        f"{code('/mute 2h')} keeps me quiet."
    )


def _names(services: frozenset[str]) -> str:
    return ", ".join(bold(each) for each in sorted(services))
