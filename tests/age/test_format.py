"""Headers and armour beyond what the vectors hold: limits, combinations, what is written."""

import base64
import re

import pytest

from bot.age import (
    ARMOR_BEGIN,
    MAX_HEADER_SIZE,
    VERSION_LINE,
    AgeError,
    ArmorError,
    FormatError,
    HeaderError,
    HybridIdentity,
    NoIdentityMatchError,
    Opener,
    PassphraseIdentity,
    PassphraseRecipient,
    Recipient,
    RecipientsError,
    Sealer,
    X25519Identity,
    decrypt,
    encrypt,
)
from bot.age.armor import ArmorReader

KEY = X25519Identity.generate()
HYBRID = HybridIdentity.generate()
PASSPHRASE = PassphraseRecipient("hunter2", 4)
MIXED = (
    "a hybrid recipient (age1pq1…) and a classical one (age1…) cannot share a file:"
    " the classical one would undo the protection against quantum computers"
)


@pytest.mark.parametrize(
    ("recipients", "message"),
    [
        pytest.param([], "there is no recipient to encrypt for", id="none"),
        pytest.param([KEY.recipient(), HYBRID.recipient()], MIXED, id="classical and hybrid"),
        pytest.param([HYBRID.recipient(), KEY.recipient()], MIXED, id="hybrid and classical"),
        pytest.param(
            [PASSPHRASE, KEY.recipient()],
            "a passphrase must be the only recipient of a file",
            id="passphrase and key",
        ),
        pytest.param(
            [PASSPHRASE, PASSPHRASE],
            "a passphrase must be the only recipient of a file",
            id="two passphrases",
        ),
    ],
)
def test_recipients_that_cannot_share_a_file(recipients: list[Recipient], message: str) -> None:
    with pytest.raises(RecipientsError, match=f"^{re.escape(message)}$"):
        Sealer(recipients)


@pytest.mark.parametrize(
    "unit",
    [b"-> stanza\n\n", b"A" * 64 + b"\n", b"-", b"\n"],
    ids=["stanzas", "lines", "dashes", "line feeds"],
)
def test_an_endless_header_is_refused_before_it_fills_the_memory(unit: bytes) -> None:
    opener = Opener([KEY])
    piece = (unit * (1 << 14))[: 1 << 14]
    fed = len(VERSION_LINE)
    opener.update(VERSION_LINE)
    with pytest.raises(HeaderError):  # noqa: PT012  (it is the loop that must end)
        while fed < 4 * MAX_HEADER_SIZE:
            opener.update(piece)
            fed += len(piece)
    assert fed <= MAX_HEADER_SIZE + len(piece)


@pytest.mark.parametrize("size", [1, 7, 200])
def test_a_last_line_without_end_is_refused_at_once(size: int) -> None:
    file = VERSION_LINE + b"-> X25519 A\n\n--- " + b"A" * 1000
    opener = Opener([KEY])
    with pytest.raises(HeaderError, match=r"^the header's last line is malformed$"):  # noqa: PT012
        for at in range(0, 400, size):
            opener.update(file[at : at + size])


def test_endless_space_or_an_endless_line_is_refused_too() -> None:
    for start in (b"", b"-----BEGIN AGE ENCRYPTED FILE-----\n"):
        for unit in (b" ", b"\n", b"A"):
            opener = Opener([KEY])
            with pytest.raises(FormatError):  # noqa: PT012
                opener.update(start)
                for _ in range(100):
                    opener.update(unit * 1000)


def test_what_is_no_age_file_is_refused_at_its_first_byte() -> None:
    with pytest.raises(HeaderError, match=r"^this is not an age file$"):
        Opener([KEY]).update(b"P")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(
            b"age-encryption.org/v1\n->", "the file was cut off inside its header", id="cut"
        ),
        pytest.param(b"-----BEGIN", "the armour is malformed in its first line", id="armour cut"),
        pytest.param(
            VERSION_LINE + b"--- " + b"A" * 43 + b"\n" + bytes(99),
            "the header has no stanza",
            id="no stanza",
        ),
        pytest.param(
            b"age-encryption.org/v2\n",
            "the file has a version of the age format other than v1",
            id="other version",
        ),
    ],
)
def test_messages(file: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=f"^{re.escape(message)}$"):
        list(decrypt([file], [KEY]))


