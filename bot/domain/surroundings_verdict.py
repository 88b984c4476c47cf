"""From grades to what the incidents are told: only what several looks in a row have shown. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.incident import Seen, Trouble
from bot.domain.surroundings_grades import Grade, Graded

BAD_LOOKS: Mapping[Trouble, int] = {
    Trouble.MEMORY: 5,
    Trouble.CPU: 15,
    Trouble.NOT_READY: 3,
    Trouble.UNREACHABLE: 3,
    Trouble.DISK: 2,
    Trouble.CONNECTIONS: 2,
    Trouble.SILENT: 2,
    Trouble.DRIFT: 2,
}
"""So many in a row until it is told; of others one is enough."""
WELL_LOOKS: Mapping[Trouble, int] = {Trouble.NOT_READY: 2, Trouble.UNREACHABLE: 2}
"""So many in a row until it counts as over; of others one is enough."""
_MUST_HAVE_HELD = frozenset({Trouble.NOT_READY, Trouble.UNREACHABLE})


@dataclass(frozen=True)
class _Row:
    """Looks in a row; *since* is that of the first bad one."""

    since: datetime
    trouble: Trouble
    bad: int = 0
    well: int = 0

    @property
    def is_certain(self) -> bool:
        """Whether it was bad often enough to be told."""
        return self.bad >= BAD_LOOKS.get(self.trouble, 1)


@dataclass(frozen=True)
class Looks:
    """What earlier looks have shown of each subject.

    *held*: the pages that were well at some time, each with its place then. One that never answered
    there need not be one that this host can reach, so that nothing follows from its silence.
    """

    rows: Mapping[str, _Row] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """*seen* is what the incidents are to be told.

    Of the *kinds* that were looked at there are the *subjects*, and no others.
    """

    seen: tuple[Seen, ...]
    kinds: frozenset[Trouble]
    subjects: frozenset[str]


@dataclass(frozen=True)
class Extent:
    """The kinds of trouble that a look was to find, and those of them that it could look for."""

    tried: frozenset[Trouble]
    seen: frozenset[Trouble]


def judge(
    looks: Looks, graded: Iterable[Graded], extent: Extent, now: datetime
) -> tuple[Looks, Verdict]:
    """Take one more look into account.

    A row of bad looks ends where one of the kind failed: what is not seen is no finding.
    """
    graded = tuple(graded)
    held = {**looks.held, **_well_pages(graded)}
    rows = {
        subject: row
        for subject, row in looks.rows.items()
        if row.trouble not in extent.tried or (row.is_certain and row.trouble not in extent.seen)
    }
    seen: list[Seen] = []
    for each in graded:
        row = looks.rows.get(each.subject, _Row(now, each.trouble))
        row, news = _looked(row, each, now, is_heeded=_is_heeded(each, held))
        rows[each.subject] = row
        seen += news
    verdict = Verdict(tuple(seen), extent.seen, frozenset(each.subject for each in graded))
    return Looks(rows, held), verdict


def _well_pages(graded: Iterable[Graded]) -> Mapping[str, str]:
    pages = (each for each in graded if each.trouble in _MUST_HAVE_HELD)
    return {each.subject: each.place for each in pages if each.grade is Grade.WELL}


def _is_heeded(graded: Graded, held: Mapping[str, str]) -> bool:
    return graded.trouble not in _MUST_HAVE_HELD or held.get(graded.subject) == graded.place


def _looked(row: _Row, each: Graded, now: datetime, *, is_heeded: bool) -> tuple[_Row, list[Seen]]:
    if each.grade is Grade.WELL:
        row = replace(row, bad=row.bad if row.is_certain else 0, well=row.well + 1)
        if row.well < WELL_LOOKS.get(each.trouble, 1):
            return row, []
        return replace(row, bad=0), [Seen(each.subject, now)]
    if each.grade is Grade.BETWEEN or not is_heeded:
        return (replace(row, well=0) if row.is_certain else _Row(now, each.trouble)), []
    row = replace(row, since=row.since if row.bad else now, bad=row.bad + 1, well=0)
    if not row.is_certain:
        return row, []
    return row, [Seen(each.subject, row.since, each.trouble, each.detail)]
