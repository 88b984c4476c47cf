"""Keys as text: what is accepted, what is said about the rest, and what is never shown."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.age import (
    HybridIdentity,
    KeyFormatError,
    KeyIdentity,
    PassphraseIdentity,
    PassphraseRecipient,
    RecipientsError,
    X25519Identity,
    bech32,
    format_identity_file,
    parse_identity,
    parse_identity_file,
    parse_recipient,
    parse_recipient_file,
)
from bot.age.recipients import Group

# From the specification.
SPEC_SECRET = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
SPEC_RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
SPEC_HYBRID_SECRET = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR"
SPEC_HYBRID_START = (
    "age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqtzdxz95paef6"
)
SPEC_HYBRID_END = "lhl53k2ykx3qheyty7saeq0d3fzv49zc0k"

CHECKSUM = "its checksum does not match: it was not copied whole"


def test_the_keys_of_the_specification() -> None:
    assert str(parse_identity(SPEC_SECRET).recipient()) == SPEC_RECIPIENT
    hybrid = str(parse_identity(SPEC_HYBRID_SECRET).recipient())
    assert hybrid.startswith(SPEC_HYBRID_START)
    assert hybrid.endswith(SPEC_HYBRID_END)


@pytest.mark.parametrize("kind", [X25519Identity, HybridIdentity])
def test_text_there_and_back(kind: type[X25519Identity] | type[HybridIdentity]) -> None:
    identity = kind.generate()
    recipient = str(identity.recipient())

    assert parse_identity(identity.secret_text()).secret_text() == identity.secret_text()
    assert str(parse_recipient(recipient)) == recipient
    assert type(parse_identity(identity.secret_text())) is kind
    assert kind.generate().secret_text() != identity.secret_text()


@pytest.mark.parametrize(
    "identity", [X25519Identity.generate(), HybridIdentity.generate()], ids=type
)
def test_a_secret_key_shows_in_no_text_but_its_own(identity: KeyIdentity) -> None:
    for text in (
        repr(identity),
        str(identity),
        f"{identity}",
        repr([identity]),
        repr(vars(identity)),
    ):
        assert "AGE-SECRET-KEY" not in text
        assert identity.secret_text().lower() not in text.lower()


def test_a_passphrase_shows_in_no_text() -> None:
    for keeper, text in (
        (PassphraseIdentity("hunter2"), "PassphraseIdentity(…)"),
        (PassphraseRecipient("hunter2"), "PassphraseRecipient(…)"),
    ):
        assert (repr(keeper), str(keeper)) == (text, text)


def test_a_public_key_shows_in_short() -> None:
    hybrid = parse_identity(SPEC_HYBRID_SECRET)

    assert repr(hybrid.recipient()) == "HybridRecipient(age1pq1x34nzsvr0rxjs…)"
    assert repr(hybrid) == "HybridIdentity(of HybridRecipient(age1pq1x34nzsvr0rxjs…))"
    assert repr(parse_recipient(SPEC_RECIPIENT)) == f"X25519Recipient({SPEC_RECIPIENT})"
    assert repr(parse_identity(SPEC_SECRET)) == f"X25519Identity(of {SPEC_RECIPIENT})"


def low_order(prefix: str, size: int) -> str:
    return bech32.encode(prefix, bytes(size))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "malformed recipient: it does not begin with age1", id="nothing"),
        pytest.param("alice", "malformed recipient: it does not begin with age1", id="a name"),
        pytest.param(
            SPEC_RECIPIENT.upper(), "malformed recipient: it does not begin with age1", id="upper"
        ),
        pytest.param(SPEC_RECIPIENT[:-1], f"malformed recipient: {CHECKSUM}", id="cut"),
        pytest.param(
            SPEC_RECIPIENT[:-1] + "q", f"malformed recipient: {CHECKSUM}", id="typing error"
        ),
        pytest.param("age1qqq", "malformed recipient: it is too short", id="short"),
        pytest.param(
            SPEC_RECIPIENT.replace("z", "b"),
            "malformed recipient: it holds a character that no key has",
            id="character",
        ),
        pytest.param(
            SPEC_RECIPIENT[:-1] + "J",
            "malformed recipient: upper and lower case are mixed",
            id="mixed case",
        ),
        pytest.param(
            bech32.encode("age", bytes(31)), "malformed recipient: it has the wrong length", id="31"
        ),
        pytest.param(
            low_order("age", 32), "malformed recipient: its point is of low order", id="low order"
        ),
        pytest.param(
            bech32.encode("age1pq", bytes(32)),
            "malformed recipient: it has the wrong length",
            id="hybrid length",
        ),
        pytest.param(
            bech32.encode("age1pq", b"\xff" * 1184 + b"\x09" * 32),
            "malformed recipient: it is not a usable key",
            id="hybrid out of range",
        ),
        pytest.param(
            low_order("age1pq", 1216),
            "malformed recipient: it is not a usable key",
            id="hybrid low order",
        ),
        pytest.param(
            SPEC_SECRET, "this is a secret key; its recipient begins with age1", id="secret key"
        ),
        pytest.param(
            "age-plugin-yubikey-1q",
            "this is a secret key; its recipient begins with age1",
            id="a plugin's secret key",
        ),
        pytest.param(
            "ssh-ed25519 AAAA",
            "SSH keys are not supported; a recipient begins with age1",
            id="ssh",
        ),
        pytest.param(
            "age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e",
            "recipients of plugins are not supported, only age1… and age1pq1…",
            id="plugin",
        ),
    ],
)
def test_malformed_recipients(text: str, message: str) -> None:
    with pytest.raises(KeyFormatError, match=f"^{re.escape(message)}$"):
        parse_recipient(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "", "malformed identity: it does not begin with AGE-SECRET-KEY-", id="nothing"
        ),
        pytest.param(
            SPEC_SECRET.lower(),
            "malformed identity: it does not begin with AGE-SECRET-KEY-",
            id="lower case",
        ),
        pytest.param(SPEC_SECRET[:-1], f"malformed identity: {CHECKSUM}", id="cut"),
        pytest.param(
            bech32.encode("age-secret-key-", bytes(33)).upper(),
            "malformed identity: it has the wrong length",
            id="33 bytes",
        ),
        pytest.param(
            bech32.encode("age-secret-key-pq-", bytes(31)).upper(),
            "malformed identity: it has the wrong length",
            id="hybrid of 31 bytes",
        ),
        pytest.param(
            bech32.encode("age-secret-key-x-", bytes(32)).upper(),
            "identities of this kind are not supported",
            id="unknown kind",
        ),
        pytest.param(
            SPEC_RECIPIENT,
            "this is a recipient; an identity begins with AGE-SECRET-KEY-",
            id="recipient",
        ),
        pytest.param(
            "AGE-PLUGIN-YUBIKEY-1Q", "identities of plugins are not supported", id="plugin"
        ),
    ],
)
def test_malformed_identities(text: str, message: str) -> None:
    with pytest.raises(KeyFormatError, match=f"^{re.escape(message)}$"):
        parse_identity(text)


@given(data=st.binary(max_size=100), prefix=st.sampled_from(["age", "age1pq", "a"]))
def test_bech32_there_and_back(data: bytes, prefix: str) -> None:
    text = bech32.encode(prefix, data)

    assert bech32.decode(text) == (prefix, data)
    assert bech32.decode(text.upper()) == (prefix.upper(), data)


@pytest.mark.parametrize(
    "text", ["pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "de1lg7wt\xff", "a\x7f1qqqqqqq"]
)
def test_what_bip_173_calls_invalid(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it|^its|^upper"):
        bech32.decode(text)


def test_a_prefix_may_hold_what_is_visible_and_must_be_there() -> None:
    assert bech32.decode(bech32.encode("!~", b"data")) == ("!~", b"data")
    with pytest.raises(ValueError, match=r"^it has no prefix$"):
        bech32.decode(bech32.encode("", b"data"))


def spelled(values: list[int]) -> str:
    """A text of these five-bit values whose checksum is right."""
    tail = bech32._polymod([*bech32._expand("age"), *values, *[0] * 6]) ^ 1
    checksum = [tail >> 5 * (5 - i) & 31 for i in range(6)]
    return "age1" + "".join(bech32._CHARSET[value] for value in [*values, *checksum])


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0, 1], id="a bit after the last byte"),
        pytest.param([0] * 9, id="a value more"),
        pytest.param([0] * 3, id="a value more than a byte needs"),
    ],
)
def test_bech32_has_one_spelling(values: list[int]) -> None:
    with pytest.raises(ValueError, match=r"^its padding is not zero$"):
        bech32.decode(spelled(values))


@pytest.mark.parametrize("size", [0, 1, 4, 5])
def test_bech32_takes_as_many_values_as_it_needs(size: int) -> None:
    values = [0] * -(-size * 8 // 5)

    assert bech32.decode(spelled(values)) == ("age", bytes(size))


def test_an_identity_file_as_age_keygen_writes_it() -> None:
    identity = parse_identity(SPEC_SECRET)
    text = format_identity_file(identity, datetime(2026, 11, 23, 3, 30, 5, 999, UTC))

    assert text == (
        f"# created: 2026-11-23T03:30:05Z\n# public key: {SPEC_RECIPIENT}\n{SPEC_SECRET}\n"
    )
    assert [key.secret_text() for key in parse_identity_file(text)] == [SPEC_SECRET]


def test_files_of_keys_skip_comments_and_blank_lines() -> None:
    text = f"\n# note\r\n{SPEC_SECRET}\r\n\n  {SPEC_HYBRID_SECRET}  "

    assert [key.secret_text() for key in parse_identity_file(text)] == [
        SPEC_SECRET,
        SPEC_HYBRID_SECRET,
    ]
    assert [str(key) for key in parse_recipient_file(f"# us\n{SPEC_RECIPIENT}\n")] == [
        SPEC_RECIPIENT
    ]


def test_an_error_in_an_identity_file_names_its_line_and_nothing_of_its_content() -> None:
    with pytest.raises(KeyFormatError) as caught:
        parse_identity_file(f"# note\n\n{SPEC_SECRET[:-3]}QQQ\n")

    assert str(caught.value) == f"line 3: malformed identity: {CHECKSUM}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("text", ["", "\n# only a comment\n"])
def test_a_file_without_keys(text: str) -> None:
    with pytest.raises(KeyFormatError, match=r"^there is no identity in it$"):
        parse_identity_file(text)
    with pytest.raises(KeyFormatError, match=r"^there is no recipient in it$"):
        parse_recipient_file(text)


@pytest.mark.parametrize(
    ("passphrase", "work_factor", "message"),
    [
        pytest.param("", 18, "the passphrase is empty", id="empty"),
        pytest.param("x", 0, "the work factor is not between 1 and 30", id="0"),
        pytest.param("x", 31, "the work factor is not between 1 and 30", id="31"),
    ],
)
def test_passphrases_that_cannot_be_used(passphrase: str, work_factor: int, message: str) -> None:
    with pytest.raises(RecipientsError, match=f"^{message}$"):
        PassphraseRecipient(passphrase, work_factor)


@pytest.mark.parametrize("work_factor", [1, 30])
def test_passphrases_may_be_as_cheap_and_as_dear_as_that(work_factor: int) -> None:
    assert PassphraseRecipient("x", work_factor).group is Group.PASSPHRASE
