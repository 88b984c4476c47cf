"""A test login at the server, as a browser would do it, with cookies of its own."""

import json
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from bot.adapters.server_pages import Pages, Reply
from bot.domain.login_flow import answer_to, component_of, ended_in
from bot.domain.site_checks import LoginAccount

_OK = 200
_ITSELF = range(300, 400)
_CSRF = "authentik_csrf"


@dataclass
class _Browser:
    pages: Pages
    path: str
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self) -> Reply | None:
        return await self._ask("GET", b"")

    async def post(self, answer: dict[str, Any]) -> Reply | None:
        """Answer a challenge; the executor then redirects to itself, for the next one."""
        reply = await self._ask("POST", json.dumps(answer).encode())
        return await self.get() if reply and reply.status in _ITSELF else reply

    async def _ask(self, method: str, body: bytes) -> Reply | None:
        headers = {"Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        if _CSRF in self.cookies:
            headers["X-authentik-CSRF"] = self.cookies[_CSRF]
        reply = await self.pages.ask(method, self.path, headers, body)
        for name, value in reply.headers if reply else ():
            if name == "set-cookie":
                self._keep(value)
        return reply

    def _keep(self, header: str) -> None:
        try:
            self.cookies |= {each.key: each.value for each in SimpleCookie(header).values()}
        except CookieError:  # a browser ignores such a one as well
            return


async def try_login(pages: Pages, account: LoginAccount, slug: str) -> str:
    """The component that a login at the flow *slug* ended in, with its own words."""
    browser = _Browser(pages, f"api/v3/flows/executor/{slug}/?query=")
    reply = await browser.get()
    answered: list[str] = []
    while True:
        if reply is None:
            return "no answer"
        if reply.status != _OK:
            return f"HTTP {reply.status}"
        challenge = _challenge(reply)
        answer = answer_to(challenge, account.user, account.password.get_secret_value())
        component = component_of(challenge)
        if answer is None or component in answered:
            return ended_in(challenge, identified=bool(answered))
        answered.append(component)
        reply = await browser.post(answer)


def _challenge(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
