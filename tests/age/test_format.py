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
    HeaderMacError,
    HybridIdentity,
    Identity,
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
from bot.age.armor import ArmorReader, ArmorWriter
from bot.age.header import Stanza, encode_header, find_header_end, parse_header

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


def test_a_header_may_be_as_long_as_a_mebibyte_and_no_longer() -> None:
    def header(size: int) -> bytearray:
        end = b"\n--- x\n"
        return bytearray(VERSION_LINE + b"A" * (size - len(VERSION_LINE) - len(end)) + end)

    longest = header(MAX_HEADER_SIZE)

    assert find_header_end(longest, 0) == MAX_HEADER_SIZE
    assert find_header_end(longest + b"payload", MAX_HEADER_SIZE - 1) == MAX_HEADER_SIZE
    assert find_header_end(longest[:-1], 0) == -1
    for data in (header(MAX_HEADER_SIZE + 1), header(MAX_HEADER_SIZE + 2)[:-1]):
        with pytest.raises(HeaderError, match=r"^the header is longer than 1024 KiB$"):
            find_header_end(data, 0)


def test_where_the_header_ends_does_not_depend_on_what_was_seen_before() -> None:
    header = VERSION_LINE + b"-> x\n\n--- " + b"A" * 43 + b"\n"
    file = bytearray(header + b"\n--- payload\n")

    for searched in range(len(header)):
        assert find_header_end(file, searched) == len(header)
    for cut in range(len(header)):
        assert find_header_end(file[:cut], 0) == -1


def test_a_last_line_may_have_64_columns() -> None:
    line = VERSION_LINE + b"-> x\n\n--- " + b"A" * 59

    assert find_header_end(bytearray(line), 0) == -1
    with pytest.raises(HeaderError, match=r"^the header's last line is malformed$"):
        find_header_end(bytearray(line + b"A"), 0)


MAC = "A" * 43


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        pytest.param(["-> ", "", f"--- {MAC}"], "argument is empty or holds", id="no type"),
        pytest.param(["->", "", f"--- {MAC}"], "does not begin with its type", id="only an arrow"),
        pytest.param(["=> x", "", f"--- {MAC}"], "does not begin with its type", id="other arrow"),
        pytest.param(["-> x  y", "", f"--- {MAC}"], "argument is empty or holds", id="two blanks"),
        pytest.param(["-> x\x7f", "", f"--- {MAC}"], "argument is empty or holds", id="delete"),
        pytest.param(["-> x", "A" * 65, "", f"--- {MAC}"], "longer than 64 columns", id="65"),
        pytest.param(
            ["-> x", "A" * 64, f"--- {MAC}"], "does not end with a short line", id="no short line"
        ),
        pytest.param(["-> x", "A", f"--- {MAC}"], "body is not canonical base64", id="one letter"),
        pytest.param(["-> x", "", "---"], "last line is malformed", id="no MAC"),
        pytest.param(["-> x", "", f"---- {MAC}"], "last line is malformed", id="four dashes"),
        pytest.param(["-> x", "", "--- "], "MAC has the wrong length", id="empty MAC"),
        pytest.param(["-> x", "", f"--- {MAC}A"], "MAC has the wrong length", id="longer MAC"),
        pytest.param(["-> x", "", f"--- {MAC}="], "MAC is not canonical base64", id="padding"),
    ],
)
def test_what_the_grammar_forbids(lines: list[str], message: str) -> None:
    raw = VERSION_LINE + "".join(f"{line}\n" for line in lines).encode()

    with pytest.raises(HeaderError, match=message):
        parse_header(raw)


def test_what_the_grammar_allows() -> None:
    raw = VERSION_LINE + f"-> x ! ~\n{'A' * 64}\n\n-> y\nAA\n--- {MAC}\n".encode()

    header = parse_header(raw)

    assert header.stanzas == (Stanza("x", ("!", "~"), bytes(48)), Stanza("y", (), b"\0"))
    assert header.covered == raw[: -len(MAC) - 2]
    assert header.mac == bytes(32)


