"""What is concluded from the figures of a part, in words that go with the figures."""

from collections.abc import Iterator

from tests.bench.results import LIMIT, Part

TWO_JOBS = "limit with two jobs"
WORTH_IT = 0.75  # of the time with one job; above that a second one is left out


def remarks(part: Part) -> Iterator[str]:
    """Sentences for the list below its tables."""
    case = part.figures[-1].case if part.figures else ""  # the largest
    taken = part.ratio(case, TWO_JOBS, "wall", LIMIT)
    two, one = part.find(case, TWO_JOBS, "CPU"), part.find(case, LIMIT, "CPU")
    if taken is None or two is None or one is None or part.machine.busy or taken < WORTH_IT:
        return
    yield (
        f"{case}: two jobs of `pg_restore` load in {taken:.2f} of the time of one, with"
        f" {two.median:.1f} s of CPU instead of {one.median:.1f} s, on {part.machine.cores} cores."
        " Several jobs need an archive in which `pg_restore` can seek, a file or a directory: all"
        " of it would have to lie on the disk before the load begins, beside the database that is"
        " made of it, and to write it there takes time as well. So akbot loads the one stream that"
        " comes from the store, with one job."
    )
