"""What a person is asked at the terminal, where there is none."""

import pytest

from bot.domain.update_gate import Judgement, Verdict
from bot.entrypoints.confirmation import StayQuestion

URL = "https://auth.example.org"


@pytest.mark.parametrize(
    "reason",
    [
        f"all holds inside, only {URL} answers 502, 200 before: look whether people can log in",
        f"all holds inside, but {URL} fails now and then",
    ],
)
async def test_why_it_asks_is_said_once(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    stays = await StayQuestion(1)(Judgement(Verdict.ASK, reason))

    assert not stays, "there is nobody to ask"
    assert capsys.readouterr().err == f"A{reason[1:]}\n"
