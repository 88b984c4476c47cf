"""What is concluded from the figures of a part, in words that go with the figures."""

from collections.abc import Iterator

from tests.bench.results import AWAY, DOWNTIME, LIMIT, OURS, OWN, VERDICT, Part

TWO_JOBS = "limit with two jobs"
CHECKING, LOADING, COMPARING = "of it checked", "loaded", "compared"
WORTH_IT = 0.75  # of the time with one job; above that a second one is left out


def remarks(part: Part) -> Iterator[str]:
    """Sentences for the list below its tables."""
    case = part.figures[-1].case if part.figures else ""  # the largest
    if not part.machine.busy:
        yield from _of_two_jobs(part, case)
        yield from _of_what_peers_leave_out(part, case)
        yield from _of_downtime(part)


def _of_what_peers_leave_out(part: Part, case: str) -> Iterator[str]:
    found = [part.find(case, f"{OURS}, S3", each) for each in (CHECKING, LOADING, COMPARING)]
    checked, loaded, compared = (each.median if each else None for each in found)
    ratio = part.ratio(case, f"{OURS}, S3", LOADING, LIMIT, "wall")
    if checked is None or loaded is None or compared is None or ratio is None:
        return
    yield (
        f"{case}: of akbot's time from S3 {checked:.1f} s read the object once to its end, before"
        f" a byte of it is loaded, and {compared:.1f} s counted every row and analysed; no peer"
        f" does the first, nor counts. The load itself, {loaded:.1f} s, is {ratio:.2f} of the"
        " limit, which has the time to analyse in it."
    )


def _of_downtime(part: Part) -> Iterator[str]:
    for case in (DOWNTIME, VERDICT):
        away, own = (part.find(case, OURS, each) for each in (AWAY, OWN))
        if away and own:
            yield (
                f"{case}: of {away.median:.1f} s akbot itself takes {own.median:.1f} s; the rest is"
                " the containers' own start and the copy of the database."
            )


def _of_two_jobs(part: Part, case: str) -> Iterator[str]:
    taken = part.ratio(case, TWO_JOBS, "wall", LIMIT)
    two, one = part.find(case, TWO_JOBS, "CPU"), part.find(case, LIMIT, "CPU")
    if taken is None or two is None or one is None or taken < WORTH_IT:
        return
    yield (
        f"{case}: two jobs of `pg_restore` load in {taken:.2f} of the time of one, with"
        f" {two.median:.1f} s of CPU instead of {one.median:.1f} s, on {part.machine.cores} cores."
        " Several jobs need an archive in which `pg_restore` can seek, a file or a directory: all"
        " of it would have to lie on the disk before the load begins, beside the database that is"
        " made of it, and to write it there takes time as well. So akbot loads the one stream that"
        " comes from the store, with one job."
    )
