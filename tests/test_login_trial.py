"""A test login against a server that answers from a script."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import SecretStr

from bot.adapters.login_trial import try_login
from bot.adapters.server_pages import Reply
from bot.domain.site_checks import LoginAccount
from bot.domain.update_gate import LOGGED_IN

ACCOUNT = LoginAccount(user="u", password=SecretStr("planted"))
PASSWORD = "ak-stage-password"


@dataclass
class Scripted:
    """Pages that answer one after the other; `asked` is what they were asked."""

    replies: Sequence[Reply | None]
    asked: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply | None:
        self.asked.append((method, path, headers or {}, body))
        return self.replies[len(self.asked) - 1]


def challenge(component: str, *cookies: str) -> Reply:
    headers = tuple(("set-cookie", each) for each in cookies)
    return Reply(200, headers, json.dumps({"component": component}).encode())


def ended(*replies: Reply | None) -> tuple[str, Scripted]:
    pages = Scripted(replies)
    return asyncio.run(try_login(pages, ACCOUNT, "login")), pages


def test_cookies_go_along_and_the_csrf_token_stands_in_a_header() -> None:
    words, pages = ended(
        challenge("ak-stage-identification", "authentik_session=a=b; Path=/; HttpOnly"),
        Reply(302, (("set-cookie", "authentik_csrf=c; Path=/"), ("location", "/elsewhere/"))),
        challenge(PASSWORD, "authentik_session=d"),
        challenge(LOGGED_IN),
    )

    assert words == LOGGED_IN
    path = "api/v3/flows/executor/login/?query="
    assert [(method, where) for method, where, _, _ in pages.asked] == [
        *(("GET", path), ("POST", path), ("GET", path), ("POST", path))
    ]
    headers = [each[2] for each in pages.asked]
    assert headers[1]["Cookie"] == "authentik_session=a=b"
    assert headers[3]["Cookie"] == "authentik_session=d; authentik_csrf=c"
    assert headers[3]["X-authentik-CSRF"] == "c"
    assert json.loads(pages.asked[3][3]) == {"component": PASSWORD, "password": "planted"}


def test_whatever_else_it_ends_in_is_named() -> None:
    assert ended(None)[0] == "no answer"
    assert ended(Reply(500, (), b"Server Error"))[0] == "HTTP 500"
    assert ended(Reply(200, (), b"<html>"))[0] == "no challenge"
    assert ended(Reply(200, (), b"[]"))[0] == "no challenge"
    assert ended(challenge(PASSWORD), None)[0] == "no answer"
    assert ended(challenge(PASSWORD), challenge(PASSWORD))[0] == PASSWORD
    assert ended(challenge(PASSWORD), challenge("ak-stage-flow-error"))[0] == "ak-stage-flow-error"
