import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.errors import ConfigError, UntrustedError
from bot.domain.signature import (
    PublicKey,
    parse_public_key,
    public_key_of,
    sign,
    signer_comment,
    verify,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = PublicKey("ed25519:O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=")


def test_the_public_half_of_a_key() -> None:
    assert public_key_of(KEY) == PUBLIC
    assert signer_comment(PUBLIC) == f"# akbot signing key: {PUBLIC}"


@pytest.mark.parametrize("text", [PUBLIC, f"  {PUBLIC}\n"])
def test_a_public_key_is_read(text: str) -> None:
    assert parse_public_key(text, "AKBOT_TRUSTED_KEYS") == PUBLIC


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(PUBLIC.removeprefix("ed25519:"), "a value", id="it may be a secret"),
        pytest.param("", "a value", id="nothing"),
        pytest.param(PUBLIC[:-1], f'"{PUBLIC[:-1]}"', id="cut"),
        pytest.param(f"{PUBLIC}=", f'"{PUBLIC}="', id="longer"),
        pytest.param(PUBLIC[:-2] + "l=", f'"{PUBLIC[:-2]}l="', id="another spelling"),
        pytest.param("ed25519:" + "A" * 90, f'"ed25519:{"A" * 72}"', id="only a line of it"),
        pytest.param("ed25519:ü", '"ed25519:ü"', id="a foreign letter"),
        pytest.param("rsa:AAAA", "a value", id="another scheme"),
    ],
)
def test_what_is_no_public_key_is_refused_and_a_secret_is_not_repeated(
    text: str, shown: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_public_key(text, "AKBOT_TRUSTED_KEYS")

    assert str(refused.value) == f"AKBOT_TRUSTED_KEYS: {shown} is not a signing public key"
    assert refused.value.hint == "Give it as akbot prints it: ed25519: and 44 characters of base64."


def test_a_signature_is_one_line_and_says_whose_it_is() -> None:
    signature = sign(b"data", KEY)
    scheme, public, value = signature.decode().removesuffix("\n").split(" ")

    assert (f"{scheme}:{public}", base64.b64decode(value)) == (PUBLIC, KEY.sign(b"data"))
    assert verify(b"data", signature, {PUBLIC}) == PUBLIC


@pytest.mark.parametrize(
    ("signature", "words", "hint"),
    [
        pytest.param(
            sign(b"data", Ed25519PrivateKey.from_private_bytes(b"\1" * 32)),
            'signed by the unknown key "ed25519:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="',
            "If another host of yours wrote it, add that key to AKBOT_TRUSTED_KEYS.",
            id="a stranger's",
        ),
        pytest.param(
            sign(b"other", KEY),
            "its signature does not fit: it was changed",
            "",
            id="of other data",
        ),
        pytest.param(
            sign(b"data", KEY)[:-1],
            "its signature file is malformed",
            "",
            id="without its line end",
        ),
        pytest.param(
            sign(b"data", KEY).replace(b" ", b"  ", 1),
            "its signature file is malformed",
            "",
            id="blank",
        ),
        pytest.param(
            sign(b"data", KEY).replace(b"ed25519", b"ed25518"),
            "its signature file is malformed",
            "",
            id="another scheme",
        ),
        pytest.param(
            b"ed25519 AAAA " + sign(b"data", KEY).split(b" ")[2],
            "its signature file is malformed",
            "",
            id="no key",
        ),
        pytest.param(
            b" ".join([*sign(b"data", KEY).split(b" ")[:2], b"AAAA\n"]),
            "its signature file is malformed",
            "",
            id="no signature",
        ),
    ],
)
def test_what_does_not_prove_who_wrote_it(signature: bytes, words: str, hint: str) -> None:
    with pytest.raises(UntrustedError) as refused:
        verify(b"data", signature, {PUBLIC})

    assert (str(refused.value), refused.value.hint) == (words, hint)
