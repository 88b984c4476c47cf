"""Incidents: from what is seen of containers to what people hear of it, each thing once.

Pure: what is seen, and the passing of time, go in; openings, closings and reminders come out. One
opens once its trouble has lasted as long as is usual for it. What depends on a container that is
down is folded into its incident, what depends on one that is starting waits for what comes of that
(see `incident_patience`), and what comes back for a moment is counted, not told. While people or
jobs of akbot restart things on purpose nothing opens; what is still down afterwards does.
What is seen counts in the order in which it comes, since a clock can be set back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.incident import (
    AROUND,
    MOMENTARY,
    WARNINGS,
    Closed,
    Incident,
    News,
    Opened,
    Reminded,
    Renamed,
    Rules,
    Seen,
    Trouble,
)
from bot.domain.incident_patience import waits
from bot.domain.incident_watch import View, Watch
from bot.domain.mute import Mute
from bot.domain.replicas import called_anew

_SETTLES_LONGER = timedelta(hours=1)  # as long as it broke again within this
_MOST_CLOSINGS = 6


def is_urgent(watch: Watch, now: datetime, rules: Rules) -> bool:
    """Whether it matters at every moment if somebody restarts things on purpose.

    What was told of the surroundings may last for weeks, and asks for nothing until a reminder.
    """
    lasting = {root for root, each in watch.open.items() if each.trouble in AROUND}
    if any(each.trouble and name not in lasting for name, each in watch.views.items()):
        return True
    return any(
        now >= watch.counted[root] + rules.reminded_after(watch.open[root]) for root in lasting
    )


Step = tuple[Watch, tuple[News, ...]]


def resumed(watch: Watch, incidents: Iterable[Incident]) -> Watch:
    """With what was open before a restart; the next look shows whether it still is."""
    for each in incidents:
        view = View(each.trouble, each.began, each.detail, each.image)
        views = dict.fromkeys(each.members, view)
        watch = replace(
            watch,
            views={**watch.views, **views},
            open={**watch.open, each.root: each},
            counted={**watch.counted, each.root: each.opened},
        )
    return watch


def keep(watch: Watch, services: frozenset[str], now: datetime, rules: Rules) -> Step:
    """Forget all but *services*: others are part of the stack no more, and their incidents end.

    One that was alone, and is one of several now, goes on under its new name.
    """
    watch, before = watch.renamed(called_anew(services, watch.views)), watch
    known = before.open.values()
    renamed = [Renamed(each) for each in watch.open.values() if each not in known]
    ended = [
        Closed(each, now, left=_in_trouble(watch, each.others & services), is_here=False)
        for root, each in watch.open.items()
        if root not in services
    ]
    watch = replace(
        watch,
        views={name: view for name, view in watch.views.items() if name in services},
        open={
            root: replace(each, others=each.others & services)
            for root, each in watch.open.items()
            if root in services
        },
    )
    watch, news = advance(watch, now, rules)
    return watch, (*renamed, *ended, *news)


def _in_trouble(watch: Watch, services: Iterable[str]) -> frozenset[str]:
    return frozenset(each for each in services if watch.views[each].trouble)


def observe(watch: Watch, seen: Seen, now: datetime, rules: Rules) -> Step:
    """Take note of what was seen, maybe a while ago, and of the time that has passed until *now*.

    An event comes late, and by another clock: it does not set this one.
    """
    watch = _rewound(watch, now)
    old = watch.views.get(seen.service)
    stays = old is not None and (old.trouble is None) is (seen.trouble is None)
    since = old.since if old and stays else min(seen.at, now)
    image = seen.image or (old.image if old else "")
    view = View(
        seen.trouble,
        since,
        seen.detail,
        image,
        has_risen=_has_risen(old, seen.trouble),
        moments=_moments(old if stays else None, seen, now),
    )
    watch = replace(watch, views={**watch.views, seen.service: view})
    holder = watch.holder(seen.service)
    if holder and old and _breaks_again(old.trouble, seen.trouble):
        holder = replace(holder, flaps=holder.flaps + 1)
        watch = replace(watch, open={**watch.open, holder.root: holder})
    return advance(watch, now, rules)


def _has_risen(old: View | None, new: Trouble | None) -> bool:
    if old is None or new:
        return False
    return old.trouble is Trouble.STARTING or old.has_risen


def _moments(old: View | None, seen: Seen, now: datetime) -> Mapping[Trouble, datetime]:
    known = old.moments if old else {}
    if seen.trouble not in MOMENTARY or seen.trouble in known:
        return known
    return {**known, seen.trouble: min(seen.at, now)}


def _breaks_again(old: Trouble | None, new: Trouble | None) -> bool:
    rests = {None, Trouble.STARTING, Trouble.RESTARTING}
    return old in rests and new not in rests


def hush(watch: Watch, now: datetime, rules: Rules, *, quiet: bool) -> Step:
    """Somebody restarts things on purpose from now on, or no more."""
    if watch.is_quiet and not quiet:
        watch = replace(watch, loud_since=now)
    return advance(replace(watch, is_quiet=quiet), now, rules)


def mute(watch: Watch, muted: Mute, now: datetime, rules: Rules) -> Step:
    """Let nothing open while *muted*; what is closed is told, and what lasts opens afterwards."""
    return advance(replace(watch, muted=muted), now, rules)


def advance(watch: Watch, now: datetime, rules: Rules) -> Step:
    """Let time pass until *now*."""
    watch = _rewound(watch, now)
    muted = watch.muted.at(now) if watch.muted else None
    if muted and muted.until <= now:
        watch, muted = replace(watch, loud_since=muted.until), None
    watch = replace(watch, muted=muted)
    news: list[News] = []
    for step in (_close, _open, _remind):
        watch, more = step(watch, now, rules)
        news += more
    return watch, tuple(news)


def _rewound(watch: Watch, now: datetime) -> Watch:
    """The clock was set back: nothing then began later than now."""
    known = [each.since for each in watch.views.values()]
    known += watch.counted.values()
    known += (each for times in watch.closings.values() for each in times)
    if max(known, default=now) <= now and (watch.loud_since or now) <= now:
        return watch
    return replace(
        watch,
        views={
            name: replace(
                view,
                since=min(view.since, now),
                moments={trouble: min(at, now) for trouble, at in view.moments.items()},
            )
            for name, view in watch.views.items()
        },
        open={root: replace(each, began=min(each.began, now)) for root, each in watch.open.items()},
        counted={root: min(since, now) for root, since in watch.counted.items()},
        closings={
            root: tuple(each for each in times if each <= now)
            for root, times in watch.closings.items()
        },
        loud_since=min(watch.loud_since, now) if watch.loud_since else None,
    )


def _close(watch: Watch, now: datetime, rules: Rules) -> tuple[Watch, list[News]]:
    news: list[News] = []
    for root, incident in list(watch.open.items()):
        views = {each: watch.views[each] for each in incident.members}
        left = _in_trouble(watch, incident.members)
        back = max((view.since for view in views.values() if not view.trouble), default=now)
        needed = rules.linger if left else _settle(watch, root, now, rules)
        if root in left or now - back < needed:
            continue
        ended = views[root].since if left else back
        news.append(Closed(incident, ended, views[root].image, left))
        before = (*watch.closings.get(root, ()), now)[-_MOST_CLOSINGS:]
        watch = replace(
            watch,
            open={name: each for name, each in watch.open.items() if name != root},
            closings={**watch.closings, root: before},
        )
    return watch, news


def _settle(watch: Watch, root: str, now: datetime, rules: Rules) -> timedelta:
    """Longer each time that it broke again soon, so that one that comes and goes is not told so."""
    recent = [each for each in watch.closings.get(root, ()) if now - each < _SETTLES_LONGER]
    return rules.settle * (1 << len(recent))


def _open(watch: Watch, now: datetime, rules: Rules) -> tuple[Watch, list[News]]:
    news: list[News] = []
    for name in rules.causes_first(watch.views):
        view = watch.views[name]
        if view.trouble is None or watch.is_silent or watch.holder(name):
            continue
        if waits(watch, name, now, rules):
            continue
        needed = rules.needs(name, watch.views)
        cause = next((each for each in needed if each in watch.open), None)
        if cause:
            incident = watch.open[cause]
            incident = replace(incident, others=incident.others | {name})
            watch = replace(watch, open={**watch.open, cause: incident})
        else:
            watch, opened = _opened(watch, name, view.trouble, now, rules)
            news.append(opened)
    return watch, news


def _opened(
    watch: Watch, name: str, trouble: Trouble, now: datetime, rules: Rules
) -> tuple[Watch, Opened]:
    view = watch.views[name]
    absorbed = tuple(each for each in watch.open.values() if rules.needs(each.root, [name]))
    outages = [each.began for each in absorbed if each.trouble not in WARNINGS]
    incident = Incident(
        root=name,
        trouble=trouble,
        detail=view.detail,
        image=view.image,
        began=min([view.began, *outages]),
        opened=now,
        others=frozenset().union(*(each.members for each in absorbed)),
    )
    gone = {each.root for each in absorbed}
    rest = {root: each for root, each in watch.open.items() if root not in gone}
    watch = replace(watch, open={**rest, name: incident}, counted={**watch.counted, name: now})
    return watch, Opened(incident, absorbed)


def _remind(watch: Watch, now: datetime, rules: Rules) -> tuple[Watch, list[News]]:
    news: list[News] = []
    for root, incident in list(watch.open.items()):
        if watch.is_silent or not watch.views[root].trouble:
            continue
        reminded = incident
        while now >= watch.counted[root] + rules.reminded_after(reminded):  # one for all overdue
            reminded = replace(reminded, reminders=reminded.reminders + 1)
        if reminded is incident:
            continue
        watch = replace(watch, open={**watch.open, root: reminded})
        news.append(Reminded(reminded))
    return watch, news
