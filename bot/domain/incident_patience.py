"""When a trouble is told by itself, and for what it waits until then. Pure; see `incidents`.

Who depends on a database that is starting may be stopped, crash over and over, or fail its check.
That is told with the database if it does not become well, and else only what has not followed it
within its own patience from then on. However often the database starts, that takes a bounded time.
"""

from datetime import datetime, timedelta

from bot.domain.incident import AT_ONCE, WARNINGS, Rules, Trouble
from bot.domain.incident_watch import Watch

_HIDES_ALL = frozenset({Trouble.STOPPED, Trouble.MISSING})
_FOLLOWS_NO_START = WARNINGS | {Trouble.MISSING, Trouble.PAUSED, Trouble.OUT_OF_MEMORY}


def waits(watch: Watch, name: str, now: datetime, rules: Rules) -> bool:
    """Whether the trouble of *name* may still pass, or turn out to have its cause in another."""
    begin, needed = watch.counts_since(watch.views[name]), rules.needs(name, watch.views)
    if now < begin + _patience(watch, name, rules):
        return True
    if any(each in watch.open for each in needed):  # so that it is part of what was told
        return False
    if now < _due(watch, name, rules):
        return True
    if now >= begin + _longest(rules):
        return False
    return any(_may_take_in(watch, each, name, now, rules) for each in needed)


def _patience(watch: Watch, name: str, rules: Rules) -> timedelta:
    trouble = watch.views[name].trouble
    return rules.patience.get(trouble, AT_ONCE) if trouble else AT_ONCE


def _due(watch: Watch, name: str, rules: Rules) -> datetime:
    """When it is told unless it has its cause in another: late if it began before one was up."""
    view = watch.views[name]
    begin, patience = watch.counts_since(view), _patience(watch, name, rules)
    needed = [watch.views[each] for each in rules.needs(name, watch.views)]
    risen = [each.since for each in needed if each.has_risen and each.since >= view.since]
    if not risen or view.trouble in _FOLLOWS_NO_START:
        return begin + patience
    rise = min(max(risen), begin + _longest(rules))
    return max(begin + patience, rise + (patience or rules.linger))


def _longest(rules: Rules) -> timedelta:
    """For how long, in all, one may wait for others that start."""
    return rules.patience.get(Trouble.STARTING, AT_ONCE) + rules.linger


def _may_take_in(watch: Watch, cause: str, name: str, now: datetime, rules: Rules) -> bool:
    """Whether *cause* is in a trouble that may be told soon, and be that of *name*."""
    trouble = watch.views[cause].trouble
    if trouble is None or watch.holder(cause):
        return False
    follows = trouble in _HIDES_ALL or watch.views[name].trouble not in _FOLLOWS_NO_START
    return follows and now < _due(watch, cause, rules)
