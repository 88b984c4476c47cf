"""What is told when somebody looks something up: versions, logs. Pure, like `texts`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot.domain.jobs import Job
from bot.domain.stack import Container, Role
from bot.domain.versions import read_tag
from bot.entrypoints.render import job_lines
from bot.entrypoints.telegram.local_times import local
from bot.entrypoints.telegram.markup import (
    LONGEST_TEXT,
    bold,
    code,
    escape,
    plain,
    units,
    verbatim,
)
from bot.entrypoints.telegram.pressed import Deed, DeedData
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Buttons
from bot.services.looks import MOST_LINES, VersionsNow

USUAL_LINES = 30
_STAMP = 19  # characters of Docker's time, up to the seconds
_DIGEST = 12
_IN_A_ROW = 2


def versions(now: VersionsNow) -> str:
    """Which versions run, and whether a newer one is known."""
    digest = (now.digest or "").removeprefix("sha256:")[:_DIGEST]
    lines = [
        f"akbot {bold(now.akbot)}",
        f"Authentik {bold(now.authentik or 'of a version that its container does not tell')}",
        f"Image: {code(now.image)}",
        f"Digest: {code(digest)}" if digest else "Digest: none, the image was built here",
        _newest(now),
    ]
    return "\n".join(lines)


def _newest(now: VersionsNow) -> str:
    if now.newest is None:
        return "Which version is the newest I do not know yet; /update looks."
    running = read_tag(now.authentik or "")
    if running and running >= now.newest:
        return "No newer version is known."
    return f"Newest known: {plain(str(now.newest), 40)}. /update shows the way."


def which_service(roles: Mapping[Role, Container], lines: int) -> tuple[str, Buttons]:
    """The answer to /logs alone: a button for each container."""
    choices = [
        (container.service, DeedData(Deed.LOG, role.value, lines).line())
        for role, container in roles.items()
    ]
    rows = [tuple(choices[at : at + _IN_A_ROW]) for at in range(0, len(choices), _IN_A_ROW)]
    return f"Whose last {lines} lines? Or send {code('/logs SERVICE LINES')}.", tuple(rows)


def logs_what(words: str) -> str:
    """The answer to /logs with words that it does not know."""
    return (
        f"I do not know what {code(words)} means. Send {code('/logs')}, {code('/logs worker')} or"
        f" {code('/logs worker 100')}, with up to {MOST_LINES} lines."
    )


def silent(container: Container) -> str:
    """A container that has said nothing."""
    return f"{bold(container.service)} has said nothing that Docker keeps."


def log(container: Container, lines: Sequence[str], wall: Wall) -> str:
    """Its last lines, secrets masked; "" where that is too long for a message."""
    shown = escape(verbatim("\n".join(_on_the_wall(line, wall) for line in lines)))
    text = f"{bold(container.service)}, the last {len(lines)} lines:\n<pre>{shown}</pre>"
    return text if units(text) <= LONGEST_TEXT else ""


def _on_the_wall(line: str, wall: Wall) -> str:
    """*line* with the time of day in place of Docker's stamp."""
    stamp, _, rest = line.partition(" ")
    try:
        then = datetime.fromisoformat(stamp[:_STAMP]).replace(tzinfo=UTC)
    except ValueError:
        return line
    return f"{then.astimezone(wall.zone):%H:%M:%S} {rest}"


def log_caption(container: Container, lines: Sequence[str]) -> str:
    """The caption of the document that has them."""
    return f"The last {len(lines)} lines of {bold(container.service)}; secrets in it are masked."


def why(job: Job, container: Container | None, lines: Sequence[str], wall: Wall) -> str:
    """All that is known of how a job went, as a document: its own words, its database's log."""
    said = [*job_lines(job, wall.zone)]
    if job.step:
        said.append(f"  the last thing that it began: {job.step}")
    said += ["", local(job.message, wall), ""] if job.message else [""]
    if container is None:
        return "\n".join([*said, "What the database's container said then is not to be had."])
    head = f"--- {container.service}, while it ran"
    return "\n".join([*said, head, *(lines or ["nothing"])])


def why_caption(job: Job) -> str:
    """The caption of that document."""
    return (
        f"How {code(job.id)} went, and what the database's log says of that time; secrets in it"
        " are masked."
    )
