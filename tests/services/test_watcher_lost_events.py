"""Whatever happens to the containers, and however much of it no event has told: a look shows it."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.container_state import STACK
from tests.services.test_watcher import WELL, Host

SERVICES = sorted(WELL)
STATES: dict[str, dict[str, Any] | None] = {
    "die": {"status": "exited", "health": "unhealthy", "exit_code": 137},
    "stop": {"status": "exited", "health": "", "exit_code": 0},
    "start": {"status": "running", "health": "starting", "exit_code": 0},
    "pause": {"status": "paused", "health": "healthy", "exit_code": 0},
    "health_status": {"status": "running", "health": "unhealthy", "exit_code": 0},
    "destroy": None,
    "unpause": {"status": "running", "health": "healthy", "exit_code": 0},
}
LONGEST = 13 * 60  # seconds: the patience with a start, the time to follow, its own patience


@dataclass(frozen=True)
class Change:
    """What happens to a container; not *is_told*: the event of it is lost."""

    service: str
    what: str
    is_told: bool


@dataclass(frozen=True)
class Restart:
    """The bot ends, and begins anew *after* so many seconds; the journal stays."""

    after: int


@dataclass(frozen=True)
class Poll:
    """A look, *after* so many seconds."""

    after: int


CHANGES = st.builds(Change, st.sampled_from(SERVICES), st.sampled_from([*STATES]), st.booleans())
POLLS = st.builds(Poll, st.integers(0, 200))
RESTARTS = st.builds(Restart, st.integers(0, 200))
Action = Change | Poll | Restart


async def live(host: Host, action: Action) -> None:
    match action:
        case Change(service, what, is_told):
            change = STATES[what]
            state = replace(WELL[service], **change) if change else None
            host.containers.states[service] = state
            host.clock.at += timedelta(seconds=1)
            if is_told:
                event = "die" if what == "stop" else what
                await host.happens(service, event, exit_code=state.exit_code if state else 0)
        case Restart(after):
            host.clock.at += timedelta(seconds=after)
            host.boot()
            await host.watcher.resume()
        case Poll(after):
            await pass_by(host, after)


async def pass_by(host: Host, seconds: int) -> None:
    """With a look each minute."""
    for _ in range(0, seconds + 1, 60):
        host.clock.at += timedelta(seconds=60)
        await host.watcher.tick()
        await host.watcher.look()


def judge(told: Sequence[str]) -> None:
    """Each end follows the beginning that it ends."""
    is_open: set[str] = set()
    for line in told:
        root, _, words = line.partition(" ")
        if words in {"well again", "no longer there"}:
            assert root in is_open, told
            is_open.remove(root)
        elif not re.fullmatch(r"still \d+", words):
            is_open.add(root)


async def a_life(actions: Sequence[Action]) -> None:
    host = Host()
    await host.watcher.resume()
    await host.watcher.look()
    for action in actions:
        await live(host, action)
    await pass_by(host, LONGEST)
    states = host.containers.states
    down = {service for service, state in states.items() if not (state and state.serves)}
    watch = host.watcher.watch
    assert STACK in watch.open or all(watch.holder(each) for each in down), host.people.told

    states.update(WELL)
    await pass_by(host, 3600)
    assert not host.watcher.watch.open
    judge(host.people.told)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(CHANGES, CHANGES, POLLS, RESTARTS), max_size=30))
@example([Change("redis", "destroy", is_told=False), Restart(0)])
@example([*(Change(each, "destroy", is_told=False) for each in SERVICES), Restart(0)])
def test_nothing_that_is_down_is_kept_silent_over_lost_events_and_restarts(
    actions: Sequence[Action],
) -> None:
    asyncio.run(a_life(actions))
