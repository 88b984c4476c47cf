"""How much room a restore asks for, on which disk, and what is said where there is less."""

from collections.abc import Mapping

import pytest

from bot.domain.errors import RefusedError
from bot.domain.restore_room import DatabaseRoom, Disk, Room, require_room

GIB = 2**30
SIZE = 10 * GIB
LOADED = 11 * GIB  # with what is spared for indexes
AHEAD = 48 * 2**20
MEDIA, CERTS = "/srv/media", "/srv/certs"


def room(
    data: str, log: str, most_log: int | None, free: Mapping[str, int], **folders: str
) -> Room:
    """Disks by their names, so that the same one has the same room."""
    disks = {name: Disk(name, size) for name, size in free.items()}
    return Room(
        database=DatabaseRoom(data=disks[data], log=disks[log], most_log=most_log),
        folders={f"/srv/{mount}": disks[name] for mount, name in folders.items()},
    )


def fits(there: Room, *, database: int = 0, files: Mapping[str, int] | None = None) -> bool:
    try:
        require_room(there, database=database, files=files or {})
    except RefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("most_log", "size", "needed"),
    [
        pytest.param(GIB, SIZE, LOADED + GIB + GIB // 2 + AHEAD, id="as it is set by nobody"),
        pytest.param(4 * GIB, SIZE, LOADED + 6 * GIB + AHEAD, id="a log that may grow"),
        pytest.param(2**25, SIZE, LOADED + 2**25 + GIB // 2 + AHEAD, id="a log that may not"),
        pytest.param(20 * GIB, SIZE, 2 * LOADED + AHEAD, id="never more than is loaded"),
        pytest.param(None, SIZE, 2 * LOADED + AHEAD, id="a log of which all is kept"),
        pytest.param(None, 0, 0, id="no database, or one of an unknown size"),
    ],
)
def test_the_log_of_a_load_is_counted_as_the_server_keeps_it(
    most_log: int | None, size: int, needed: int
) -> None:
    assert fits(room("a", "a", most_log, {"a": needed}), database=size)
    assert needed == 0 or not fits(room("a", "a", most_log, {"a": needed - 1}), database=size)


LOG = GIB + GIB // 2 + AHEAD
STAGED = int(1.1 * GIB)


@pytest.mark.parametrize(
    ("there", "files", "wanted"),
    [
        pytest.param(
            room("a", "a", GIB, {"a": LOADED + LOG + STAGED}, media="a"), {MEDIA: GIB}, True,
            id="all on one disk",
        ),
        pytest.param(
            room("a", "a", GIB, {"a": LOADED + LOG + STAGED - 1}, media="a"), {MEDIA: GIB}, False,
            id="a byte less",
        ),
        pytest.param(
            room("a", "a", GIB, {"a": LOADED + LOG, "b": STAGED}, media="b"), {MEDIA: GIB}, True,
            id="files elsewhere",
        ),
        pytest.param(
            room("a", "a", GIB, {"a": LOADED + LOG, "b": STAGED - 1}, media="b"), {MEDIA: GIB},
            False, id="no room where the files are",
        ),
        pytest.param(
            room("a", "b", GIB, {"a": LOADED, "b": LOG}), {}, True, id="the log elsewhere"
        ),
        pytest.param(
            room("a", "b", GIB, {"a": LOADED + LOG, "b": LOG - 1}), {}, False,
            id="no room where the log is",
        ),
        pytest.param(
            room("a", "a", GIB, {"a": LOADED + LOG, "b": STAGED}, media="b", certs="b"),
            {MEDIA: GIB // 2, CERTS: GIB // 2}, True, id="two mounts on one disk",
        ),
        pytest.param(
            room("a", "a", GIB, {"a": LOADED + LOG, "b": STAGED}, media="b", certs="b"),
            {MEDIA: GIB, CERTS: GIB}, False, id="two mounts that do not fit together",
        ),
        pytest.param(
            room("a", "a", GIB, {"a": LOADED + LOG}), {MEDIA: GIB}, True,
            id="nobody knows where the files are",
        ),
    ],
)  # fmt: skip
def test_what_lies_on_one_disk_is_counted_together(
    there: Room, files: Mapping[str, int], *, wanted: bool
) -> None:
    assert fits(there, database=SIZE, files=files) is wanted


def test_of_a_database_outside_nobody_knows() -> None:
    assert fits(Room(), database=SIZE)


DATABASE, WAL, FILES = "the database", "the log of its load", "the files"


@pytest.mark.parametrize(
    ("there", "database", "size", "what"),
    [
        (
            room("a", "a", GIB, {"a": GIB}, media="a"), SIZE,
            "13,974", f"{DATABASE}, {WAL} and {FILES}",
        ),
        (room("a", "b", GIB, {"a": GIB, "b": GIB}, media="b"), SIZE, "11,264", DATABASE),
        (
            room("a", "b", GIB, {"a": 2 * SIZE, "b": GIB}, media="b"), SIZE,
            "2,710", f"{WAL} and {FILES}",
        ),
        (room("a", "a", GIB, {"a": GIB}, media="a"), 0, "1,126", FILES),
    ],
)  # fmt: skip
def test_what_has_no_room_is_named(there: Room, database: int, size: str, what: str) -> None:
    with pytest.raises(RefusedError) as caught:
        require_room(there, database=database, files={MEDIA: GIB})

    words = f"a restore takes about {size} MiB for {what}; the disk for that has 1,024 MiB free"
    assert str(caught.value) == words
