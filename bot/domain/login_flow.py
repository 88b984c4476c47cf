"""A test login through Authentik's flow executor: what each challenge is answered, and how it ends.

The executor sends challenges until one is the redirect of somebody who was let in. On code that
does not fit its database that login is the one thing which does not work (facts §11).
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.log_masking import mask_line
from bot.domain.printable import one_line
from bot.domain.update_gate import LOGGED_IN

_WORDS = 120
_IDENTIFICATION = "ak-stage-identification"
_PASSWORD = "ak-stage-password"  # noqa: S105 - a stage's name
_USER_LOGIN = "ak-stage-user-login"


def component_of(challenge: Mapping[str, Any]) -> str:
    """What a browser would show for it."""
    return str(challenge.get("component", "no challenge"))


def answer_to(challenge: Mapping[str, Any], user: str, password: str) -> dict[str, Any] | None:
    """What a person without a second factor would answer; None where there is nothing to answer."""
    component = component_of(challenge)
    answer: dict[str, Any] = {"component": component}
    if component == _IDENTIFICATION:
        with_password = {"password": password} if challenge.get("password_fields") else {}
        return {**answer, "uid_field": user, **with_password}
    if component == _PASSWORD:
        return {**answer, "password": password}
    if component == _USER_LOGIN:
        return {**answer, "remember_me": False}
    return None


def ended_in(challenge: Mapping[str, Any], *, identified: bool) -> str:
    """The last challenge's component, and what it says is wrong.

    It is `LOGGED_IN` alone where somebody was let in who had been *identified*.
    """
    component = component_of(challenge)
    if component == LOGGED_IN:
        return component if identified else f"{component} before anybody was asked for a name"
    words = one_line(mask_line(_words(challenge)), _WORDS)
    return f"{component} ({words})" if words else component


def _words(challenge: Mapping[str, Any]) -> str:
    errors = challenge.get("response_errors")
    if isinstance(errors, Mapping):
        for found in errors.values():
            for each in found if isinstance(found, list) else []:
                if isinstance(each, Mapping) and each.get("string"):
                    return str(each["string"])
    return str(challenge.get("error_message") or "")
