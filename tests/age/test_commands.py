"""keygen, encrypt and decrypt: files, streams, and what they say when something is wrong."""

import contextlib
import errno
import os
import re
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.age import (
    HybridIdentity,
    PassphraseRecipient,
    X25519Identity,
    encrypt,
    parse_identity_file,
    parse_recipient,
)
from bot.domain.errors import BotError, ConfigError, IntegrityError
from bot.entrypoints.streams import READER_GONE
from tests.age import programs
from tests.age.conftest import Akbot

KEY, STRANGER, HYBRID = (
    X25519Identity.generate(),
    X25519Identity.generate(),
    HybridIdentity.generate(),
)
RECIPIENT = str(KEY.recipient())

PROGRAM = """
import argparse, sys
from bot.domain.errors import BotError
from bot.entrypoints.crypt import add_commands
parser = argparse.ArgumentParser()
add_commands(parser.add_subparsers(required=True))
args = parser.parse_args()
try:
    sys.exit(args.run(args))
except BotError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return secret(tmp_path / "key.txt", KEY.secret_text())


def secret(path: Path, text: str | bytes) -> Path:
    path.touch(0o600)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def sealed(content: bytes = b"secret") -> bytes:
    return b"".join(encrypt([content], [KEY.recipient()]))


def process(
    *arguments: object, stdin: bytes = b"", preexec: Callable[[], None] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        preexec_fn=preexec,
        timeout=600,
    )


class TestKeygen:
    @pytest.mark.parametrize("kind", [X25519Identity, HybridIdentity])
    def test_the_file_is_the_owners_alone_and_the_recipient_is_printed(
        self,
        kind: type[X25519Identity] | type[HybridIdentity],
        tmp_path: Path,
        akbot: Akbot,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        path = tmp_path / "key.txt"

        assert akbot("keygen", "-o", path, *["--hybrid"] * (kind is HybridIdentity)) == 0

        (identity,) = parse_identity_file(path.read_text())
        assert type(identity) is kind
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        printed = capsys.readouterr()
        assert printed.out == f"{identity.recipient()}\n"
        assert printed.err == f"Public key: {identity.recipient()}\n"
        assert re.fullmatch(
            r"# created: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n"
            rf"# public key: {identity.recipient()}\n{identity.secret_text()}\n",
            path.read_text(),
        )

    def test_a_hyphen_is_stdout_as_for_age_keygen(
        self, tmp_path: Path, akbot: Akbot, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with contextlib.chdir(tmp_path):
            assert akbot("keygen", "-o", "-") == 0

        printed = capsys.readouterr()
        (identity,) = parse_identity_file(printed.out)
        assert printed.out.endswith(f"\n{identity.secret_text()}\n")
        assert printed.err == f"Public key: {identity.recipient()}\n"
        assert not [*tmp_path.iterdir()]

    def test_the_mode_does_not_depend_on_the_umask(self, tmp_path: Path) -> None:
        done = process("keygen", "-o", tmp_path / "key.txt", preexec=lambda: void(os.umask(0)))

        assert done.returncode == 0
        assert stat.S_IMODE((tmp_path / "key.txt").stat().st_mode) == 0o600

    def test_an_existing_file_is_never_touched(self, tmp_path: Path, akbot: Akbot) -> None:
        path = secret(tmp_path / "key.txt", "precious")

        with pytest.raises(ConfigError, match="it exists, and a key is never overwritten"):
            akbot("keygen", "-o", path)

        assert path.read_text() == "precious"

    def test_nor_what_a_dangling_link_points_to(self, tmp_path: Path, akbot: Akbot) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

        with pytest.raises(ConfigError):
            akbot("keygen", "-o", tmp_path / "link")

        assert not (tmp_path / "elsewhere").exists()

    def test_debians_age_reads_the_file(
        self, tmp_path: Path, akbot: Akbot, capsys: pytest.CaptureFixture[str]
    ) -> None:
        age_keygen = programs.find("age-keygen")
        akbot("keygen", "-o", tmp_path / "key.txt")

        derived = subprocess.check_output([age_keygen, "-y", tmp_path / "key.txt"], text=True)

        assert derived == capsys.readouterr().out


class TestStreams:
    def test_stdin_to_stdout_and_back(self, key_file: Path) -> None:
        content = bytes(range(256)) * 1000

        done = process("encrypt", "-r", RECIPIENT, stdin=content)
        assert done.returncode == 0
        back = process("decrypt", "-i", key_file, "-", stdin=done.stdout)

        assert (back.returncode, back.stdout, back.stderr) == (0, content, b"")

    def test_recipients_from_files_and_from_stdin(
        self, tmp_path: Path, key_file: Path, akbot: Akbot
    ) -> None:
        recipients = secret(tmp_path / "recipients", f"# us\n{RECIPIENT}\n")
        plain = secret(tmp_path / "plain", "secret")
        akbot("encrypt", "-R", recipients, "-r", STRANGER.recipient(), "-o", plain, plain)

        akbot("decrypt", "-i", key_file, "-o", tmp_path / "back", plain)
        assert (tmp_path / "back").read_bytes() == b"secret"

        done = process("decrypt", "-i", "-", plain, stdin=STRANGER.secret_text().encode())
        assert done.stdout == b"secret"

    def test_memory_does_not_grow_with_the_file(self, tmp_path: Path) -> None:
        plain = tmp_path / "plain"
        with plain.open("wb") as file:
            file.truncate(256 << 20)

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_DATA, (100 << 20, 100 << 20))

        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "encrypt", "-r", RECIPIENT, str(plain)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            preexec_fn=limit,
        )

        assert (done.returncode, done.stderr) == (0, b"")

    def test_a_reader_that_goes_away_is_not_an_error_worth_a_word(self, tmp_path: Path) -> None:
        plain = tmp_path / "plain"
        plain.write_bytes(bytes(4 << 20))
        with subprocess.Popen(
            [sys.executable, "-m", "bot", "encrypt", "-r", RECIPIENT, str(plain)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as encrypting:
            assert encrypting.stdout is not None
            assert encrypting.stderr is not None
            encrypting.stdout.read(10)
            encrypting.stdout.close()

            assert encrypting.stderr.read() == b""
            assert encrypting.wait(30) == READER_GONE

    @pytest.mark.parametrize(
        ("options", "code"),
        [([], 1), (["-a"], 0), (["-o", "-"], 0)],
        ids=["binary", "armor", "insisting"],
    )
    def test_a_terminal_gets_no_binary(self, options: list[str], code: int, tmp_path: Path) -> None:
        plain = secret(tmp_path / "plain", "secret")
        command = [
            sys.executable,
            "-c",
            f"'{PROGRAM}'",
            "encrypt",
            "-r",
            RECIPIENT,
            *options,
            str(plain),
        ]

        done = subprocess.run(
            [programs.find("script"), "-qec", " ".join(command), "/dev/null"],
            capture_output=True,
            check=False,
        )

        assert done.returncode == code
        assert (b"the output is binary, and stdout is a terminal" in done.stdout) is bool(code)


class TestOutputFile:
    def test_it_appears_only_when_complete(
        self, tmp_path: Path, key_file: Path, akbot: Akbot
    ) -> None:
        damaged = secret(tmp_path / "damaged", sealed(bytes(200_000))[:-1])
        out = secret(tmp_path / "out", "before")

        with pytest.raises(IntegrityError):
            akbot("decrypt", "-i", key_file, "-o", out, damaged)

        assert out.read_text() == "before"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged", "key.txt", "out"]

    def test_plaintext_is_the_owners_alone_and_ciphertext_is_not_special(
        self, tmp_path: Path, key_file: Path, akbot: Akbot
    ) -> None:
        plain, cipher = secret(tmp_path / "plain", "x"), tmp_path / "cipher"
        umask = os.umask(0o022)
        try:
            akbot("encrypt", "-r", RECIPIENT, "-o", cipher, plain)
            akbot("decrypt", "-i", key_file, "-o", tmp_path / "back", cipher)
        finally:
            os.umask(umask)

        assert stat.S_IMODE(cipher.stat().st_mode) == 0o644
        assert stat.S_IMODE((tmp_path / "back").stat().st_mode) == 0o600

    def test_it_may_be_the_input(self, tmp_path: Path, key_file: Path, akbot: Akbot) -> None:
        file = secret(tmp_path / "file", bytes(300_000))

        akbot("encrypt", "-r", RECIPIENT, "-o", file, file)
        akbot("decrypt", "-i", key_file, "-o", file, file)

        assert file.read_bytes() == bytes(300_000)

    def test_a_link_stays_one(self, tmp_path: Path, akbot: Akbot) -> None:
        plain = secret(tmp_path / "plain", "x")
        link, target = tmp_path / "link", secret(tmp_path / "target", "")
        link.symlink_to(target)

        akbot("encrypt", "-r", RECIPIENT, "-o", link, plain)

        assert link.is_symlink()
        assert target.read_bytes().startswith(b"age-encryption.org/v1\n")

    # A pipe of our own stands for all that is no regular file. Never a real device: where this
    # check fails, the command renames a file over what it was given, and tests may run as root.
    def test_a_pipe_is_written_directly(self, tmp_path: Path, akbot: Akbot) -> None:
        plain = secret(tmp_path / "plain", "x")
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            assert akbot("encrypt", "-r", RECIPIENT, "-o", pipe, plain) == 0
            assert os.read(reader, 1000).startswith(b"age-encryption.org/v1\n")
        finally:
            os.close(reader)
        assert stat.S_ISFIFO(pipe.stat().st_mode)

    def test_a_link_to_stdout_is_stdout(self, tmp_path: Path, key_file: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to("/dev/stdout")

        done = process("decrypt", "-i", key_file, "-o", link, stdin=sealed())

        assert (done.returncode, done.stdout, done.stderr) == (0, b"secret", b"")

    def test_what_the_system_refuses_leaves_nothing_behind(self, tmp_path: Path) -> None:
        plain = secret(tmp_path / "plain", bytes(300_000))
        out = tmp_path / "out"

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        done = process("encrypt", "-r", RECIPIENT, "-o", out, plain, preexec=limit)

        assert done.stderr.decode() == f'PortError: write "{out}": {os.strerror(errno.EFBIG)}\n'
        assert [path.name for path in tmp_path.iterdir()] == ["plain"]


class TestPassphrases:
    def locked(self, content: str) -> bytes:
        return b"".join(
            encrypt([content.encode()], [PassphraseRecipient("hunter2", 4)], armor=True)
        )

    @pytest.mark.parametrize("text", ["hunter2", "hunter2\n", "hunter2\r\nmore\n"])
    def test_a_locked_file_opens(
        self, text: str, tmp_path: Path, akbot: Akbot, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        passphrase = secret(tmp_path / "passphrase", text)
        kit = secret(tmp_path / "kit", self.locked("the kit"))

        assert akbot("decrypt", "--passphrase-file", passphrase, kit) == 0
        assert capfdbinary.readouterr() == (b"the kit", b"")

    def test_a_locked_identity_file_opens_and_may_be_readable(
        self, tmp_path: Path, akbot: Akbot, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        passphrase = secret(tmp_path / "passphrase", "hunter2\n")
        keys = secret(tmp_path / "keys", self.locked(f"# key\n{KEY.secret_text()}\n"))
        keys.chmod(0o644)
        file = secret(tmp_path / "file", sealed())

        assert akbot("decrypt", "-i", keys, "--passphrase-file", passphrase, file) == 0
        assert capfdbinary.readouterr() == (b"secret", b"")

    def test_without_its_passphrase_it_does_not(self, tmp_path: Path, akbot: Akbot) -> None:
        keys = secret(tmp_path / "keys", self.locked(KEY.secret_text()))
        wrong = secret(tmp_path / "wrong", "hunter3")
        file = secret(tmp_path / "file", sealed())

        with pytest.raises(
            ConfigError, match=rf'^read -i "{keys}": it is locked with a passphrase$'
        ):
            akbot("decrypt", "-i", keys, file)
        with pytest.raises(IntegrityError, match=rf'^unlock -i "{keys}": the passphrase is wrong$'):
            akbot("decrypt", "-i", keys, "--passphrase-file", wrong, file)


@pytest.mark.parametrize("exposed", ["-i", "--passphrase-file"])
def test_a_secret_that_everybody_can_read_is_worth_one_line(
    exposed: str,
    tmp_path: Path,
    key_file: Path,
    akbot: Akbot,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    passphrase = secret(tmp_path / "passphrase", "hunter2")
    path = key_file if exposed == "-i" else passphrase
    path.chmod(0o644)
    file = secret(tmp_path / "file", sealed())

    assert akbot("decrypt", "-i", key_file, "--passphrase-file", passphrase, file) == 0

    out, err = capfdbinary.readouterr()
    assert out == b"secret"
    assert err.decode() == (
        f'akbot: warning: {exposed}: everybody on this host can read "{path}".'
        f" To mend it, run: chmod 600 {path}\n"
    )


@pytest.mark.parametrize(
    ("command", "kind", "message"),
    [
        pytest.param("encrypt IN", ConfigError, "encrypt: there is no recipient", id="no -r"),
        pytest.param(
            "encrypt -r alice IN",
            ConfigError,
            "read -r: malformed recipient: it does not begin with age1",
            id="malformed -r",
        ),
        pytest.param(
            "encrypt -r age1pq IN",
            ConfigError,
            "read -r: malformed recipient: it is too short",
            id="cut -r",
        ),
        pytest.param(
            "encrypt -r RECIPIENT -r HYBRID IN",
            ConfigError,
            "encrypt with -r and -R: a hybrid recipient (age1pq1…) and a classical one (age1…)"
            " cannot share a file: the classical one would undo the protection against quantum"
            " computers",
            id="hybrid and classical",
        ),
        pytest.param(
            "encrypt -R MISSING IN",
            ConfigError,
            'open -R "MISSING": No such file or directory',
            id="no -R file",
        ),
        pytest.param(
            "encrypt -R BAD IN",
            ConfigError,
            'read -R "BAD": line 2: malformed recipient: it does not begin with age1',
            id="malformed -R",
        ),
        pytest.param(
            "encrypt -R BINARY IN", ConfigError, 'read -R "BINARY": it is not text', id="binary -R"
        ),
        pytest.param(
            "encrypt -R -",
            ConfigError,
            "read stdin: it cannot be both -R and IN",
            id="stdin twice",
        ),
        pytest.param(
            "decrypt -i - --passphrase-file - SEALED",
            ConfigError,
            "read stdin: it cannot be both -i and --passphrase-file",
            id="stdin twice, not for the input",
        ),
        pytest.param(
            "encrypt -r RECIPIENT MISSING",
            ConfigError,
            'open IN "MISSING": No such file or directory',
            id="no input",
        ),
        pytest.param(
            "encrypt -r RECIPIENT FOLDER",
            ConfigError,
            'open IN "FOLDER": Is a directory',
            id="input is a folder",
        ),
        pytest.param(
            "encrypt -r RECIPIENT -o MISSING/out IN",
            ConfigError,
            'create -o "MISSING/out": No such file or directory',
            id="no output folder",
        ),
        pytest.param(
            "encrypt -r RECIPIENT -o FOLDER IN",
            ConfigError,
            'create -o "FOLDER": Is a directory',
            id="output is a folder",
        ),
        pytest.param("decrypt SEALED", ConfigError, "decrypt: there is no identity", id="no -i"),
        pytest.param(
            "decrypt -i MISSING SEALED",
            ConfigError,
            'open -i "MISSING": No such file or directory',
            id="no -i file",
        ),
        pytest.param(
            "decrypt -i BAD SEALED",
            ConfigError,
            'read -i "BAD": line 2: malformed identity: it does not begin with AGE-SECRET-KEY-',
            id="malformed -i",
        ),
        pytest.param(
            "decrypt -i EMPTY SEALED",
            ConfigError,
            'read -i "EMPTY": there is no identity in it',
            id="empty -i",
        ),
        pytest.param(
            "decrypt -i HUGE SEALED",
            ConfigError,
            'read -i "HUGE": it is longer than 1024 KiB',
            id="huge -i",
        ),
        pytest.param(
            "decrypt --passphrase-file EMPTY SEALED",
            ConfigError,
            'read --passphrase-file "EMPTY": its first line is empty or not text',
            id="empty passphrase",
        ),
        pytest.param(
            "decrypt --passphrase-file MISSING SEALED",
            ConfigError,
            'open --passphrase-file "MISSING": No such file or directory',
            id="no passphrase file",
        ),
        pytest.param(
            "decrypt -i STRANGER SEALED",
            IntegrityError,
            'decrypt "SEALED": none of the 1 identities opens it',
            id="wrong key",
        ),
        pytest.param(
            "decrypt -i KEY IN",
            IntegrityError,
            'decrypt "IN": this is not an age file',
            id="no age",
        ),
        pytest.param(
            "decrypt -i KEY CUT",
            IntegrityError,
            'decrypt "CUT": chunk 1 was cut off, or changed after it was written',
            id="cut off",
        ),
        pytest.param(
            "decrypt -i KEY EMPTY", IntegrityError, 'decrypt "EMPTY": the file is empty', id="empty"
        ),
    ],
)
def test_bad_input(
    command: str, kind: type[BotError], message: str, tmp_path: Path, akbot: Akbot
) -> None:
    files = {
        "BAD": b"# note\nalice\n",
        "BINARY": b"\xff\xfe",
        "CUT": sealed()[:-1],
        "EMPTY": b"",
        "HUGE": bytes((1 << 20) + 1),
        "IN": b"plain",
        "KEY": KEY.secret_text().encode(),
        "SEALED": sealed(),
        "STRANGER": STRANGER.secret_text().encode(),
    }
    for name, content in files.items():
        secret(tmp_path / name, content)
    (tmp_path / "FOLDER").mkdir()
    places = {name: str(tmp_path / name) for name in [*files, "FOLDER", "MISSING", "MISSING/out"]}
    words = places | {"RECIPIENT": RECIPIENT, "HYBRID": str(HYBRID.recipient())}

    with pytest.raises(kind) as caught:
        akbot(*(words.get(word, word) for word in command.split()))

    said = str(caught.value).replace(f"{tmp_path}/", "")
    assert said == message
    assert type(caught.value) is kind
    assert caught.value.hint.endswith(".")
    assert "\n" not in said + caught.value.hint
    assert KEY.secret_text() not in said


def test_help_does_not_wait_for_the_cryptography() -> None:
    code = f"{PROGRAM.split('args =', maxsplit=1)[0]}\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    modules = done.stdout.split()
    assert "bot.entrypoints.crypt" in modules
    assert not {"cryptography", "bot.age"} & set(modules)


def test_the_printed_recipient_is_one(
    tmp_path: Path, akbot: Akbot, capsys: pytest.CaptureFixture[str]
) -> None:
    akbot("keygen", "-o", tmp_path / "key.txt")

    parse_recipient(capsys.readouterr().out.strip())


def void(_: object) -> None:
    """Make a call that returns something fit where nothing is wanted."""
