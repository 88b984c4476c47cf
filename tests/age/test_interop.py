"""What the one program wrote, the other opens: Debian's `age`, and npm's `age-encryption`."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from bot.age import (
    CHUNK_SIZE,
    HybridIdentity,
    PassphraseIdentity,
    PassphraseRecipient,
    X25519Identity,
    decrypt,
    encrypt,
)
from tests.age import npm, programs
from tests.age.conftest import Akbot

CONTENTS = [random.Random(size).randbytes(size) for size in (0, 11, CHUNK_SIZE, 200_001)]
contents = pytest.mark.parametrize("content", CONTENTS, ids=len)
armored = pytest.mark.parametrize("armor", [False, True], ids=["binary", "armor"])


def run(*command: object, stdin: bytes = b"") -> bytes:
    done = subprocess.run(list(map(str, command)), input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@contents
@armored
def test_age_opens_what_akbot_wrote(
    content: bytes, *, armor: bool, tmp_path: Path, akbot: Akbot
) -> None:
    age = programs.find("age")
    keys = [tmp_path / "server.txt", tmp_path / "offline.txt"]
    recipients: list[object] = []
    for key in keys:
        run(programs.find("age-keygen"), "-o", key)
        recipients += ["-r", run("age-keygen", "-y", key).decode().strip()]
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(content)

    assert akbot("encrypt", *recipients, *["-a"] * armor, "-o", sealed, plain) == 0

    for key in keys:
        assert run(age, "-d", "-i", key, sealed) == content


@contents
@armored
def test_akbot_opens_what_age_wrote(
    content: bytes, *, armor: bool, tmp_path: Path, akbot: Akbot
) -> None:
    age = programs.find("age")
    keys = [tmp_path / "server.txt", tmp_path / "offline.txt"]
    for key in keys:
        assert akbot("keygen", "-o", key) == 0
    recipients = [["-r", run("age-keygen", "-y", key).decode().strip()] for key in keys]
    sealed, plain = tmp_path / "sealed", tmp_path / "plain"
    arguments = [argument for recipient in recipients for argument in recipient]

    run(age, *arguments, *["-a"] * armor, "-o", sealed, stdin=content)

    for key in keys:
        assert akbot("decrypt", "-i", key, "-o", plain, sealed) == 0
        assert plain.read_bytes() == content


@armored
def test_passphrases_both_ways(*, armor: bool, tmp_path: Path) -> None:
    age = programs.find("age")
    plain, sealed, back = tmp_path / "plain", tmp_path / "sealed", tmp_path / "back"
    plain.write_bytes(CONTENTS[1])

    at_terminal(f"{age} -p {'-a' * armor} -o {sealed} {plain}", typed="hünter2\nhünter2\n")
    opened = decrypt([sealed.read_bytes()], [PassphraseIdentity("hünter2")])
    assert b"".join(opened) == CONTENTS[1]

    ours = encrypt([CONTENTS[1]], [PassphraseRecipient("hünter2", 10)], armor=armor)
    sealed.write_bytes(b"".join(ours))
    at_terminal(f"{age} -d -o {back} {sealed}", typed="hünter2\n")
    assert back.read_bytes() == CONTENTS[1]


def at_terminal(command: str, *, typed: str) -> None:
    """Run *command* where `age` asks for a passphrase: at a terminal."""
    done = subprocess.run(
        [programs.find("script"), "-qec", command, "/dev/null"],
        input=typed.encode(),
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("hybrid", [False, True], ids=["x25519", "hybrid"])
@contents
def test_npms_age_opens_what_akbot_wrote(content: bytes, *, hybrid: bool) -> None:
    identity = HybridIdentity.generate() if hybrid else X25519Identity.generate()
    sealed = b"".join(encrypt([content], [identity.recipient()]))

    opened = node(
        """
        const decrypter = new age.Decrypter();
        decrypter.addIdentity(options.identity);
        return await decrypter.decrypt(input);
        """,
        stdin=sealed,
        identity=identity.secret_text(),
    )

    assert opened == content


@pytest.mark.parametrize("hybrid", [False, True], ids=["x25519", "hybrid"])
@contents
def test_akbot_opens_what_npms_age_wrote(content: bytes, *, hybrid: bool) -> None:
    identity = HybridIdentity.generate() if hybrid else X25519Identity.generate()

    sealed = node(
        """
        const encrypter = new age.Encrypter();
        encrypter.addRecipient(options.recipient);
        return await encrypter.encrypt(input);
        """,
        stdin=content,
        recipient=str(identity.recipient()),
    )

    assert b"".join(decrypt([sealed], [identity])) == content


def test_npms_age_derives_the_same_hybrid_recipient() -> None:
    identity = HybridIdentity.generate()

    derived = node(
        "return new TextEncoder().encode(await age.identityToRecipient(options.identity));",
        identity=identity.secret_text(),
    )

    assert derived.decode() == str(identity.recipient())


def node(body: str, *, stdin: bytes = b"", **options: str) -> bytes:
    """Run *body* beside npm's `age`, with `input` and `options`, and return what it returns."""
    folder = npm.package("age-encryption", "0.3.1")
    program = f"""
        import * as age from "age-encryption";
        import {{ readFileSync, writeSync }} from "node:fs";
        const input = new Uint8Array(readFileSync(0));
        const options = {json.dumps(options)};
        const output = await (async () => {{ {body} }})();
        for (let at = 0; at < output.length; ) at += writeSync(1, output, at);
    """
    done = subprocess.run(
        [programs.find("node"), "--input-type=module", "-e", program],
        input=stdin,
        capture_output=True,
        cwd=folder,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
