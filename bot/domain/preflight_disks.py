"""Whether there is room for an update: disk by disk, all that lies on one together (facts §7 8).

A database whose disk is full lets nobody in, the bot on its way back included, so that this comes
before anything is touched.
"""

from collections.abc import Iterable, Iterator

from bot.domain.findings import Finding, Level
from bot.domain.preflight_facts import StackState
from bot.domain.restore_room import SPARE, Crowd, DatabaseRoom, Need, by_disk, log_of
from bot.domain.update_outlook import Outlook

_UNPACKED = 3  # an image takes about so many times what is loaded of it
_COPY, _COPIES = "a copy of the database", "two copies of the database at a time"
_LOG, _IMAGES = "the server's log of what is written", "the images"
_SUBJECTS = {
    _COPY: "disk of the database",
    _COPIES: "disk of the database",
    _LOG: "disk of the database's log",
    _IMAGES: "disk of the images",
}
_LETS_NOBODY_IN = "without room for its log PostgreSQL lets nobody in"
_REMEDIES = {
    _COPY: f"the copy is the way back, and {_LETS_NOBODY_IN}",
    _COPIES: f"the copies are the way back, and {_LETS_NOBODY_IN}",
    _LOG: _LETS_NOBODY_IN,
    _IMAGES: "docker image prune",
}


def judge_disks(state: StackState, outlook: Outlook) -> Iterable[Finding]:
    """Room for the copies of the database, for what is logged meanwhile, and for every image."""
    images = int(sum(each.size for each in outlook.hops) * _UNPACKED * SPARE)
    copies = _copied(state, outlook)
    room, disk = state.database.room, state.image_disk
    if room is None:
        yield _unknown("disk of the database", copies)
    if disk is None:
        yield _unknown("disk of the images", images)
    needs = [*_of_database(room, copies, outlook)] if room else []
    needs += [Need(disk, _IMAGES, images)] if disk else []
    for crowd in by_disk(needs):
        yield _judge(crowd)


def _several(outlook: Outlook) -> bool:
    return len(outlook.hops) > 1


def _copied(state: StackState, outlook: Outlook) -> int:
    """That of the first hop is kept for the way back while each later one has its own beside it."""
    return int(state.database.size * (2 if _several(outlook) else 1) * SPARE)


def _of_database(room: DatabaseRoom, copies: int, outlook: Outlook) -> Iterator[Need]:
    """The new version's migrations may write all once more, of which the log has every byte."""
    yield Need(room.data, _COPIES if _several(outlook) else _COPY, copies)
    yield Need(room.log, _LOG, log_of(copies, room.most_log))


def _judge(crowd: Crowd) -> Finding:
    parts = [f"{each.size / 1e9:.1f} GB for {each.what}" for each in crowd.needs]
    *most, last = parts
    listed = f"{', '.join(most)} and {last}" if most else last
    first, *others = (each.what for each in crowd.needs)
    prune = f" ({_REMEDIES[_IMAGES]})" if _IMAGES in others else ""
    return Finding(
        _SUBJECTS[first],
        Level.OK if crowd.fits else Level.FAILURE,
        f"{crowd.free / 1e9:.1f} GB free, {crowd.needed / 1e9:.1f} GB needed: {listed}",
        "" if crowd.fits else f"Make room{prune}: {_REMEDIES[first]}.",
    )


def _unknown(subject: str, needed: int) -> Finding:
    return Finding(
        subject,
        Level.WARNING,
        "nobody can tell from here how much is free",
        f"See to it that {needed / 1e9:.1f} GB are.",
    )
