"""`deploy/setup` before a client of Docker that only writes down, and `akbot setup` without one."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from bot import age
from bot.domain.errors import RefusedError
from bot.entrypoints.setup_terminal import opened
from tests.bot_api.server import bot_api
from tests.command_line import PROGRAM, environment, run
from tests.fakes_stack import NOW

SCRIPT = Path(__file__).parents[1] / "deploy" / "setup"
DOCKER = """#!/bin/sh
printf '%s\\n' "$@" >>"$RECORD"
case $1 in
version) exit "${DOCKER_IS_AWAY:-0}" ;;
run)
    [ -z "$NO_STACK" ] || exit 2
    printf 'folder=%s\\nnetwork=x_default\\nstate=%s\\n' "$STACK" "$STATE"
    ;;
create) echo the-box ;;
start) exit "${ENDS_WITH:-0}" ;;
esac
"""


def script(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The script on a host whose stack lies in *folder*/stack."""
    for name in ("bin", "stack"):
        (folder / name).mkdir(exist_ok=True)
    docker = folder / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    known = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "RECORD": str(folder / "record"),
        "STACK": str(folder / "stack"),
    }
    options = ("--bot-env", folder / "bot.env", "--state-dir", folder / "state")
    return subprocess.run(
        [SCRIPT, *options, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**known, **settings},
    )


def told(folder: Path, verb: str) -> list[str]:
    """The words of the one call of Docker with *verb*, and of those after it."""
    words = (folder / "record").read_text().splitlines()
    return words[words.index(verb) :]


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "words"),
    [
        (["--nonsense"], {}, 2, '"--nonsense" is no option'),
        (["--answer"], {}, 2, "--answer: its value is missing"),
        (["--kept-key", "none"], {}, 2, 'there is no file "none"'),
        (["--env-file", "none"], {}, 2, 'there is no file "none"'),
        (["--project-dir", "/none/x"], {}, 2, "--project-dir: there is no folder"),
        (["--bot-env", "/none/x"], {}, 2, "--bot-env: there is no folder"),
        ([], {"DOCKER_HOST": "tcp://h:2375"}, 2, "another machine's"),
        ([], {"DOCKER_IS_AWAY": "1"}, 1, "Docker does not answer. Nothing was changed."),
        ([], {"NO_STACK": "1"}, 2, ""),
        ([], {"STACK": "/none"}, 1, 'the stack\'s folder "/none" is not there'),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_made(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], code: int, words: str
) -> None:
    ended = script(tmp_path, *arguments, AKBOT_IMAGE="akbot:test", **settings)

    assert ended.returncode == code
    assert words in ended.stderr
    assert not (tmp_path / "state").exists()


def test_without_docker_the_next_step_is_named(tmp_path: Path) -> None:
    for tool in ("bash", "dirname", "realpath"):
        found = next(
            Path(each) / tool
            for each in os.environ["PATH"].split(":")
            if (Path(each) / tool).exists()
        )
        (tmp_path / tool).symlink_to(found)

    ended = subprocess.run(
        [tmp_path / "bash", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tmp_path)},
    )

    assert ended.returncode == 1
    assert "there is no Docker on this machine. Install it" in ended.stderr


def test_its_help_tells_all_options(tmp_path: Path) -> None:
    ended = script(tmp_path, "--help")

    assert ended.returncode == 0
    for option in ("--non-interactive", "--kept-key", "--answer", "--undo", "--keys", "--env-file"):
        assert option in ended.stdout


def test_secrets_go_by_name_every_path_is_the_hosts_and_the_networks_are_the_bots(
    tmp_path: Path,
) -> None:
    (tmp_path / "kept.txt").write_text("AGE-SECRET-KEY-1PLANTED")
    (tmp_path / "answers").write_text("AKBOT_TELEGRAM_TOKEN=planted")

    ended = script(
        tmp_path,
        *("--non-interactive", "--kept-key=kept.txt", "--env-file", "answers"),
        AKBOT_IMAGE="akbot:test",
        AWS_SECRET_ACCESS_KEY="planted-secret",
        AWS_PROFILE="mine",
        AKBOT_STATE="/elsewhere",
        AKBOT_STORE="s3://bucket",
        ENDS_WITH="3",
    )

    assert ended.returncode == 3, ended.stderr
    words = told(tmp_path, "create")
    assert "planted" not in "\n".join(words).lower().replace("kept", "")
    at = [words[number + 1] for number, word in enumerate(words) if word == "--env"]
    assert at == ["AKBOT_STORE", "AWS_SECRET_ACCESS_KEY"]
    stack, state = tmp_path / "stack", tmp_path / "state"
    assert f"type=bind,source={stack},target={stack}" in words
    assert f"type=bind,source={state},target=/var/lib/akbot" in words
    assert f"type=bind,source={tmp_path}/kept.txt,target=/run/kept-key,readonly" in words
    assert words[words.index("--network") + 1] == "x_default"
    assert words[words.index("network") :][:5] == [
        "network",
        "connect",
        "bridge",
        "the-box",
        "start",
    ]
    akbot = words[words.index("akbot:test") + 1 : words.index("network")]
    assert akbot == [
        *("--env-file", "/run/akbot.env", "setup", "--project-dir", str(stack)),
        *("--state-dir", str(state), "--bot-file", str(SCRIPT.with_name("compose.bot.yml"))),
        *("--bot-env", str(tmp_path / "bot.env"), "--non-interactive"),
        *("--image", "akbot:test", "--kept-key", "/run/kept-key"),
    ]


