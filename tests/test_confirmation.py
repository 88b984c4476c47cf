"""What a person is asked at the terminal, where there is none."""

from datetime import timedelta

import pytest

from bot.domain.update_gate import Judgement, Verdict
from bot.entrypoints.confirmation import StayQuestion
from tests.fakes_stack import FakeClock

URL = "https://auth.example.org"


@pytest.mark.parametrize(
    "reason",
    [
        f"all holds inside, only {URL} answers 502, 200 before: look whether people can log in",
        f"all holds inside, but {URL} fails now and then",
    ],
)
async def test_why_it_asks_is_said_once(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    until = clock.now() + timedelta(seconds=1)

    stays = await StayQuestion(clock)(Judgement(Verdict.ASK, reason), until)

    assert not stays, "there is nobody to ask"
    told = "There is no terminal to ask at, so it is rolled back."
    assert capsys.readouterr().err == f"A{reason[1:]}\n{told}\n"