def test_the_reason_why_no_identity_matches() -> None:
    for_key = b"".join(encrypt([], [KEY.recipient()]))
    for_passphrase = b"".join(encrypt([], [PASSPHRASE]))
    stranger = X25519Identity.generate()

    for file, identities, message in [
        (for_key, [stranger, HYBRID], "none of the 2 identities opens it"),
        (for_key, [PassphraseIdentity("hunter2")], "none of the 1 identities opens it"),
        (for_passphrase, [KEY], "it is locked with a passphrase, and none was given"),
        (for_passphrase, [PassphraseIdentity("wrong")], "the passphrase is wrong"),
    ]:
        with pytest.raises(NoIdentityMatchError, match=f"^{message}$"):
            list(decrypt([file], identities))  # type: ignore[arg-type]


def test_a_passphrase_may_not_cost_more_than_the_reader_allows() -> None:
    file = b"".join(encrypt([b"x"], [PassphraseRecipient("hunter2", 5)]))

    assert b"".join(decrypt([file], [PassphraseIdentity("hunter2", 5)])) == b"x"
    with pytest.raises(HeaderError, match=r"^the passphrase's work factor is above 4$"):
        list(decrypt([file], [PassphraseIdentity("hunter2", 4)]))


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 96, 1000, 200_000])
def test_armour_that_is_written_is_strict_pem(size: int) -> None:
    text = b"".join(encrypt([bytes(size)], [KEY.recipient()], armor=True)).decode("ascii")
    first, *body, last, end = text.split("\n")

    assert (first, last, end) == (
        "-----BEGIN AGE ENCRYPTED FILE-----",
        "-----END AGE ENCRYPTED FILE-----",
        "",
    )
    assert {len(line) for line in body[:-1]} == {64}
    assert 0 < len(body[-1]) <= 64


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(lambda text: b"\r\n \t\n" + text, id="space before"),
        pytest.param(lambda text: text + b"\n \n\r\n", id="space after"),
        pytest.param(lambda text: text.rstrip(), id="no last line end"),
    ],
)
def test_the_freedom_that_armour_has(change: object) -> None:
    assert callable(change)
    text = change(b"".join(encrypt([bytes(5000)], [KEY.recipient()], armor=True)))

    for pieces in ([text], [text[i : i + 7] for i in range(0, len(text), 7)]):
        assert b"".join(decrypt(pieces, [KEY])) == bytes(5000)


def test_damage_in_the_middle_of_long_armour_is_found() -> None:
    text = b"".join(encrypt([bytes(100_000)], [KEY.recipient()], armor=True))
    for wrong in (b"!", b"=", b" ", b"\n", b"\r", b"-"):
        opener = Opener([KEY])
        with pytest.raises(AgeError):  # noqa: PT012
            opener.update(text[:60_000] + wrong + text[60_001:])
            opener.finish()


def test_nothing_but_the_end_follows_a_padded_line_of_full_width() -> None:
    reader = ArmorReader()
    reader.update(ARMOR_BEGIN + b"\n")

    assert reader.update(base64.b64encode(bytes(46)) + b"\n") == bytes(46)
    with pytest.raises(ArmorError, match=r"^the armour is malformed in its END line$"):
        reader.update(b"A" * 64 + b"\n")


def test_lines_of_uneven_width_are_refused_though_their_sum_is_right() -> None:
    reader = ArmorReader()
    reader.update(ARMOR_BEGIN + b"\n")

    with pytest.raises(ArmorError, match=r"^a line of the armour is "):
        reader.update(b"A" * 63 + b"\n" + b"A" * 65 + b"\n")


def test_what_follows_the_armour_is_refused_even_later() -> None:
    opener = Opener([KEY])
    opener.update(b"".join(encrypt([b"x"], [KEY.recipient()], armor=True)))
    with pytest.raises(ArmorError, match=r"^the armour is malformed after its END line$"):
        opener.update(b"x\n")
