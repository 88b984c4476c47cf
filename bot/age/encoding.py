"""Base64 as age headers write it: the standard alphabet, without padding, and canonical."""

import binascii


def encode(data: bytes) -> bytes:
    """Return the one spelling of *data*."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=")


def decode(text: bytes) -> bytes:
    """Decode *text*, of which exactly one spelling is accepted.

    Raises:
        ValueError: *text* has padding, a foreign character, or set bits after its last byte.
    """
    data = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("base64 is not canonical")
    return data
