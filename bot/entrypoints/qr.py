"""QR codes in plain text, two modules a character, for paper: ink is dark."""

from collections.abc import Sequence

_BORDER = 4  # the quiet zone that a reader needs
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def draw_qr(text: str) -> Sequence[str]:
    """*text* as a QR code, of error correction level Q, since paper gets stains."""
    import segno  # noqa: PLC0415 - only a kit with a key needs it

    code = segno.make_qr(text, error="q", boost_error=False)
    rows = [tuple(int(dark) for dark in row) for row in code.matrix_iter(border=_BORDER)]
    rows.append((0,) * len(rows[0]))  # the number of rows is odd
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(_HALVES[pair] for pair in zip(*two, strict=True)).rstrip() for two in pairs]
