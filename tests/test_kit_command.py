"""`akbot kit` as a person types it: the sheet, the key, a passphrase, the confirmation."""

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import age
from tests.age import programs

OFFLINE = age.X25519Identity.generate()


@dataclass(frozen=True)
class Host:
    """A folder with settings; there is no Docker, and the kit needs none."""

    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("akbot")), *arguments]

    def environment(self, **settings: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AKBOT_STATE": str(self.state),
            "AKBOT_STACK": "authentik",
            "AKBOT_STORE": "s3://my-bucket/home?endpoint=https://s3.example.org",
            "AWS_ACCESS_KEY_ID": "planted-name",
            "AWS_SECRET_ACCESS_KEY": "planted-secret",
            "DOCKER_HOST": f"unix://{self.folder}/no-docker.sock",
            **settings,
        }

    def run(
        self, *arguments: str, stdin: str = "", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self.environment(**settings),
        )

    def ok(self, *arguments: str, stdin: str = "", **settings: str) -> str:
        ended = self.run(*arguments, stdin=stdin, **settings)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def finding(self, **settings: str) -> str:
        """What `check` says of the kit."""
        findings = json.loads(self.run("check", "--json", **settings).stdout)
        [found] = [each for each in findings if each["subject"] == "recovery kit"]
        return f"{found['level']}: {found['message']}"

    def key(self) -> str:
        text = (self.state / "identity.txt").read_text()
        return next(line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-"))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def offline(tmp_path: Path) -> str:
    path = tmp_path / "offline.txt"
    path.touch(0o600)
    path.write_text(f"{OFFLINE.secret_text()}\n")
    return str(path)


RECIPIENT = {"AKBOT_RECIPIENTS": str(OFFLINE.recipient())}


def code_on(sheet: str) -> str:
    return sheet.partition("Check code   ")[2].split()[0]


def test_without_the_key_it_holds_no_secret_at_all(host: Host) -> None:
    for options in ((), ("--json",)):
        ended = host.run("kit", *options)

        assert ended.returncode == 0
        assert "s3://my-bucket/home" in ended.stdout
        told = ended.stdout + ended.stderr
        secret = (host.state / "signing.key").read_text().splitlines()[1]
        for planted in ("SECRET-KEY-", host.key(), secret, "planted"):
            assert planted not in told
    assert not (host.state / "kit.json").exists()


def test_from_printing_to_confirming(host: Host) -> None:
    ended = host.run("kit", "--with-key", "-o", "kit.txt")
    sheet = (host.folder / "kit.txt").read_text()

    assert (ended.returncode, ended.stdout) == (0, "")
    assert "put it away from this host" in ended.stderr
    assert (host.folder / "kit.txt").stat().st_mode & 0o777 == 0o600
    assert f"\n{host.key()}\n" in sheet
    assert code_on(sheet) not in ended.stderr
    assert host.finding() == "warning: never confirmed"

    assert "asks for it again in 180 days" in host.ok("kit", "--confirm", code_on(sheet))

    assert host.finding() == "ok: confirmed today, asked for every 180 days"
    kept = (host.state / "kit.json").read_text()
    assert code_on(sheet).replace("-", "") not in kept.replace("-", "")
    assert host.key() not in kept


@pytest.mark.parametrize(
    "how", [pytest.param("argument"), pytest.param("two arguments"), pytest.param("stdin")]
)
def test_the_code_is_an_argument_or_a_line_of_stdin(host: Host, how: str) -> None:
    code = code_on(host.ok("kit", "--with-key")).lower()

    if how == "stdin":
        host.ok("kit", "--confirm", stdin=f"{code.replace('-', ' ')}\n")
    elif how == "argument":
        host.ok("kit", "--confirm", code)
    else:
        host.ok("kit", "--confirm", *code.split("-"))

    assert host.finding().startswith("ok: confirmed today")


def test_a_wrong_code_is_refused_and_told_where_to_look(host: Host) -> None:
    host.ok("kit", "--with-key")

    ended = host.run("kit", "--confirm", "00000-00000")

    assert (ended.returncode, ended.stdout) == (3, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("akbot: confirm the kit: this is not the check code of a key")
    assert 'Look below the private key on the sheet: "Check code"' in line
    assert host.finding() == "warning: never confirmed"


def test_a_confirmation_lapses_with_its_key(host: Host) -> None:
    host.ok("kit", "--confirm", code_on(host.ok("kit", "--with-key")))

    assert host.finding(**RECIPIENT).startswith("warning: confirmed for another key")


def test_no_reminder_at_all(host: Host) -> None:
    host.ok("kit")

    assert host.finding(AKBOT_KIT_REMINDER="0").startswith("ok: never asked for")


def test_a_key_kept_elsewhere_is_printed_from_its_file(host: Host, offline: str) -> None:
    sheet = host.ok("kit", "--with-key", "--identity", offline, **RECIPIENT)
    Path(offline).unlink()

    assert OFFLINE.secret_text() in sheet
    document = json.loads(host.ok("kit", "--confirm", code_on(sheet), "--json", **RECIPIENT))
    assert len(document["keys"]) == 1
    assert host.finding(**RECIPIENT).startswith("ok: confirmed today")
    secret = OFFLINE.secret_text()
    assert [path for path in host.state.iterdir() if secret.encode() in path.read_bytes()] == []


def test_a_key_that_never_comes_here_answers_a_challenge(host: Host) -> None:
    sealed = host.ok("kit", "--challenge", **RECIPIENT)
    opened = b"".join(age.decrypt([sealed.encode()], [OFFLINE])).decode()

    host.ok("kit", "--confirm", stdin=opened, **RECIPIENT)

    assert host.finding(**RECIPIENT).startswith("ok: confirmed today")
    assert host.run("kit", "--confirm", stdin=opened, **RECIPIENT).returncode == 3


def test_json_has_the_key_only_on_demand(host: Host) -> None:
    without = json.loads(host.ok("kit", "--json"))
    with_key = json.loads(host.ok("kit", "--json", "--with-key"))

    assert without["keys"] == []
    [key] = with_key["keys"]
    assert key["text"] == host.key()
    assert key["code"] == code_on(host.ok("kit", "--with-key"))
    assert with_key["stores"] == {
        "s3:my-bucket/home": "s3://my-bucket/home at https://s3.example.org"
    }


def test_what_exists_is_never_overwritten(host: Host) -> None:
    (host.folder / "kit.txt").write_text("precious")

    ended = host.run("kit", "-o", "kit.txt")

    assert ended.returncode == 2
    assert 'create -o "kit.txt": it exists' in ended.stderr
    assert (host.folder / "kit.txt").read_text() == "precious"


def test_with_a_passphrase_the_whole_kit_is_an_age_file(host: Host) -> None:
    secret = host.folder / "passphrase"
    secret.touch(0o600)
    secret.write_text("correct horse\n")
    host.ok("kit", "--with-key", "--passphrase-file", str(secret), "-o", "kit.age")

    sealed = (host.folder / "kit.age").read_bytes()
    opened = b"".join(age.decrypt([sealed], [age.PassphraseIdentity("correct horse")]))

    assert sealed.startswith(age.ARMOR_BEGIN)
    assert host.key() in opened.decode()
    assert "correct horse" not in opened.decode()


def test_stock_age_opens_it_with_the_passphrase(host: Host) -> None:
    stock_age, script = programs.find("age"), programs.find("script")
    host.ok("kit", "--passphrase-file", "-", "-o", "kit.age", stdin="correct horse\n")

    subprocess.run(
        [script, "-qec", f"{stock_age} -d -o kit.txt kit.age", "/dev/null"],
        input=b"correct horse\n",
        capture_output=True,
        timeout=600,
        check=True,
        cwd=host.folder,
    )

    assert (host.folder / "kit.txt").read_text().startswith("RECOVERY KIT of the Authentik stack")


def typing(host: Host, *lines: str, arguments: tuple[str, ...]) -> tuple[int, bytes, bytes]:
    """Run it at a terminal, and type a line at each prompt."""
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        host.command(*arguments),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=host.folder,
        env=host.environment(),
        start_new_session=True,
        bufsize=0,
    ) as process:
        assert process.stderr
        told = b""
        for line in lines:
            while not told.endswith(b": "):
                told += process.stderr.read(1) or pytest.fail(told.decode())
            os.write(controller, f"{line}\n".encode())
            told += process.stderr.read(1)
        said, rest = process.communicate()
    os.close(terminal)
    os.close(controller)
    return process.returncode, said, told + rest


def test_a_passphrase_is_asked_for_twice(host: Host) -> None:
    code, sealed, asked = typing(host, "secret", "secret", arguments=("kit", "--passphrase"))
    opened = b"".join(age.decrypt([sealed], [age.PassphraseIdentity("secret")]))

    assert code == 0
    assert opened.startswith(b"RECOVERY KIT")
    assert b"Passphrase: " in asked
    assert b"secret" not in asked


@pytest.mark.parametrize(("typed", "words"), [(("a", "b"), b"not the same"), (("",), b"is empty")])
def test_a_passphrase_that_was_mistyped_is_told(
    host: Host, typed: tuple[str, ...], words: bytes
) -> None:
    code, sealed, told = typing(host, *typed, arguments=("kit", "--passphrase"))

    assert (code, sealed) == (2, b"")
    assert words in told


def test_the_code_is_asked_for_at_a_terminal(host: Host) -> None:
    sheet = host.ok("kit", "--with-key")

    code, said, asked = typing(host, code_on(sheet), arguments=("kit", "--confirm"))

    assert code == 0
    assert said.startswith(b"The recovery kit is confirmed")
    assert asked == b"Check code: "
    assert code_on(sheet).encode() not in said


def test_a_key_on_a_screen_is_warned_of(host: Host) -> None:
    controller, terminal = pty.openpty()
    ended = subprocess.run(
        host.command("kit", "--with-key", "--json"),  # short: nobody reads this terminal
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.PIPE,
        check=False,
        cwd=host.folder,
        env=host.environment(),
    )
    os.close(terminal)
    os.close(controller)

    assert ended.returncode == 0
    assert b"akbot: warning: the private key stands on this screen" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--confirm", "x", "--with-key"), "kit --confirm: it does not go with --with-key"),
        (("--confirm", "-o", "f"), "kit --confirm: it does not go with -o"),
        (("--confirm", "--challenge"), "kit --confirm: it does not go with --challenge"),
        (("--challenge", "--with-key"), "kit --challenge: it does not go with --with-key"),
        (("--identity", "f"), "kit --identity: the key would not be printed"),
        (("--passphrase",), "kit --passphrase: there is no terminal"),
        (("--confirm",), "kit --confirm: there is no code"),
        (("--with-key", "--identity", "nowhere"), '--identity: read "nowhere": No such file'),
        (("--passphrase-file", "nowhere"), 'open --passphrase-file "nowhere": No such file'),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    host: Host, arguments: tuple[str, ...], words: str
) -> None:
    ended = host.run("kit", *arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert words in line
    assert not (host.folder / "f").exists()
    assert not (host.folder / "state" / "identity.txt").exists()


def test_without_docker_and_without_a_stack_s_name_it_says_so(host: Host) -> None:
    ended = host.run("kit", AKBOT_STACK="")

    assert ended.returncode == 1
    assert "the Docker Engine does not answer" in ended.stderr
