"""Follows the stack's containers, and lets people know of each incident."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.container_state import DOCKER, STACK, Before, ContainerState, Happened
from bot.domain.errors import BotError, ConfigError
from bot.domain.incident import Closed, News, Opened, Reminded, Renamed, Rules, Seen, Trouble
from bot.domain.incident_watch import Watch
from bot.domain.incidents import Step, advance, hush, is_urgent, keep, mute, observe, resumed
from bot.domain.incidents_around import of_containers_alone, without_gone
from bot.domain.mute import Mute
from bot.domain.replicas import called_anew
from bot.domain.restart_loop import Restarts
from bot.domain.surroundings_subjects import is_around
from bot.domain.surroundings_verdict import Verdict
from bot.services.ports import Clock
from bot.services.watch_ports import Containers, IncidentLog, IncidentTeller, MuteMark
from bot.services.watched_names import WatchedNames

logger = logging.getLogger(__name__)

_RUNS_OF_IT = frozenset({"start", "die"})
_NOTHING_LEFT = "none of its services has a container"


@dataclass
class Watcher:
    """*is_quiet* says whether people or a job restart things on purpose at the moment.

    What cannot be written or told yet is tried again with every `tick`. *is_blind*: the Engine does
    not answer, or has no stack; *had_stack* says whether it had one at some time, *known* has what
    was watched of it last. *states* are those of the last look, none while it is blind;
    *finds_stack* whether there were any, None while Docker does not answer.
    """

    containers: Containers
    log: IncidentLog
    teller: IncidentTeller
    is_quiet: Callable[[], Awaitable[bool]]
    clock: Clock
    rules: Rules
    mute_mark: MuteMark
    had_stack: Callable[[], Awaitable[bool]]
    known: WatchedNames
    states: Mapping[str, ContainerState | None] = field(default_factory=dict)
    _is_marked: bool = False
    _watch: Watch = field(default_factory=Watch)
    _before: dict[str, Before] = field(default_factory=dict)
    _untold: deque[News] = field(default_factory=deque)
    is_blind: bool = False
    finds_stack: bool | None = None
    _is_to_forget: bool = False
    _watched: frozenset[str] = frozenset()
    _looked: datetime | None = None
    _refusal: str = ""
    _hindrance: str = ""
    _events: Counter[str] = field(default_factory=Counter)
    _telling: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def watch(self) -> Watch:
        """What is known of the containers."""
        return self._watch

    async def resume(self) -> None:
        """Take up what an earlier process left open."""
        incidents = [of_containers_alone(each) for each in await self.log.open_ones()]
        self._watch = resumed(self._watch, incidents)
        known = self._watch.open.values()
        for each in known:
            if each.trouble is Trouble.RESTARTING:
                restarts = Restarts.known(each.began, each.opened)
                self._before[each.root] = Before(restarts=restarts)
        self.containers.remember({*self._watch.views, *await self.known.resume()})
        self._untold += [Opened(each) for each in known]  # it may have died before it told
        await self._resume_mute()

    async def _resume_mute(self) -> None:
        try:
            muted = await self.mute_mark.read()
        except BotError as error:
            logger.warning("%s", error)
            return
        if muted:
            await self._mute(muted)

    async def happened(self, event: Happened) -> bool:
        """Take note of an event; whether a look must show what it means."""
        self._events[event.service] += 1
        before = self._before.get(event.service, Before())
        self._before[event.service] = before.after(event)
        if event.action not in _RUNS_OF_IT:
            return event.action != "kill"
        if self._looked and event.at < self._looked:  # the Engine tells what it told nobody before
            return True
        if event.action == "start":  # before the look it may have died again, which counts
            if self._watch.holder(event.service):
                await self._observe(event.started)
            return True
        await self._hush_or_not()
        may_go_on = before.may_go_on(event)
        if not may_go_on or self._watch.holder(event.service):  # which counts how often it broke
            await self._observe(before.death(event))
        return may_go_on

    async def look(self) -> bool:
        """Look at all of them; False where that must be done again, as they changed meanwhile."""
        events, now, forgets = self._events.copy(), self.clock.now(), self._is_to_forget
        try:
            states = await self.containers.look()
        except ConfigError as error:
            await self._no_stack(str(error))
            return True
        except BotError as error:
            await self._docker(Trouble.STOPPED, str(error))
            return True
        if forgets and self._is_to_forget:  # it knows what the job left at its end
            states, self._is_to_forget = self._without_gone(states), False
        self._looked, self._refusal, self.states = now, "", states
        self.finds_stack = bool(states)
        await self._docker(None)
        is_gone = bool(states) and not any(states.values())
        if is_gone:
            await self._observe(Seen(STACK, now, Trouble.MISSING, _NOTHING_LEFT))
        elif STACK in self._watch.views:
            await self._observe(Seen(STACK, now))
        self._carry_over(states, events)
        await self._keep(states)
        await self.known.note(states)
        if states.keys() != self._watched:
            self._watched = frozenset(states)
            logger.info("watching %s", ", ".join(sorted(states)) or "no container")
        lack = any(each.lack for each in self._before.values())
        if lack or self._watch.has_trouble or not all(map(_serves, states.values())):
            await self._hush_or_not()
        is_whole = True
        for service in self.rules.causes_first(states):
            state = states[service]
            if events[service] == self._events[service]:  # it may change while others are told
                seen = self._looked_at(service, state, now)
                await self._observe(seen)
                outlived = seen.trouble is Trouble.OUT_OF_MEMORY and _serves(state)
                is_whole = is_whole and not outlived
            else:
                is_whole = False
        return is_whole

    def _carry_over(self, names: Collection[str], events: Counter[str]) -> None:
        """What events said of one that has another beside it now, they said of its new name."""
        called = called_anew(names, self._watch.views)
        before = {called.get(name, name): each for name, each in self._before.items()}
        self._before = {name: each for name, each in before.items() if name in names}
        for old, new in called.items():
            self._events[new] += self._events[old] - events[old]

    def _without_gone(
        self, states: Mapping[str, ContainerState | None]
    ) -> Mapping[str, ContainerState | None]:
        kept = self.containers.forget_missing()
        return {service: state for service, state in states.items() if service in kept}

    async def around(self, verdict: Verdict) -> None:
        """Take note of what was seen around the containers."""
        if self._watch.has_trouble or any(each.trouble for each in verdict.seen):
            await self._hush_or_not()
        kept = without_gone(self._watch, verdict)
        await self._take(keep(self._watch, kept, self.clock.now(), self.rules))
        for each in verdict.seen:
            await self._observe(each)

    async def _no_stack(self, refusal: str) -> None:
        """The Engine answers, but which containers are the stack cannot be told."""
        if refusal != self._refusal:
            logger.warning("watch the containers: %s", refusal)
            self._refusal = refusal
        self.finds_stack = False
        await self._docker(None)
        self.is_blind, self.states = True, {}
        members = frozenset[str]().union(*(each.members for each in self._watch.open.values()))
        knows_some = any(each != DOCKER and not is_around(each) for each in members)
        try:
            is_gone = knows_some or bool(self.known.names) or await self.had_stack()
        except BotError as error:
            logger.warning("look whether there was a stack: %s", error)
            return
        if is_gone:
            await self._observe(Seen(STACK, self.clock.now(), Trouble.MISSING, refusal))

    def _looked_at(self, service: str, state: ContainerState | None, now: datetime) -> Seen:
        if state is None:
            self._before.pop(service, None)
            return Seen(service, now, Trouble.MISSING, "it has no container")
        before = self._before.get(service, Before())
        self._before[service], seen = before.looked(state, now)
        return seen

    async def tick(self) -> bool:
        """Let time pass; every second or so.

        Whether a look must show what a job has left, or that what restarted over and over stays up.
        """
        if self._watch.is_quiet or is_urgent(self._watch, self.clock.now(), self.rules):
            await self._hush_or_not()
        await self._take(advance(self._watch, self.clock.now(), self.rules))
        if self._is_marked and not self._watch.muted:
            await self._end_mute()
        now = self.clock.now()
        stays = any(each.restarts.has_stayed(now) for each in self._before.values())
        return (self._is_to_forget or stays) and not self.is_blind

    async def mute(self, until: datetime) -> None:
        """Let nothing open until then. Raises PortError, and changes nothing, on a full disk."""
        muted = Mute(self.clock.now(), until)
        await self.mute_mark.write(muted)
        await self._mute(muted)

    @property
    def muted_until(self) -> datetime | None:
        """When people hear of new incidents again; None where they do."""
        return self._watch.muted.until if self._watch.muted else None

    async def _mute(self, muted: Mute) -> None:
        self._is_marked = True
        await self._take(mute(self._watch, muted, self.clock.now(), self.rules))

    async def _end_mute(self) -> None:
        """Else a clock that is set back would revive it at the next start."""
        self._is_marked = False
        try:
            await self.mute_mark.clear()
        except BotError as error:
            logger.warning("%s", error)

    async def _observe(self, seen: Seen) -> None:
        await self._take(observe(self._watch, seen, self.clock.now(), self.rules))

    async def _docker(self, trouble: Trouble | None, detail: str = "") -> None:
        self.is_blind = trouble is not None
        if self.is_blind:
            self.states, self.finds_stack = {}, None
        await self._observe(Seen(DOCKER, self.clock.now(), trouble, detail))

    async def _hush_or_not(self) -> None:
        try:
            quiet = await self.is_quiet()
        except BotError as error:
            logger.warning("look whether something is restarted on purpose: %s", error)
            return
        if quiet != self._watch.is_quiet:
            # a job may have removed a service for good, as an update does with Redis
            self._is_to_forget = not quiet
            await self._take(hush(self._watch, self.clock.now(), self.rules, quiet=quiet))

    async def _keep(self, services: Iterable[str]) -> None:
        around = filter(is_around, self._watch.views)
        kept = frozenset({DOCKER, STACK, *services, *around})
        await self._take(keep(self._watch, kept, self.clock.now(), self.rules))

    async def _take(self, step: Step) -> None:
        self._watch, news = step
        self._untold += news
        async with self._telling:
            while self._untold:
                try:
                    await self._tell(self._untold[0])
                except BotError as error:
                    if str(error) != self._hindrance:  # it is tried every second
                        logger.warning("tell of an incident: %s", error)
                        self._hindrance = str(error)
                    return
                self._untold.popleft()
            self._hindrance = ""

    async def _tell(self, news: News) -> None:
        match news:
            case Opened():
                for gone in news.absorbed:
                    await self.log.write(gone, news.incident.opened)
                await self.log.write(news.incident)
                await self.teller.opened(news)
            case Closed():
                await self.teller.closed(news)
                await self.log.write(news.incident, news.ended)
            case Reminded():
                await self.log.write(news.incident)
                await self.teller.reminded(news)
            case Renamed():
                await self.log.write(news.incident)


def _serves(state: ContainerState | None) -> bool:
    return state is not None and state.serves
