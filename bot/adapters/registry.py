"""An image registry, asked over its v2 API; nothing of an image is loaded but its description."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode, urljoin, urlsplit

from bot.adapters.http_client import Answer, HttpClient
from bot.adapters.registry_cache import Page, RegistryCache
from bot.adapters.registry_login import DockerLogins, Login
from bot.adapters.threads import Threads
from bot.domain.errors import IntegrityError, PortError, RefusedError
from bot.domain.image_name import DIGEST, ImageName, registry_url
from bot.domain.registry_answers import (
    INDEXES,
    MANIFESTS,
    Platform,
    RegistryImage,
    choose_manifest,
    is_index,
    may_be_asked,
    next_page,
    parse_challenge,
    parse_config,
    parse_manifest,
    parse_retry_after,
    parse_tags,
    parse_token,
)
from bot.services.ports import Clock

_PAGE = 1000
_MOST_PAGES = 50
_MOST_BYTES = 4 << 20
_MOST_TOKEN = 64 * 1024
_MOST_REDIRECTS = 3
_LONGEST_WAIT = timedelta(hours=6)
_REDIRECTS = {301, 302, 303, 307, 308}
_ACCEPT = ", ".join((*INDEXES, *MANIFESTS))


@dataclass
class HttpRegistry:
    """Port `ImageRegistry`; *endpoint* is another address for every registry, "" for their own.

    A login goes to the host that it was made for, or to the token server which that host names.
    """

    endpoint: str
    logins: DockerLogins
    cache: RegistryCache
    clock: Clock
    client: HttpClient = field(default_factory=HttpClient)
    _granted: dict[str, str] = field(default_factory=dict, repr=False)
    _threads: Threads = field(default_factory=lambda: Threads("registry", 2))

    async def tags(self, name: ImageName) -> Sequence[str]:
        return await self._threads.run(lambda: self._conversation(name).tags())

    async def digest(self, name: ImageName, tag: str) -> str | None:
        return await self._threads.run(lambda: self._conversation(name).digest(tag))

    async def image(self, name: ImageName, tag: str, platform: Platform) -> RegistryImage | None:
        return await self._threads.run(lambda: self._conversation(name).image(tag, platform))

    async def close(self) -> None:
        """End the threads."""
        await self._threads.close()

    def _conversation(self, name: ImageName) -> "_Conversation":
        base = self.endpoint.rstrip("/") or registry_url(name.registry)
        return _Conversation(self, name, base, self._granted)


@dataclass
class _Conversation:
    """A few requests about one repository; its calls block.

    *granted* are the headers that were good enough before, by the repository's URL: secrets.
    """

    registry: HttpRegistry
    name: ImageName
    base: str
    granted: dict[str, str] = field(repr=False)

    def tags(self) -> list[str]:
        url: str | None = f"{self._url}/tags/list?n={_PAGE}"
        found: list[str] = []
        for _ in range(_MOST_PAGES):
            if url is None:
                return found
            page = self._page(url)
            found += page.tags
            url = page.following or None
        raise IntegrityError(f"{self._doing}: its list of tags does not end")

    def _page(self, url: str) -> Page:
        known = self.registry.cache.page(url)
        headers = {"If-None-Match": known.etag} if known and known.etag else {}
        answer = self._ask("GET", url, headers)
        if known and answer.status == 304:  # noqa: PLR2004 - not modified
            return known
        self._require_found(answer)
        with self._judged():
            following = next_page(answer.headers.get("link", ""), url) or ""
            page = Page(answer.headers.get("etag", ""), tuple(parse_tags(answer.body)), following)
        if page.etag:
            self.registry.cache.keep_page(url, page)
        return page

    def digest(self, tag: str) -> str | None:
        answer = self._ask("HEAD", f"{self._url}/manifests/{tag}", {"Accept": _ACCEPT})
        if answer.status == 404:  # noqa: PLR2004
            return None
        self._require_found(answer)
        digest = answer.headers.get("docker-content-digest", "")
        if DIGEST.fullmatch(digest):
            return digest
        return _hash(self._manifest(tag))

    def image(self, tag: str, platform: Platform) -> RegistryImage | None:
        answer = self._ask("GET", f"{self._url}/manifests/{tag}", {"Accept": _ACCEPT})
        if answer.status == 404:  # noqa: PLR2004
            return None
        self._require_found(answer)
        digest = _hash(answer.body)
        if answer.headers.get("docker-content-digest", digest) != digest:
            raise IntegrityError(f'{self._doing}: the manifest of "{tag}" belies its digest')
        body = self._of_platform(answer.body, tag, platform)
        with self._judged():
            manifest = parse_manifest(body)
        config = self._config(manifest.config)
        with self._judged():
            facts = parse_config(config)
        if facts.platform != platform:
            raise self._other_platform(tag, platform)
        return RegistryImage(digest, manifest.size, facts.made, facts.labels)

    def _of_platform(self, body: bytes, tag: str, platform: Platform) -> bytes:
        with self._judged():
            chosen = choose_manifest(body, platform) if is_index(body) else ""
        if chosen is None:
            raise self._other_platform(tag, platform)
        return self._manifest(chosen) if chosen else body

    def _other_platform(self, tag: str, platform: Platform) -> RefusedError:
        return RefusedError(f'{self._doing}: "{tag}" has no image for {platform}, this machine')

    def _manifest(self, reference: str) -> bytes:
        answer = self._ask("GET", f"{self._url}/manifests/{reference}", {"Accept": _ACCEPT})
        self._require_found(answer)
        return self._as_named(answer.body, reference)

    def _config(self, digest: str) -> bytes:
        known = self.registry.cache.config(digest)
        if known is not None and _hash(known) == digest:
            return known
        answer = self._ask("GET", f"{self._url}/blobs/{digest}", {})
        self._require_found(answer)
        body = self._as_named(answer.body, digest)
        self.registry.cache.keep_config(digest, body)
        return body

    def _as_named(self, body: bytes, reference: str) -> bytes:
        if DIGEST.fullmatch(reference) and _hash(body) != reference:
            raise IntegrityError(f"{self._doing}: it sent other bytes than {reference[:19]}… names")
        return body

    def _ask(self, method: str, url: str, headers: dict[str, str]) -> Answer:
        """Ask, with a token where the registry wants one; with a new one where the old is over."""
        self._respect_wait()
        answer = self._follow(method, url, headers)
        if answer.status == 401:  # noqa: PLR2004
            self._authorize(answer)
            answer = self._follow(method, url, headers)
        return answer

    def _follow(self, method: str, url: str, headers: dict[str, str]) -> Answer:
        """Ask, and ask again where the registry points to: blobs often lie elsewhere."""
        own = urlsplit(self.base)[:2]
        for _ in range(_MOST_REDIRECTS + 1):
            sent = dict(headers)
            if self._url in self.granted and urlsplit(url)[:2] == own:
                sent["Authorization"] = self.granted[self._url]
            answer = self._send(method, url, sent)
            if answer.status not in _REDIRECTS:
                return answer
            url = urljoin(url, answer.headers.get("location", ""))
            if urlsplit(url).scheme != "https" and urlsplit(url)[:2] != own:
                raise IntegrityError(f"{self._doing}: it points to a place without TLS")
        raise IntegrityError(f"{self._doing}: it points from place to place")

    def _send(self, method: str, url: str, headers: dict[str, str]) -> Answer:
        answer = self.registry.client.ask(method, url, headers, most=_MOST_BYTES)
        if answer.status == 429:  # noqa: PLR2004
            raise self._too_often(answer)
        return answer

    def _authorize(self, refused: Answer) -> None:
        challenge = parse_challenge(refused.headers.get("www-authenticate", ""))
        host = urlsplit(self.base).netloc if self.registry.endpoint else self.name.registry
        login = self.registry.logins.login(host)
        if challenge is None:
            raise self._denied(401)
        if not challenge.realm:
            if login is None:
                raise self._denied(401)
            self.granted[self._url] = login.header
            return
        if not may_be_asked(challenge.realm, self.base):
            raise IntegrityError(f"{self._doing}: it sends us for a token to a place without TLS")
        self.granted[self._url] = f"Bearer {self._token(challenge.realm, challenge.service, login)}"

    def _token(self, realm: str, service: str, login: Login | None) -> str:
        # our own scope, whatever the registry would have us ask for
        query = {"service": service, "scope": f"repository:{self.name.repository}:pull"}
        headers = {"Authorization": login.header} if login else {}
        url = f"{realm}{'&' if urlsplit(realm).query else '?'}{urlencode(query)}"
        answer = self.registry.client.ask("GET", url, headers, most=_MOST_TOKEN)
        if answer.status == 429:  # noqa: PLR2004
            raise self._too_often(answer)
        if answer.status != 200:  # noqa: PLR2004
            raise self._denied(answer.status)
        with self._judged():
            return parse_token(answer.body)

    def _require_found(self, answer: Answer) -> None:
        status = answer.status
        if status == 200:  # noqa: PLR2004
            return
        if status in {401, 403}:
            raise self._denied(status)
        if status == 404:  # noqa: PLR2004
            raise PortError(f"{self._doing}: there is no such repository or image")
        raise PortError(f"{self._doing}: it answered {status}", retryable=status >= 500)  # noqa: PLR2004

    def _denied(self, status: int) -> PortError:
        host = self.name.registry
        return PortError(
            f"{self._doing}: access denied ({status})",
            hint=f'Run "docker login {host}" for the user of akbot; what it keeps in a credential'
            " helper is not read, only what stands in config.json of DOCKER_CONFIG.",
        )

    def _respect_wait(self) -> None:
        until = self.registry.cache.wait_until(urlsplit(self.base).netloc)
        now = self.registry.clock.now()
        # a clock that jumped must not make us wait for ever
        if until and now < until <= now + _LONGEST_WAIT:
            raise self._asked_to_wait(until)

    def _too_often(self, answer: Answer) -> PortError:
        now = self.registry.clock.now()
        until = now + min(
            parse_retry_after(answer.headers.get("retry-after", ""), now), _LONGEST_WAIT
        )
        self.registry.cache.keep_wait(urlsplit(self.base).netloc, until)
        return self._asked_to_wait(until)

    def _asked_to_wait(self, until: datetime) -> PortError:
        return PortError(
            f"{self._doing}: it was asked too often (429), and is left alone"
            f" until {until:%Y-%m-%d %H:%M:%S} UTC",
            hint='Try again then; a "docker login" often allows more.',
            retryable=True,
        )

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Say of which repository a judgement about an answer is."""
        try:
            yield
        except IntegrityError as error:
            raise IntegrityError(f"{self._doing}: {error}") from error

    @property
    def _doing(self) -> str:
        where = f" at {urlsplit(self.base).netloc}" if self.registry.endpoint else ""
        return f"ask the registry for {self.name.place}{where}"

    @property
    def _url(self) -> str:
        return f"{self.base}/v2/{self.name.repository}"


def _hash(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
