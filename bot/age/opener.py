"""Decrypting: an age file in, its authenticated bytes out."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from bot.age.armor import ArmorReader
from bot.age.errors import AgeError, HeaderError, NoIdentityMatchError
from bot.age.header import Header, find_header_end, parse_header
from bot.age.primitives import derive_key
from bot.age.recipients import Identity
from bot.age.scrypt import KIND as SCRYPT
from bot.age.scrypt import PassphraseIdentity
from bot.age.sealer import NONCE_SIZE
from bot.age.stream import Data, PayloadOpener


class Opener:
    """Decrypts one file, binary or armoured, that is fed in pieces of any size.

    What `update` and `finish` return, joined, is the content. Each returned byte was authenticated
    before; but only `finish` tells that none is missing, so nothing may count as complete before
    it has returned. At most one chunk of 64 KiB, or a header of 1 MiB, is kept back.

    Args:
        identities: They are tried in this order on each stanza.
    """

    def __init__(self, identities: Sequence[Identity]) -> None:
        self._identities = tuple(identities)
        self._armor = ArmorReader()
        self._head = bytearray()
        self._payload: PayloadOpener | None = None
        self._failure: AgeError | None = None
        self._finished = False

    def update(self, data: Data) -> bytes:
        """Return the next bytes of the content, which may be none yet.

        Bytes that are sound although the file is damaged behind them are returned first; the error
        then comes with the next call, whatever that is.

        Raises:
            FormatError: The armour or the header is malformed.
            NoIdentityMatchError: None of the identities opens the file.
            PayloadError: The content is damaged.
            ValueError: The file is finished.
        """
        return self._run(lambda: self._feed(self._armor.update(memoryview(data).cast("B"))))

    def finish(self) -> bytes:
        """Return the last bytes of the content, and thereby vouch for all of it.

        Raises:
            AgeError: As `update`, and where the file was cut off.
            ValueError: The file is finished already.
        """
        last = self._run(self._end)
        self._finished = True
        return last

    def _run(self, step: Callable[[], bytes]) -> bytes:
        """Take *step*, unless an earlier one failed: a failed file stays failed."""
        if self._finished:
            raise ValueError("this opener has finished its file")
        if self._failure:
            raise self._failure
        try:
            return step()
        except AgeError as error:
            self._failure = error
            raise

    def _end(self) -> bytes:
        last = self._feed(self._armor.finish())
        if self._payload is None:
            raise HeaderError(
                "the file was cut off inside its header" if self._head else "the file is empty"
            )
        return last + self._payload.finish()

    def _feed(self, data: Data) -> bytes:
        if self._payload:
            return self._payload.update(data)
        searched = len(self._head)
        self._head += data
        start = find_header_end(self._head, searched)
        if start < 0 or len(self._head) < start + NONCE_SIZE:
            return b""
        nonce = bytes(self._head[start : start + NONCE_SIZE])
        file_key = self._file_key(parse_header(bytes(self._head[:start])))
        self._payload = PayloadOpener(derive_key(file_key, salt=nonce, info=b"payload"))
        rest = memoryview(self._head)[start + NONCE_SIZE :]
        self._head = bytearray()
        return self._payload.update(rest)

    def _file_key(self, header: Header) -> bytes:
        if len(header.stanzas) > 1 and any(stanza.kind == SCRYPT for stanza in header.stanzas):
            raise HeaderError("a passphrase is not the only recipient, which the format forbids")
        for identity in self._identities:
            for stanza in header.stanzas:
                file_key = identity.unwrap(stanza)
                if file_key is not None:
                    header.verify(file_key)
                    return file_key
        raise NoIdentityMatchError(self._explain(header))

    def _explain(self, header: Header) -> str:
        if header.stanzas[0].kind != SCRYPT:
            return f"none of the {len(self._identities)} identities opens it"
        if any(isinstance(identity, PassphraseIdentity) for identity in self._identities):
            return "the passphrase is wrong"
        return "it is locked with a passphrase, and none was given"


def decrypt(chunks: Iterable[Data], identities: Sequence[Identity]) -> Iterator[bytes]:
    """Yield the content of the age file *chunks*; see Opener.

    Only when the iterator ends without an error was the file complete.
    """
    opener = Opener(identities)
    for chunk in chunks:
        if content := opener.update(chunk):
            yield content
    if last := opener.finish():
        yield last
