"""Encrypting: bytes in, an age file out."""

import secrets
from collections.abc import Iterable, Iterator, Sequence

from bot.age.armor import ArmorWriter
from bot.age.header import encode_header
from bot.age.primitives import FILE_KEY_SIZE, derive_key
from bot.age.recipients import Recipient, wrap_for_all
from bot.age.stream import Data, PayloadSealer

NONCE_SIZE = 16


class Sealer:
    """Encrypts one file that is fed in pieces of any size.

    What `update` and `finish` return, joined, is the file, header included. Pieces of 1 MiB are
    the fastest; at most one chunk of 64 KiB is kept back, and pieces are never kept. Encryption
    runs without the interpreter's lock, so two sealers in two threads use two cores.

    Args:
        recipients: Each of them can decrypt alone. With a passphrase this takes about a second.
        armor: Write ASCII instead of binary; a third larger and far slower, for small files.

    Raises:
        RecipientsError: There are no recipients, or they cannot share a file.
    """

    def __init__(self, recipients: Sequence[Recipient], *, armor: bool = False) -> None:
        file_key = secrets.token_bytes(FILE_KEY_SIZE)
        nonce = secrets.token_bytes(NONCE_SIZE)
        self._head = encode_header(wrap_for_all(recipients, file_key), file_key) + nonce
        self._payload = PayloadSealer(derive_key(file_key, salt=nonce, info=b"payload"))
        self._armor = ArmorWriter() if armor else None
        self._finished = False

    def update(self, data: Data) -> bytes:
        """Return the next bytes of the file, which may be none yet.

        Raises:
            ValueError: The file is finished.
        """
        self._check_open()
        return self._emit(self._payload.update(data))

    def finish(self) -> bytes:
        """Return the last bytes of the file; without them it counts as cut off.

        Raises:
            ValueError: The file is finished already.
        """
        self._check_open()
        self._finished = True
        last = self._emit(self._payload.finish())
        return last + self._armor.finish() if self._armor else last

    def _check_open(self) -> None:
        if self._finished:
            # Going on would use a nonce twice.
            raise ValueError("this sealer has finished its file")

    def _emit(self, sealed: bytes) -> bytes:
        if self._head:
            sealed, self._head = self._head + sealed, b""
        return self._armor.update(sealed) if self._armor else sealed


def encrypt(
    chunks: Iterable[Data], recipients: Sequence[Recipient], *, armor: bool = False
) -> Iterator[bytes]:
    """Yield the age file whose content is *chunks*; see Sealer."""
    sealer = Sealer(recipients, armor=armor)
    for chunk in chunks:
        if sealed := sealer.update(chunk):
            yield sealed
    yield sealer.finish()
