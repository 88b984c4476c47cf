"""The line that is drawn on a terminal while a backup runs."""

import io

from bot.domain.backup_id import BackupId
from bot.domain.messages import (
    BackupStarted,
    BytesPassed,
    ComponentProgressed,
    LayersPulled,
    StepBegan,
)
from bot.entrypoints.terminal import Progress

BACKUP_ID = BackupId("20261123T033000Z-k3f9")
MB = 1_000_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def line(self) -> str:
        """What stands on the line that is drawn in place."""
        return self.getvalue().rpartition("\x1b[K")[2]


class Watch:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_share_is_of_the_dump_and_told_of_it_alone() -> None:
    """A dump is smaller than its database, of which a folder is no part."""
    terminal, watch = Terminal(), Watch()
    progress = Progress(terminal, watch)
    progress(BackupStarted(BACKUP_ID, database_size=1000 * MB, expected_dump=300 * MB))
    progress(ComponentProgressed("postgres", 0, 0))
    watch.seconds += 10
    progress(ComponentProgressed("postgres", 150 * MB, 150 * MB))

    assert terminal.line == (
        "  postgres: 150.0 MB, 15.0 MB/s, about 50% of the dump, about 10 s left"
    )
    watch.seconds += 1
    progress(ComponentProgressed("media", 1 * MB, 1 * MB))
    assert "%" not in terminal.line


def test_the_pace_of_a_component_counts_from_its_own_beginning() -> None:
    terminal, watch = Terminal(), Watch()
    progress = Progress(terminal, watch)
    progress(ComponentProgressed("globals", 1 * MB, 1 * MB))
    watch.seconds += 100
    progress(ComponentProgressed("media", 0, 0))
    watch.seconds += 2
    progress(ComponentProgressed("media", 50 * MB, 50 * MB))

    assert terminal.line == "  media: 50.0 MB, 25.0 MB/s"


def test_what_a_step_reads_or_fetches_is_drawn_as_well() -> None:
    terminal, watch = Terminal(), Watch()
    progress = Progress(terminal, watch)
    progress(StepBegan("getting the image"))
    progress(LayersPulled(0, 9, 0))
    watch.seconds += 10
    progress(LayersPulled(7, 9, 50 * MB))
    assert terminal.line == "  7 of 9 layers, 50.0 MB, 5.0 MB/s"
    progress(StepBegan("checking postgres"))
    watch.seconds += 1
    progress(BytesPassed(0, 100 * MB))
    watch.seconds += 10
    progress(BytesPassed(50 * MB, 100 * MB))

    assert terminal.line == "  50.0 MB of 100.0 MB, 5.0 MB/s, about 10 s left"


def test_where_nobody_watches_steps_alone_are_written() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress(StepBegan("checking postgres"))
    progress(BytesPassed(50 * MB, 100 * MB))

    assert stream.getvalue() == "  checking postgres\n"
