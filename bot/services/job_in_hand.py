"""On which job the code that runs works at the moment, so that each line of the log can say so."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_JOB: ContextVar[str] = ContextVar("job", default="")


@contextmanager
def working_on(job_id: str) -> Iterator[None]:
    """All that runs in the context, with the tasks and threads that it begins, is that job's."""
    before = _JOB.set(job_id)
    try:
        yield
    finally:
        _JOB.reset(before)


def job_in_hand() -> str:
    """Its id, "" where no job is worked on."""
    return _JOB.get()
