"""A stand-in for wollomatic/socket-proxy, which cannot be pulled everywhere: its options and rules.

It takes the command line that deploy/compose.socket-proxy.yml gives to the real one, lets a request
through where one of the patterns of its method matches the whole path, and logs in the same words.
One request a connection, so that each is looked at; what comes after its head is passed on unread.
"""

import argparse
import asyncio
import contextlib
import os
import re
import sys
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_BLOCK = 1 << 18
_HEAD_LIMIT = 1 << 20

_REFUSED = (
    "HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: {}\r\nConnection: close\r\n\r\n{}\n"
)
_FORBIDDEN = _REFUSED.format(403, "Forbidden", 10, "Forbidden").encode()
_NOT_ALLOWED = _REFUSED.format(405, "Method Not Allowed", 19, "Method Not Allowed").encode()

Patterns = Mapping[str, Sequence[re.Pattern[str]]]


def options() -> argparse.ArgumentParser:
    """Those of the real one's that the compose file may use; any other is an error, as there."""
    parser = argparse.ArgumentParser(prefix_chars="-", allow_abbrev=False)
    parser.add_argument("-socketpath", default="/var/run/docker.sock")
    parser.add_argument("-proxysocketendpoint", required=True)
    parser.add_argument("-allowhealthcheck", action="store_true")
    parser.add_argument("-watchdoginterval", type=int, default=0)
    parser.add_argument("-stoponwatchdog", action="store_true")
    parser.add_argument("-shutdowngracetime", type=int, default=10)
    parser.add_argument("-loglevel", default=os.environ.get("SP_LOGLEVEL", "INFO"))
    for method in METHODS:
        parser.add_argument(f"-allow{method}", action="append", default=[])
    return parser


def patterns(given: argparse.Namespace) -> Patterns:
    """Of each method its patterns, which must match a path from its beginning to its end."""
    return {
        method: [re.compile(f"^{each}\\Z") for each in getattr(given, f"allow{method}")]
        for method in METHODS
        if getattr(given, f"allow{method}")
    }


def path_of(url: str) -> str:
    """What the patterns are held against."""
    return unquote(urlsplit(url).path)


def allowing(allowed: Patterns, method: str, path: str) -> Sequence[re.Pattern[str]]:
    """The patterns that let it pass."""
    return [each for each in allowed.get(method, ()) if each.search(path)]


class Filter:
    """Looks at each request's head, and passes connections on to the socket at *engine*."""

    def __init__(self, allowed: Patterns, engine: str, *, verbose: bool) -> None:
        self._allowed = allowed
        self._engine = engine
        self._verbose = verbose
        # The event loop forgets a connection that has nothing more to be read.
        self.serving: set[asyncio.Task[None]] = set()

    def serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        serving = asyncio.ensure_future(self._serve(client, answers))
        self.serving.add(serving)
        serving.add_done_callback(self.serving.discard)

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._look_and_pass(client, answers)
        answers.transport.abort() if answers.transport.is_closing() else answers.close()

    async def _look_and_pass(
        self, client: asyncio.StreamReader, answers: asyncio.StreamWriter
    ) -> None:
        first, *headers = (await client.readuntil(b"\r\n\r\n")).split(b"\r\n")
        method, url, _ = first.decode().split(" ", 2)
        if not allowing(self._allowed, method, path_of(url)):
            _say("WARN", "blocked request", method=method, URL=url)
            answers.write(_FORBIDDEN if method in self._allowed else _NOT_ALLOWED)
            await answers.drain()
            return
        if self._verbose:
            _say("DEBUG", "allowed request", method=method, URL=url)
        engine, requests = await asyncio.open_unix_connection(self._engine, limit=_HEAD_LIMIT)
        try:
            requests.write(b"\r\n".join([first, *_once(headers)]))
            await _both(_pass(client, requests), _pass(engine, answers))
        finally:
            requests.close()


def _once(headers: Sequence[bytes]) -> Sequence[bytes]:
    """The same, for one request alone; an upgrade takes the connection anyway."""
    if any(each.lower().startswith(b"upgrade:") for each in headers):
        return headers
    return [b"Connection: close", *(h for h in headers if not h.lower().startswith(b"connection:"))]


async def _both(*ways: Coroutine[None, None, None]) -> None:
    """Until both ways have ended, or one has failed."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while block := await source.read(_BLOCK):
        target.write(block)
        await target.drain()
    target.write_eof()


def _say(level: str, message: str, **values: str) -> None:
    words = " ".join(f"{name}={value}" for name, value in values.items())
    sys.stdout.write(f'level={level} msg="{message}" {words}\n')
    sys.stdout.flush()


async def run(given: argparse.Namespace, place: Path) -> None:
    """Listen until it is killed."""
    verbose = given.loglevel.upper() == "DEBUG"
    narrow = Filter(patterns(given), given.socketpath, verbose=verbose)
    old = os.umask(0o177)  # as the real one's: for its owner alone
    server = await asyncio.start_unix_server(narrow.serve, place, limit=_HEAD_LIMIT)
    os.umask(old)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Replace a socket that is left there, as the real one does, and listen."""
    given = options().parse_args()
    place = Path(given.proxysocketendpoint)
    place.unlink(missing_ok=True)
    asyncio.run(run(given, place))


if __name__ == "__main__":
    main()