@pytest.mark.parametrize("size", [0, 1, 46, 47, 48, 49, 95, 96])
def test_a_body_of_any_length_is_written_as_it_is_read(size: int) -> None:
    stanza = Stanza("x", (), bytes(size))

    header = parse_header(encode_header([stanza], bytes(16)))

    assert header.stanzas == (stanza,)
    header.verify(bytes(16))
    with pytest.raises(HeaderMacError, match=r"^the header was changed after it was written$"):
        header.verify(bytes(15) + b"\1")


@pytest.mark.parametrize("argument", ["", "AAA", "AAAAAA"])
def test_a_keys_argument_stands_for_so_many_bytes(argument: str) -> None:
    assert Stanza("x", ("AAAAAA",), b"").argument_bytes(4) == bytes(4)
    with pytest.raises(HeaderError, match=r"^the argument of a x stanza is not 3 bytes long$"):
        Stanza("x", (argument,), b"").argument_bytes(3)


@pytest.mark.parametrize("size", [31, 33])
def test_a_wrapped_key_has_one_length(size: int) -> None:
    assert Stanza("x", (), bytes(32)).wrapped_key() == bytes(32)
    with pytest.raises(HeaderError, match=r"^the body of a x stanza is not a wrapped file key$"):
        Stanza("x", (), bytes(size)).wrapped_key()


def test_a_file_is_binary_unless_armour_is_asked_for() -> None:
    assert Sealer([KEY.recipient()]).finish().startswith(VERSION_LINE)
    assert b"".join(encrypt([], [KEY.recipient()])).startswith(VERSION_LINE)


@pytest.mark.parametrize("arguments", [(), ("AA", "AA")])
def test_a_key_has_one_argument(arguments: tuple[str, ...]) -> None:
    with pytest.raises(HeaderError, match=f"^a x stanza has {len(arguments)} arguments, not 1$"):
        Stanza("x", arguments, b"").argument_bytes(1)


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


SALT = "A" * 22


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SALT,), "a scrypt stanza has the wrong number of arguments"),
        ((SALT, "4", "4"), "a scrypt stanza has the wrong number of arguments"),
        ((SALT, "0"), "the work factor of a scrypt stanza is malformed"),
        ((SALT, "4x"), "the work factor of a scrypt stanza is malformed"),
        ((SALT, "23"), "the passphrase's work factor is above 22"),
        ((SALT, "100"), "the passphrase's work factor is above 22"),
        (("A" * 21, "4"), "the argument of a scrypt stanza is not canonical base64"),
    ],
)
def test_what_is_wrong_with_a_passphrases_stanza(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(HeaderError, match=f"^{message}$"):
        PassphraseIdentity("hunter2").unwrap(Stanza("scrypt", arguments, bytes(32)))


@pytest.mark.parametrize(
    ("identity", "kind", "size", "message"),
    [
        (KEY, "X25519", 32, "an X25519 stanza holds a point of low order"),
        (HYBRID, "mlkem768x25519", 1120, "an mlkem768x25519 stanza holds a point of low order"),
    ],
    ids=["classical", "hybrid"],
)
def test_a_point_of_low_order_is_not_taken_for_anothers_key(
    identity: Identity, kind: str, size: int, message: str
) -> None:
    share = base64.b64encode(bytes(size)).decode().rstrip("=")

    with pytest.raises(HeaderError, match=f"^{message}$"):
        identity.unwrap(Stanza(kind, (share,), bytes(32)))


def test_a_passphrase_that_no_memory_is_enough_for() -> None:
    stanza = Stanza("scrypt", (SALT, "40"), bytes(32))

    with pytest.raises(
        NoIdentityMatchError, match=r"^the passphrase needs 1073741824 MiB of memory$"
    ):
        PassphraseIdentity("hunter2", 40).unwrap(stanza)


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


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_kibibyte_of_space_may_surround_armour_and_no_more(line_end: bytes) -> None:
    armour = ArmorWriter().finish()
    before, after = line_end * 1000, line_end * 24

    reader = ArmorReader()
    reader.update(before + armour + after)
    assert reader.finish() == b""
    reader = ArmorReader()
    with pytest.raises(ArmorError, match=r"^there is too much whitespace around the armour$"):
        reader.update(before + armour + after + line_end)


@pytest.mark.parametrize("start", [b"", ARMOR_BEGIN + b"\n"], ids=["before", "inside"])
def test_a_line_that_is_not_ended_may_be_a_kibibyte_long(start: bytes) -> None:
    reader = ArmorReader()
    reader.update(start)
    reader.update(b" " * 1024)

    with pytest.raises(ArmorError, match=r"^a line of the armour is too long$"):
        reader.update(b" ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "the armour ends before its END line", id="cut after its first line"),
        pytest.param(b"AAAA\n", "the armour ends before its END line", id="no END line"),
        pytest.param(b"AAAA\nAAAA\n", "malformed in its END line", id="two short lines"),
        pytest.param(b"\n", "empty, too long, or not canonical", id="an empty line"),
        pytest.param(b"AAA\n", "is not base64", id="not whole"),
        pytest.param(b"AB==\n", "empty, too long, or not canonical", id="bits after the end"),
        pytest.param(b"A" * 68 + b"\n", "empty, too long, or not canonical", id="68 columns"),
        pytest.param(b"A" * 64 + b"\r\nAA?A\r\n", "is not base64", id="a foreign character"),
    ],
)
def test_what_armour_forbids(body: bytes, message: str) -> None:
    reader = ArmorReader()

    with pytest.raises(ArmorError, match=message):  # noqa: PT012  (the one or the other tells)
        reader.update(ARMOR_BEGIN + b"\n" + body)
        reader.finish()


