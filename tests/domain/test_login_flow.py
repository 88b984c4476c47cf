"""What a login answers to each challenge, and how it is said to have ended."""

from typing import Any

import pytest

from bot.domain.login_flow import answer_to, ended_in
from bot.domain.update_gate import LOGGED_IN

IDENTIFICATION = {"component": "ak-stage-identification"}


@pytest.mark.parametrize(
    ("challenge", "answer"),
    [
        (IDENTIFICATION, {**IDENTIFICATION, "uid_field": "u"}),
        (
            {**IDENTIFICATION, "password_fields": True},
            {**IDENTIFICATION, "uid_field": "u", "password": "p"},
        ),
        ({"component": "ak-stage-password"}, {"component": "ak-stage-password", "password": "p"}),
        (
            {"component": "ak-stage-user-login"},
            {"component": "ak-stage-user-login", "remember_me": False},
        ),
        ({"component": "ak-stage-authenticator-validate"}, None),
        ({"component": LOGGED_IN}, None),
        ({}, None),
    ],
)
def test_answers(challenge: dict[str, Any], answer: dict[str, Any] | None) -> None:
    assert answer_to(challenge, "u", "p") == answer


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ({"component": LOGGED_IN, "to": "/"}, LOGGED_IN),
        ({"component": "ak-stage-flow-error", "request_id": "1"}, "ak-stage-flow-error"),
        (
            {"component": "ak-stage-access-denied", "error_message": "No\nway in"},
            "ak-stage-access-denied (No way in)",
        ),
        (
            {
                "component": "ak-stage-password",
                "response_errors": {"password": [{"string": "Failed to authenticate."}]},
            },
            "ak-stage-password (Failed to authenticate.)",
        ),
        ({"component": "x", "response_errors": {"a": ["b", {}], "c": "d"}}, "x"),
        ({"component": "x", "response_errors": {"a": 1}}, "x"),
        ({}, "no challenge"),
    ],
)
def test_ends(challenge: dict[str, Any], words: str) -> None:
    assert ended_in(challenge, identified=True) == words


def test_a_redirect_of_somebody_who_was_never_asked_is_no_login() -> None:
    assert ended_in({"component": LOGGED_IN}, identified=False) != LOGGED_IN
