"""One HTTP request to a server that may be slow, cut off, endless or hostile.

Time and size are bounded as a whole: a server that sends a byte a minute is given up all the same.
No redirect is followed by itself, so that no credential goes to where it was not meant for.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from bot.domain.errors import IntegrityError, PortError

_BLOCK = 64 * 1024
ANSWER_WITHIN = 10.0
WHOLE_WITHIN = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpClient:
    """Gives up a server that says nothing for *answer_within* or is not done in *whole_within*.

    *authorities* is a file of certificates to trust instead of the system's.
    """

    answer_within: float = ANSWER_WITHIN
    whole_within: float = WHOLE_WITHIN
    authorities: Path | None = None

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], *, most: int, body: bytes = b""
    ) -> Answer:
        """Send one request and read at most *most* bytes of the answer (blocks).

        Raises PortError where the server does not answer, IntegrityError where it says too much.
        The message names the server alone, never a header or a query.
        """
        target = urlsplit(url)
        connection = self._connection(target)
        with _http_errors(f"ask {target.netloc}"), self._bounded(connection):
            path = f"{target.path or '/'}{'?' if target.query else ''}{target.query}"
            sent = {"User-Agent": "akbot", **headers}
            connection.request(method, path, body=body or None, headers=sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, _body(response, found, method, most))

    def _connection(self, target: SplitResult) -> http.client.HTTPConnection:
        host, port = target.hostname or "", target.port
        if target.scheme == "https":
            context = ssl.create_default_context(cafile=self.authorities)
            return http.client.HTTPSConnection(
                host, port, timeout=self.answer_within, context=context
            )
        return http.client.HTTPConnection(host, port, timeout=self.answer_within)

    @contextmanager
    def _bounded(self, connection: http.client.HTTPConnection) -> Iterator[None]:
        """Connect, and hang up when the time is over, whatever is read at that moment."""
        over = threading.Event()
        connection.connect()
        connected: socket.socket = connection.sock

        def hang_up() -> None:
            over.set()
            with suppress(OSError):  # it hung up itself
                connected.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self.whole_within, hang_up)
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException, PortError) as error:
            if over.is_set():
                raise TimeoutError from error
            raise
        else:
            if over.is_set():  # headers that end early are as good as whole to the library
                raise TimeoutError
        finally:
            timer.cancel()
            connection.close()
            connected.close()


def _body(
    response: http.client.HTTPResponse, headers: Mapping[str, str], method: str, most: int
) -> bytes:
    body = bytearray()
    while block := response.read1(_BLOCK):
        body += block
        if len(body) > most:
            raise IntegrityError(f"the answer is longer than {most} bytes")
    announced = headers.get("content-length", "")
    if method != "HEAD" and announced.isdecimal() and len(body) < int(announced):
        raise PortError("the answer broke off", retryable=True)
    return bytes(body)


@contextmanager
def _http_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except PortError as error:
        raise PortError(f"{doing}: {error}", retryable=True) from error
    except IntegrityError as error:
        raise IntegrityError(f"{doing}: {error}") from error
    except TimeoutError as error:
        raise PortError(f"{doing}: it does not answer in time", retryable=True) from error
    except ssl.SSLCertVerificationError as error:
        raise PortError(f"{doing}: its certificate is not trusted here") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise PortError(f"{doing}: {_words(error)}", retryable=True) from error


def _words(error: Exception) -> str:
    """The system's words for it; a library's own may repeat what the server sent."""
    if isinstance(error, http.client.RemoteDisconnected):
        return "it hung up without an answer"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"the answer is not HTTP ({type(error).__name__})"