def test_a_bot_of_the_stacks_own_file_keeps_its_state(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()

    script(tmp_path, AKBOT_IMAGE="akbot:test", STATE=str(own))

    assert f"type=bind,source={own},target=/var/lib/akbot" in told(tmp_path, "create")


def test_an_undo_needs_no_stack_where_an_earlier_set_up_is_known(tmp_path: Path) -> None:
    (tmp_path / "stack").mkdir()
    (tmp_path / "bot.env").write_text(f"AKBOT_PROJECT_DIR={tmp_path}/stack\nAKBOT_IMAGE=mine:1\n")

    ended = script(tmp_path, "--undo", "--yes", "--keys", NO_STACK="1")

    assert ended.returncode == 0, ended.stderr
    words = told(tmp_path, "create")
    assert "--network" not in words
    assert words[words.index("setup") :][9:14] == ["--yes", "--keys", "--image", "mine:1", "--undo"]


def test_without_the_script_it_says_what_to_run(tmp_path: Path) -> None:
    ended = run(tmp_path, "setup", "--non-interactive")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Run deploy/setup" in ended.stderr


def given(folder: Path) -> tuple[str, ...]:
    return (
        *("setup", "--project-dir", str(folder), "--state-dir", "/x"),
        *("--bot-file", "/x/compose.bot.yml", "--bot-env", str(folder / "bot.env")),
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--non-interactive"], 1, "the Docker Engine does not answer"),
        ([], 2, "there is no terminal to ask at"),
        (["--undo"], 2, "there is no terminal to ask at"),
        (["--look"], 1, "the Docker Engine does not answer"),
    ],
)
def test_what_it_cannot_do_is_told_in_a_line(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    ended = run(tmp_path, *given(tmp_path), *arguments)

    assert (ended.returncode, ended.stdout) == (code, "")
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "akbot.env").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"AKBOT_TIMEZONE": "Europe/Atlantis"}, 'there is no time zone "Europe/Atlantis"'),
        ({"AKBOT_TELEGRAM_TOKEN": "nonsense"}, "this is not the form of a bot's token"),
        ({"AKBOT_STORR": "x"}, 'Did you mean "AKBOT_STORE"'),
        ({"AKBOT_STORE": "ftp://x"}, "AKBOT_STORE"),
        ({"AKBOT_RECIPIENTS": "ssh-rsa"}, "AKBOT_RECIPIENTS"),
    ],
    ids=["zone", "token", "name", "store", "key"],
)
def test_a_setting_that_cannot_be_is_told_before_anything_is_written(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    ended = run(tmp_path, *given(tmp_path), "--non-interactive", **settings)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert words in ended.stderr
    assert not (tmp_path / "akbot.env").exists()


def test_without_admins_it_tells_who_has_written_to_the_bot(tmp_path: Path) -> None:
    token = "424242:AAF-this_is_the_secret_part_012345678"
    with bot_api(token=token) as telegram:
        telegram.user(42, "Anna").says("/start")
        api = telegram.base_url.removesuffix("/bot")
        settings = {"AKBOT_TELEGRAM_TOKEN": token, "AKBOT_TELEGRAM_API": api}

        ended = run(tmp_path, *given(tmp_path), "--non-interactive", **settings)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "to the bot has written Anna (user id 42, in the chat 42)" in ended.stderr
    assert "secret_part" not in ended.stderr


PROMPTS = (b"Store: ", b"Public key: ", b"Token (not shown): ")


def test_at_a_terminal_a_secret_is_not_shown_and_a_wrong_store_is_asked_for_again(
    tmp_path: Path,
) -> None:
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, *given(tmp_path)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=tmp_path,
        env=environment(tmp_path),
        start_new_session=True,
    ) as process:
        os.close(terminal)
        shown = b""
        for line in ("ftp://x", f"file://{tmp_path}/b", "age1", "", "12345678:planted", ""):
            while not shown.endswith(PROMPTS):
                shown += os.read(controller, 1)
            os.write(controller, f"{line}\n".encode())
            shown += os.read(controller, 1)
        while block := _read(controller):
            shown += block
    os.close(controller)

    assert process.returncode == 1
    assert b"That does not work: AKBOT_STORE" in shown
    assert b"That does not work: AKBOT_RECIPIENTS" in shown
    assert b"That does not work: AKBOT_TELEGRAM_TOKEN" in shown
    assert b"planted" not in shown
    assert b"the Docker Engine does not answer" in shown


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 4096)
    except OSError:  # the terminal's end is gone
        return b""


MINE = age.X25519Identity.generate()
SEALED = b"".join(
    age.encrypt([b"ABCDE-12345\nGive it.\n"], [MINE.recipient()], armor=True)
).decode()


@pytest.mark.parametrize(
    "key", [MINE.secret_text(), age.format_identity_file(MINE, created=NOW)], ids=["line", "file"]
)
def test_a_key_as_a_line_or_as_a_file_opens_the_test_message(key: str) -> None:
    assert opened(SEALED, key) == "ABCDE-12345"


@pytest.mark.parametrize(
    "key", [age.X25519Identity.generate().secret_text(), "AGE-SECRET-KEY-1X", "", "words"]
)
def test_another_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(RefusedError, match="does not open the test message") as refused:
        opened(SEALED, key)
    assert not key or key not in refused.value.in_full()
