"""Bech32 (BIP 173) without its length limit, as age keys use it."""

from collections.abc import Iterable

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: value for value, character in enumerate(_CHARSET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH = 6


def encode(prefix: str, data: bytes) -> str:
    """Return *data* under the lower-case *prefix*, in lower case."""
    values = _regroup(data, 8, 5, pad=True)
    checksum = _polymod([*_expand(prefix), *values, *[0] * _CHECKSUM_LENGTH]) ^ 1
    tail = [checksum >> 5 * (_CHECKSUM_LENGTH - 1 - i) & 31 for i in range(_CHECKSUM_LENGTH)]
    return f"{prefix}1{''.join(_CHARSET[value] for value in [*values, *tail])}"


def decode(text: str) -> tuple[str, bytes]:
    """Split *text* into its prefix, in the case it was written in, and its data.

    Raises:
        ValueError: *text* is not Bech32; the message says why, without any part of *text*.
    """
    if text not in (text.lower(), text.upper()):
        raise ValueError("upper and lower case are mixed")
    prefix, separator, body = text.rpartition("1")
    if not separator or not prefix or not all("!" <= character <= "~" for character in prefix):
        raise ValueError("it has no prefix")
    if len(body) < _CHECKSUM_LENGTH:
        raise ValueError("it is too short")
    try:
        values = [_VALUES[character] for character in body.lower()]
    except KeyError:
        raise ValueError("it holds a character that no key has") from None
    if _polymod([*_expand(prefix.lower()), *values]) != 1:
        raise ValueError("its checksum does not match: it was not copied whole")
    return prefix, bytes(_regroup(values[:-_CHECKSUM_LENGTH], 5, 8, pad=False))


def _expand(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _polymod(values: Iterable[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                checksum ^= term
    return checksum


def _regroup(values: Iterable[int], width: int, wanted: int, *, pad: bool) -> list[int]:
    """Cut a run of *width*-bit numbers into *wanted*-bit ones."""
    regrouped = []
    bits = count = 0
    for value in values:
        bits = bits << width | value
        count += width
        while count >= wanted:
            count -= wanted
            regrouped.append(bits >> count)
            bits &= (1 << count) - 1
    if pad:
        if count:
            regrouped.append(bits << wanted - count)
    elif count >= width or bits:
        raise ValueError("its padding is not zero")
    return regrouped
