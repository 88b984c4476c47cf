"""`akbot jobs` says who asked for what, and in which chat."""

from datetime import UTC

import pytest

from bot.domain.jobs import JobState, Trigger
from bot.domain.orders import Order, OrderKind, Unmet
from bot.entrypoints.render import job_lines, jobs_lines
from tests.contracts.state_places import NOW, a_job


@pytest.mark.parametrize(
    ("trigger", "actor", "origin", "words"),
    [
        (Trigger.CLI, "root", "", "root (cli)"),
        (Trigger.CHAT, "Anna (42)", "telegram:4242:42:0:5", "Anna (42) (chat in private)"),
        (
            Trigger.CHAT,
            "Anna (42)",
            "telegram:4242:-1001234567890:7:5",
            "Anna (42) (chat in group -1001234567890, topic 7)",
        ),
    ],
)
def test_who_asked_and_where(trigger: Trigger, actor: str, origin: str, words: str) -> None:
    job = a_job("aaaa", trigger=trigger, actor=actor, origin=origin, state=JobState.DONE)

    assert f"  {words}  " in jobs_lines([job], UTC)[1]
    assert f"  by {words}, " in job_lines(job, UTC)[1]


def test_what_an_older_journal_has_is_told_without_passwords() -> None:
    words = "open postgres://u:secretpw@h/x: refused"
    job = a_job("aaaa", state=JobState.FAILED, message=words)
    order = Order(
        id="telegram:4242:45:0:5",
        kind=OrderKind.VERIFY,
        trigger=Trigger.CHAT,
        actor="Vera (45)",
        started=NOW,
        state=JobState.FAILED,
        message=words,
    )

    lines = [*jobs_lines([job, order], UTC), *job_lines(job, UTC)]

    assert len([line for line in lines if "open postgres://u:***@h/x: refused" in line]) == 3
    assert "secretpw" not in "\n".join(lines)


def test_what_came_to_nothing_is_told_with_its_reason() -> None:
    order = Order(
        id="telegram:4242:45:0:5",
        kind=OrderKind.RESTORE,
        trigger=Trigger.CHAT,
        actor="Vera (45)",
        started=NOW,
        origin="telegram:4242:45:0:5",
        label="latest",
        state=Unmet.REFUSED,
        message="it is for admins",
    )

    line = jobs_lines([order], UTC)[1]

    assert "restore latest" in line
    assert "Vera (45) (chat in private)" in line
    assert line.endswith("refused: it is for admins")
