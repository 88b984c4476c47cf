"""What is counted of a job, and how far it is by that."""

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.messages import (
    BackupStarted,
    BytesPassed,
    ComponentProgressed,
    ComponentStored,
    ComponentVerified,
    DeletionBegan,
    Event,
    LayersPulled,
    StepBegan,
)
from bot.domain.progress import Amount, BackupProgress
from bot.entrypoints.counting import Counting
from bot.entrypoints.render_progress import amount_words
from tests.telegram_chat.samples import component

DUMP = BackupStarted(BackupId("20261124T120000Z-k3f9"), 1000, 400)
STORED = ComponentStored(component("postgres"))
STEP = StepBegan("checking postgres")


def after(*events: Event) -> BackupProgress:
    progress = BackupProgress()
    for event in events:
        progress = progress.after(event)
    return progress


@pytest.mark.parametrize(
    ("events", "amount", "share"),
    [
        pytest.param([], None, None, id="nothing yet"),
        pytest.param([DUMP], None, 0, id="a dump that begins"),
        pytest.param(
            [DUMP, ComponentProgressed("postgres", 100, 9)],
            Amount(100, 400, about=True),
            0.25,
            id="a dump",
        ),
        pytest.param(
            [DUMP, ComponentProgressed("postgres", 500, 9)],
            Amount(500, 400, about=True),
            0.99,
            id="a dump that is longer than was thought",
        ),
        pytest.param([DUMP, ComponentProgressed("media", 9, 9)], None, 0, id="beside the dump"),
        pytest.param([DUMP, STORED], None, 0.99, id="a dump that is stored"),
        pytest.param([BytesPassed(30, 40)], Amount(30, 40), 0.75, id="what is read"),
        pytest.param([BytesPassed(40, 40)], Amount(40, 40), 0.99, id="all of it, but not the end"),
        pytest.param([BytesPassed(30)], Amount(30), None, id="nobody knows how much"),
        pytest.param(
            [LayersPulled(3, 4, 70)], Amount(70, here=3, layers=4), 0.75, id="an image's layers"
        ),
        pytest.param([BytesPassed(30, 40), STEP], None, None, id="another step"),
        pytest.param([DUMP, STORED, STEP, BytesPassed(1, 4)], Amount(1, 4), 0.25, id="after it"),
        pytest.param([BytesPassed(30, 40), DUMP], None, 0, id="a backup of its own"),
    ],
)
def test_how_far_it_is(events: list[Event], amount: Amount | None, share: float | None) -> None:
    progress = after(*events)

    assert progress.amount == amount
    assert progress.share == share


def test_what_is_known_of_it_all_is_put_right_at_its_end() -> None:
    assert Amount(4, 4).share == 1
    assert Amount(9, 4).share == 1
    assert Amount(4, 4, about=True).share == 0.99
    assert after().words == "looking at the stack"
    assert after(DUMP, STORED).words == "finishing"
    assert after(ComponentProgressed("postgres", 1, 1), STORED).read == {}
    assert after(DUMP).database_size == 1000


def test_a_deletion_says_what_and_how_many() -> None:
    began = DeletionBegan(BackupId("20261123T033000Z-k3f9"), 2, 3)

    assert after(began).words == "deleting 20261123T033000Z-k3f9, 2 of 3"


def test_a_step_begins_anew_and_is_remembered() -> None:
    progress = after(DUMP, STORED, STEP)

    assert progress.steps == (STEP.words,)
    assert (progress.stored, progress.expected_dump) == ({}, 0)


def test_each_step_verifies_its_own() -> None:
    verified = ComponentVerified(component("globals"))

    assert after(verified, STEP, verified).verified == ("globals",)
    assert after(BytesPassed(1)).words == "reading the backup"
    assert after(STEP, BytesPassed(1)).words == STEP.words


@pytest.mark.parametrize(
    ("amount", "seconds", "words"),
    [
        pytest.param(Amount(500), 0.5, "500 B", id="too soon for a pace"),
        pytest.param(Amount(500), 2, "500 B, 250 B/s", id="nobody knows how much"),
        pytest.param(Amount(500, 1000), 2, "500 B of 1.0 kB, 250 B/s, about 2.0 s left", id="all"),
        pytest.param(
            Amount(500, 1000, about=True),
            2,
            "500 B of about 1.0 kB, 250 B/s, about 2.0 s left",
            id="an estimate",
        ),
        pytest.param(Amount(1000, 1000), 2, "1.0 kB of 1.0 kB, 500 B/s", id="done"),
        pytest.param(Amount(0, here=1, layers=9), 0, "1 of 9 layers", id="layers"),
        pytest.param(Amount(500, here=1, layers=9), 2, "1 of 9 layers, 500 B, 250 B/s", id="both"),
    ],
)
def test_only_what_is_known_is_told(amount: Amount, seconds: float, words: str) -> None:
    assert amount_words(amount, seconds) == words


def test_what_is_counted_anew_has_a_pace_of_its_own() -> None:
    counting = Counting()
    assert counting.seconds(5) == 0
    counting.learn(BytesPassed(0, 9), 10)
    counting.learn(BytesPassed(5, 9), 12)
    assert counting.seconds(13) == 3
    counting.learn(BytesPassed(1, 9), 20)
    assert counting.seconds(21) == 1
    counting.learn(STEP, 22)
    assert counting.seconds(23) == 0
    counting.learn(BytesPassed(7, 9), 30)
    assert counting.seconds(31) == 1
