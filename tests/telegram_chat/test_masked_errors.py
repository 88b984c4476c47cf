"""Whatever an error quotes, the chat shows nobody what opens a door."""

from collections.abc import Callable

import pytest

from bot.domain.errors import BotError, IntegrityError, RefusedError
from bot.entrypoints.telegram import (
    backup_texts,
    failure_texts,
    job_list_texts,
    restore_plan_texts,
    start_texts,
    texts,
    update_plan_texts,
    verify_texts,
)
from tests.telegram_chat.samples import record
from tests.telegram_chat.test_texts import WALL

SECRET = "hunter2hunter2"
QUOTED = f"get https://root:{SECRET}@nas.example/backups: no answer"
HIDDEN = f"AGE-SECRET\x00-KEY-1{SECRET.upper()}"  # which the chat would not show as broken
CUT = f"{'a long answer ' * 40}https://root:{SECRET}@nas.example"

SHOWN: dict[str, Callable[[RefusedError], str]] = {
    "problem": texts.problem,
    "not begun": start_texts.not_begun,
    "not pinned": texts.not_pinned,
    "busy": lambda error: start_texts.busy(None, error, WALL, may_stop=True),
    "failed": lambda error: failure_texts.command_failed(error, WALL),
    "not restored": restore_plan_texts.refused,
    "no version": update_plan_texts.no_version,
    "no update": update_plan_texts.refused,
    "up to date": lambda error: update_plan_texts.up_to_date(error, ""),
    "not back": update_plan_texts.not_taken_back,
    "no job": job_list_texts.no_such_job,
    "no backup": backup_texts.no_such_backup,
    "unseen": lambda error: backup_texts.unseen(error, 0, WALL).text,
    "not verified": lambda error: verify_texts.failed(record(1), error, WALL).text,
    "damaged": lambda error: verify_texts.failed(record(1), IntegrityError(str(error)), WALL).text,
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
@pytest.mark.parametrize("words", [QUOTED, HIDDEN, CUT], ids=["address", "hidden", "cut"])
def test_what_opens_a_door_is_masked(show: Callable[[RefusedError], str], words: str) -> None:
    shown = show(RefusedError(words, hint=f"Look there: {words}"))

    assert SECRET.lower() not in shown.lower()


def test_what_opens_none_is_told_in_full() -> None:
    error: BotError = RefusedError("get https://nas.example: no answer", hint="Start it.")

    assert texts.problem(error) == "get https://nas.example: no answer. Start it."
    assert texts.cause(error) == "get https://nas.example: no answer"
    assert texts.next_step(error) == "Start it."
    assert texts.problem(RefusedError("no answer")) == "no answer."