def test_sound_lines_before_a_malformed_one_come_out_and_the_error_follows() -> None:
    reader = ArmorReader()

    assert reader.update(ARMOR_BEGIN + b"\n" + b"A" * 64 + b"\n?\n") == bytes(48)
    with pytest.raises(ArmorError, match=r"^a line of the armour is not base64$"):
        reader.update(b"A" * 64 + b"\n")
    with pytest.raises(ArmorError, match=r"^a line of the armour is not base64$"):
        reader.finish()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("wrong", [b"?" * 64, b"=" * 64, b"A" * 63, b"A" * 68, b""])
def test_the_same_holds_where_many_lines_are_read_at_once(wrong: bytes, line_end: bytes) -> None:
    reader = ArmorReader()
    reader.update(ARMOR_BEGIN + line_end)
    lines = [b"A" * 64] * 5

    sound = reader.update(line_end.join([*lines, wrong, *lines, b""]))

    assert sound == bytes(5 * 48)
    with pytest.raises(ArmorError, match=r"^a line of the armour is "):
        reader.finish()


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


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"A" * 63 + b"\n" + b"A" * 65 + b"\n", id="shorter and longer"),
        pytest.param((b"A" * 63 + b"\n\rA") * 4, id="line ends a column too early"),
        pytest.param((b"A" * 64 + b"XX\nXX") * 4, id="more columns"),
    ],
)
def test_lines_of_uneven_width_are_refused_though_their_sum_is_right(lines: bytes) -> None:
    reader = ArmorReader()
    reader.update(ARMOR_BEGIN + b"\n")

    with pytest.raises(ArmorError, match=r"^(a line of )?the armour is "):  # noqa: PT012
        reader.update(lines)
        reader.finish()


def test_what_follows_the_armour_is_refused_even_later() -> None:
    opener = Opener([KEY])
    opener.update(b"".join(encrypt([b"x"], [KEY.recipient()], armor=True)))
    with pytest.raises(ArmorError, match=r"^the armour is malformed after its END line$"):
        opener.update(b"x\n")
