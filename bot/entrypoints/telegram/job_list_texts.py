"""The jobs as a person looks through them: a list, and one of them. Pure, like `texts`."""

from collections.abc import Sequence

from bot.domain.errors import RefusedError
from bot.domain.jobs import Job, JobState
from bot.domain.orders import Entry, Unmet
from bot.entrypoints.telegram.job_texts import ways_on
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.markup import bold, code, plain
from bot.entrypoints.telegram.pressed import Deed, DeedData
from bot.entrypoints.telegram.texts import SIGNS, Wall, by, cause
from bot.services.journal_ports import Buttons

MOST_JOBS = 10
_WITH_REASON = frozenset({JobState.FAILED, Unmet.REFUSED})
_IN_A_ROW = 2


def jobs(newest: Sequence[Entry], wall: Wall) -> tuple[str, Buttons]:
    """Who asked for what, when, where, and what came of it; a button for each job."""
    if not newest:
        return "Nothing was asked of me yet.", ()
    lines = [_entry(each, wall) for each in newest]
    choices = [
        (f"{job.kind} {wall.time(job.started)}", DeedData(Deed.JOB, job.id).line())
        for job in newest
        if isinstance(job, Job)
    ]
    if choices:
        lines.append("Press one, or send /jobs and the beginning of its id, for more.")
    text = "\n".join(lines)
    rows = [tuple(choices[at : at + _IN_A_ROW]) for at in range(0, len(choices), _IN_A_ROW)]
    return text, tuple(rows)


def _entry(entry: Entry, wall: Wall) -> str:
    """A job, of which a button shows more; or all of an order."""
    if isinstance(entry, Job):
        line = f"{SIGNS[entry.state]}: {entry.kind} {wall.moment(entry.started)}"
        return f"{line}\n   {by(entry)}, {code(entry.id)}"
    line = f"{SIGNS[entry.state]}: {plain(entry.words, 60)}, {wall.moment(entry.started)}"
    why = f"\n   Reason: {plain(local(entry.message, wall))}" if entry.state in _WITH_REASON else ""
    return f"{line}\n   {by(entry)}{why}"


def one_job(job: Job | None, job_id: str, wall: Wall) -> tuple[str, Buttons]:
    """One job in full, with the way back to the list."""
    back = (("← All jobs", DeedData(Deed.JOBS).line()),)
    if job is None:
        return f"The job {code(job_id)} is not known any more.", (back,)
    return job_details(job, wall), (*((each,) for each in ways_on(job)), back)


def job_details(job: Job, wall: Wall) -> str:
    """One job in full."""
    lines = [
        f"{SIGNS[job.state]}: {bold(job.kind)} {code(job.id)}",
        f"Begun {wall.moment(job.started)}, {by(job)}",
    ]
    if job.label:
        lines.append(f"Label: {plain(job.label)}")
    if job.state is JobState.RUNNING and job.progress:
        share = f", {job.share:.0%}" if job.share is not None else ""
        lines.append(f"Now: {plain(job.progress)}{share}")
    if job.ended:
        lines.append(f"Ended {wall.moment(job.ended)}")
    if job.message:
        lines.append(f"Outcome: {plain(local(job.message, wall), 2000)}")
    if job.crashes:
        lines.append(f"It was cut off {'once' if job.crashes == 1 else f'{job.crashes} times'}.")
    return "\n".join(lines)


def no_such_job(error: RefusedError) -> str:
    """The answer to /jobs with an id that names no job, or several."""
    return f"{cause(error)}. Send /jobs for the newest ones."


def gone(job_id: str) -> str:
    """Likewise, of a job that a button knows still."""
    return no_such_job(RefusedError(f'"{job_id}" is no job any more'))
