"""Bad input at the command line: one line that names the setting and the remedy, exit code 2."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from bot import age
from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.cli import main
from bot.cli_codes import worst_code
from bot.domain import update
from bot.domain.jobs import Job, JobKind, JobState, Outcome
from tests.command_line import run
from tests.contracts.state_places import NOW, a_job
from tests.domain.test_update_recovery import PLAN as HALF_UPDATED
from tests.fakes_engine_api import engine_api

CLASSICAL = str(age.X25519Identity.generate().recipient())
HYBRID = str(age.HybridIdentity.generate().recipient())


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        pytest.param(
            {"AKBOT_RECIPIENTS": "age1nonsense"},
            'AKBOT_RECIPIENTS: "age1nonsense…" is not a recipient',
            "akbot keygen",
            id="malformed recipient",
        ),
        pytest.param(
            {"AKBOT_RECIPIENTS": f"{CLASSICAL} {HYBRID}"},
            "AKBOT_RECIPIENTS: ",
            "Give recipients of one kind only",
            id="hybrid mixed with classical",
        ),
        pytest.param(
            {"AKBOT_STORE": "s4://bucket"}, 'AKBOT_STORE: "s4://bucket"', "s3://", id="scheme"
        ),
        pytest.param(
            {"AKBOT_STORE": "s3://key:planted@bucket"}, "AKBOT_STORE", "AWS_", id="credentials"
        ),
        pytest.param({"AKBOT_STORE": "file://relative"}, "AKBOT_STORE", "file:///", id="relative"),
        pytest.param(
            {"AKBOT_IDENTITY_FILE": "/nonexistent"},
            'AKBOT_IDENTITY_FILE: read "/nonexistent": No such file or directory',
            "Create the file",
            id="missing identity file",
        ),
        pytest.param(
            {"AWS_SECRET_ACCESS_KEY_FILE": "/nonexistent"},
            'AWS_SECRET_ACCESS_KEY_FILE: read "/nonexistent": No such file or directory',
            "Create the file",
            id="missing secret file",
        ),
        pytest.param(
            {"AKBOT_RECIPENTS": CLASSICAL},
            'there is no setting "AKBOT_RECIPENTS"',
            'Did you mean "AKBOT_RECIPIENTS"?',
            id="unknown setting",
        ),
        pytest.param(
            {"AKBOT_TRUSTED_KEYS": "ed25519:short"},
            'AKBOT_TRUSTED_KEYS: "ed25519:short" is not a signing public key',
            "base64",
            id="malformed signing key",
        ),
        pytest.param(
            {"AKBOT_TRUSTED_KEYS": "planted"},
            "AKBOT_TRUSTED_KEYS: a value is not a signing public key",
            "ed25519:",
            id="another thing than a signing key",
        ),
        pytest.param(
            {"AKBOT_STORE_MAX_PARTS": "0"},
            "AKBOT_STORE_MAX_PARTS: it must be a whole number from 2 to 10000. ",
            "example",
            id="no parts",
        ),
        pytest.param(
            {"AKBOT_DOCKER_HOST": "nonsense"},
            'there is no setting "AKBOT_DOCKER_HOST"',
            'Did you mean "DOCKER_HOST"?',
            id="Docker's own name",
        ),
        pytest.param(
            {"DOCKER_HOST": "nonsense"}, 'DOCKER_HOST: "nonsense" is', "unix://", id="no address"
        ),
        pytest.param(
            {"DOCKER_HOST": "ssh://nas"}, "DOCKER_HOST: akbot does not", "ssh -nNT", id="over ssh"
        ),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(
    tmp_path: Path, settings: dict[str, str], message: str, remedy: str
) -> None:
    ended = run(tmp_path, "backup", **settings)

    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"akbot: {message}")
    assert remedy in line
    assert "planted" not in line


@pytest.mark.parametrize("command", ["backups", "status", "check", "verify", "run"])
@pytest.mark.parametrize("setting", ["AKBOT_RECIPIENTS", "AKBOT_TRUSTED_KEYS"])
def test_a_malformed_key_is_told_once_whatever_is_asked(
    tmp_path: Path, setting: str, command: str
) -> None:
    ended = run(tmp_path, command, AKBOT_STACK="authentik", **{setting: "age1nonsense"})

    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"akbot: {setting}: ")


@pytest.mark.parametrize(
    ("path", "named"), [("/etc/passwd", "/etc/passwd"), ("/etc/passwd/a/b", "/etc/passwd")]
)
def test_a_store_that_is_a_file_is_a_wrong_setting(tmp_path: Path, path: str, named: str) -> None:
    ended = run(tmp_path, "backups", AKBOT_STORE=f"file://{path}", AKBOT_STACK="authentik")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f'akbot: AKBOT_STORE: "{named}" is not a folder. Name another folder there, or move that'
        " file away.\n"
    )


def test_a_named_folder_that_is_not_there_is_no_empty_store(tmp_path: Path) -> None:
    store = tmp_path / "usb" / "backups"

    ended = run(tmp_path, "backups", AKBOT_STORE=f"file://{store}", AKBOT_STACK="authentik")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f'akbot: the folder "{store}" of AKBOT_STORE is not there. Mount its disk, or correct the'
        " path; the first backup makes a new folder.\n"
    )
    store.mkdir(parents=True)
    ended = run(tmp_path, "backups", AKBOT_STORE=f"file://{store}", AKBOT_STACK="authentik")
    assert (ended.returncode, ended.stdout) == (0, 'There is no backup yet. Run "akbot backup".\n')


def test_a_store_of_akbots_own_needs_no_folder_yet(tmp_path: Path) -> None:
    ended = run(tmp_path, "backups", AKBOT_STACK="authentik")

    assert (ended.returncode, ended.stdout) == (0, 'There is no backup yet. Run "akbot backup".\n')


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/proc/nope/backups", '"/proc/nope" cannot be made. Name a folder on a disk'),
        ("/etc/passwd/a", '"/etc/passwd" is not a folder. Name another folder'),
    ],
)
def test_a_folder_that_cannot_be_is_told_before_a_job_begins(
    tmp_path: Path, path: str, words: str
) -> None:
    ended = run(tmp_path, "backup", AKBOT_STORE=f"file://{path}", AKBOT_STACK="authentik")

    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"akbot: AKBOT_STORE: {words}")
    assert run(tmp_path, "jobs").stdout == "Nothing was done yet.\n"


def test_a_file_in_the_stacks_place_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/authentik").touch()
    store = f"file://{tmp_path}/store"

    ended = run(tmp_path, "backups", AKBOT_STORE=store, AKBOT_STACK="authentik")

    assert (ended.returncode, ended.stdout) == (0, 'There is no backup yet. Run "akbot backup".\n')


def exposed_keys(folder: Path) -> tuple[Path, list[str]]:
    """A private key outside of the state folder, and what is wrong with all of them in words."""
    run(folder, "backup")
    state, identity = folder / "state", folder / "my identity"
    shutil.copy(state / "identity.txt", identity)
    for path in (state / "identity.txt", identity):
        path.chmod(0o644)
    (state / "signing.key").chmod(0o640)
    everybody, mend = "everybody on this host", "To mend it, run: chmod 600"
    return identity, [
        f'{setting}: {who} can read "{path}". {mend} {quoted}'
        for setting, who, path, quoted in [
            ("AKBOT_STATE", everybody, f"{state}/identity.txt", f"{state}/identity.txt"),
            ("AKBOT_STATE", "its group", f"{state}/signing.key", f"{state}/signing.key"),
            ("AKBOT_IDENTITY_FILE", everybody, identity, f"'{identity}'"),
        ]
    ]


@pytest.mark.parametrize("command", [["backups"], ["status"], ["check"], ["backup"]])
def test_private_keys_that_others_can_read_are_warned_of_wherever_they_are_read(
    tmp_path: Path, command: list[str]
) -> None:
    identity, words = exposed_keys(tmp_path)

    ended = run(tmp_path, *command, AKBOT_IDENTITY_FILE=str(identity), AKBOT_STACK="authentik")

    assert [line for line in ended.stderr.splitlines() if "warning" in line] == [
        f"akbot: warning: {each}" for each in words
    ]
    if command == ["check"]:
        assert ended.stdout.startswith(
            f'WARN  AKBOT_STATE: everybody on this host can read "{tmp_path}/state/identity.txt"\n'
        )
        assert f"      → To mend it, run: chmod 600 '{identity}'\n" in ended.stdout


def test_the_daemon_warns_of_them_in_its_log(tmp_path: Path) -> None:
    identity, words = exposed_keys(tmp_path)

    ended = run(
        tmp_path,
        "run",
        AKBOT_IDENTITY_FILE=str(identity),
        AKBOT_HEALTH_LISTEN="256.0.0.1:1",
    )

    *logged, last = ended.stderr.splitlines()
    lines = [json.loads(line) for line in logged]
    assert [line["message"] for line in lines if line["level"] == "warning"] == words
    assert last.startswith("akbot: AKBOT_HEALTH_LISTEN: listen on 256.0.0.1:1")


def test_nobody_is_told_to_lock_away_what_is_no_key(tmp_path: Path) -> None:
    for command in (["backups"], ["decrypt", "-i", "/etc/passwd"]):
        ended = run(tmp_path, *command, AKBOT_IDENTITY_FILE="/etc/passwd", AKBOT_STACK="a")

        assert ended.returncode in {0, 2}
        assert "chmod" not in ended.stderr


def test_a_settings_file_with_a_secret_that_everybody_can_read_is_a_warning(
    tmp_path: Path,
) -> None:
    env_file = tmp_path / "akbot.env"
    env_file.write_text("AWS_SECRET_ACCESS_KEY=planted\nAKBOT_STACK=authentik\n")
    env_file.chmod(0o644)

    ended = run(tmp_path, "backups")

    assert ended.returncode == 0
    assert ended.stderr == (
        'akbot: warning: akbot.env: everybody on this host can read "akbot.env". To mend it, run:'
        " chmod 600 akbot.env\n"
    )


def test_a_secret_file_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("planted")
    secret.chmod(0o644)

    ended = run(tmp_path, "backup", AWS_SECRET_ACCESS_KEY_FILE=str(secret))

    first = ended.stderr.splitlines()[0]
    assert first.startswith("akbot: warning: AWS_SECRET_ACCESS_KEY_FILE: everybody")
    assert f"chmod 600 {secret}" in first
    assert "planted" not in ended.stderr


def test_without_docker_a_backup_fails_with_the_remedy(tmp_path: Path) -> None:
    ended = run(tmp_path, "backup")

    assert ended.returncode == 1
    made, line = ended.stderr.splitlines()
    assert made.startswith("akbot: made the private key ")
    assert line.startswith("akbot: list containers: the Docker Engine does not answer")
    assert "DOCKER_HOST" in line


def test_without_docker_the_stacks_name_is_enough_to_read_the_store(tmp_path: Path) -> None:
    ended = run(tmp_path, "backups")

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[1] == (
        "With the stack's name in AKBOT_STACK this needs no Docker."
    )
    assert run(tmp_path, "backups", AKBOT_STACK="authentik").returncode == 0


def test_a_private_key_that_was_made_is_told_once_with_what_to_do(tmp_path: Path) -> None:
    first, second = run(tmp_path, "backup"), run(tmp_path, "backup")

    [line] = [each for each in first.stderr.splitlines() if "private key" in each]
    assert line.startswith(f'akbot: made the private key "{tmp_path}/state/identity.txt", which')
    assert 'with "akbot kit --with-key"' in line
    assert "private key" not in second.stderr


def test_keys_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    run(tmp_path, "backup")
    state = tmp_path / "state"
    keys = ("identity.txt", "signing.key")
    before = {name: (state / name).read_bytes() for name in keys}
    run(tmp_path, "backup")

    assert {name: (state / name).read_bytes() for name in keys} == before
    files = [path for path in state.iterdir() if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (state / "backups").stat().st_mode & 0o777 == 0o700
    assert b"# akbot signing key: ed25519:" in before["identity.txt"]


def test_check_makes_no_keys(tmp_path: Path) -> None:
    ended = run(tmp_path, "check")

    assert ended.returncode == 1
    assert "keys: none yet" in ended.stdout
    assert not list((tmp_path / "state").glob("*.key"))
    assert not list((tmp_path / "state").glob("*.txt"))


@pytest.mark.parametrize("arguments", [[], ["bakcup"], ["backup", "--nonsense"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_an_env_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    ended = run(tmp_path, "--env-file", "nowhere.env", "status")

    assert ended.returncode == 2
    assert ended.stderr.startswith('akbot: --env-file: there is no file "nowhere.env". Create it')


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["settle"], 2, "jobs settle: which job is not said. Write "),
        (["settle", "no-such"], 3, '"no-such" is no job. See "akbot jobs"'),
        (["no-such", "settle"], 2, 'jobs: "settle" is one word too many. Write '),
    ],
)
def test_what_cannot_be_settled_is_one_line(
    tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    ended = run(tmp_path, "jobs", *words)

    assert (ended.returncode, ended.stdout) == (code, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"akbot: {message}")


def test_a_job_that_has_ended_has_nothing_to_settle(tmp_path: Path) -> None:
    run(tmp_path, "backup")
    [job] = json.loads(run(tmp_path, "jobs", "--json").stdout)

    ended = run(tmp_path, "jobs", "settle", job["id"])

    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith(f'akbot: job "{job["id"]}" is failed already, and nothing')
    assert len(ended.stderr.splitlines()) == 1


def test_the_help_of_jobs_shows_both_its_forms(tmp_path: Path) -> None:
    shown = run(tmp_path, "jobs", "--help").stdout

    assert "akbot jobs [--json] [ID]\n" in shown
    assert "akbot jobs [--json] settle ID\n" in shown


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        ({"AKBOT_BACKUP_SCHEDULE": "nightly"}, "is not a cron expression", "five fields"),
        ({"AKBOT_TIMEZONE": "Mars/Olympus"}, 'no time zone "Mars/Olympus"', "Europe/Berlin"),
        ({"AKBOT_TELEGRAM_TOKEN": "planted"}, "not the form of a bot's token", "@BotFather"),
        ({"AKBOT_TELEGRAM_ADMINS": "@ada"}, "AKBOT_TELEGRAM_ADMINS", "example"),
        ({"AKBOT_BACKUP_SCHEDULE": "0 0 30 2 *"}, "never comes", "that the month has"),
        ({"AKBOT_BACKUP_SCHEDULE": "R R * * *"}, "is not a cron expression", "five fields"),
    ],
)
def test_the_daemon_does_not_start_on_a_wrong_setting(
    tmp_path: Path, settings: dict[str, str], message: str, remedy: str
) -> None:
    ended = run(tmp_path, "run", **settings)

    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert message in line
    assert remedy in line
    assert "planted" not in line


@pytest.mark.parametrize("label", ["two\nlines", "\x1b[31mred", "\udcff", "x" * 101])
def test_a_label_that_cannot_be_shown_is_refused(tmp_path: Path, label: str) -> None:
    ended = run(tmp_path, "backup", "--label", label)

    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith("akbot: --label: ")


@pytest.mark.parametrize(
    ("codes", "worst"), [((0, 3), 3), ((3, 1), 1), ((1, 3), 1), ((0, 0), 0), ((3, 3), 3)]
)
def test_damage_counts_more_than_a_refusal(codes: tuple[int, int], worst: int) -> None:
    assert worst_code(*codes) == worst


def test_a_component_that_the_stack_lacks_is_no_backup_that_failed(tmp_path: Path) -> None:
    with engine_api("postgresql", "server") as docker_host:
        misspelt = run(
            tmp_path, "backup", "--component", "medai", "--component", "media",
            DOCKER_HOST=docker_host,
        )  # fmt: skip
        jobs = run(tmp_path, "jobs", "--json", DOCKER_HOST=docker_host)

    assert misspelt.returncode == 2
    assert misspelt.stderr == (
        'akbot: --component: this stack has no "medai". It has: config, globals, media, postgres.\n'
    )
    assert json.loads(jobs.stdout) == []


async def leave_an_update_half_way(folder: Path) -> Job:
    """Its new version did not hold, and its way back has failed."""
    journal, job = Journal(StateFolder(folder)), a_job(kind=JobKind.UPDATE)
    await journal.jobs.begin(job)
    facts = {update.PLAN: update.encode_plan(HALF_UPDATED), update.PHASE: update.Phase.BACK}
    await journal.jobs.plan(job.id, facts)
    outcome = Outcome(JobState.FAILED, "2025.4.4 did not hold", swept=False)
    await journal.jobs.finish(job.id, outcome, NOW)
    await journal.close()
    return job


@pytest.mark.parametrize(
    "command",
    [("backup",), ("backup", "--component", "config"), ("update", "--check"), ("status",)],
    ids=" ".join,
)
def test_a_way_back_that_failed_is_no_fault_of_a_setting(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    job = asyncio.run(leave_an_update_half_way(tmp_path / "state"))

    with engine_api("postgresql", "redis") as docker_host:
        ended = run(tmp_path, *command, DOCKER_HOST=docker_host)

    assert ended.returncode == 3, ended.stderr
    assert f"akbot: the update {job.id} is not finished" in ended.stderr
    assert "2025.4.4 did not hold" in ended.stderr
    assert "AKBOT_SERVICE" not in ended.stderr


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"AKBOT_STATE": "/proc/nowhere"}, id="state"),
        pytest.param({"AKBOT_STORE": "file:///proc/nowhere"}, id="store"),
    ],
)
def test_a_folder_that_cannot_be_made_names_its_setting(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    [name] = settings
    with engine_api("postgresql", "server") as docker_host:
        ended = run(
            tmp_path, "backup", "--component", "config", DOCKER_HOST=docker_host, **settings
        )

    assert ended.returncode == 2, ended.stderr
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("akbot: ")]
    assert name in line
    assert "cannot be made" in line


def test_a_key_that_was_given_for_a_file_is_not_repeated(tmp_path: Path) -> None:
    key = age.X25519Identity.generate().secret_text()

    ended = run(tmp_path, "decrypt", "-i", key)

    assert ended.returncode == 2
    assert key not in ended.stderr
    assert "a key itself, not the name of a file" in ended.stderr
    assert key not in run(tmp_path, "backups", AKBOT_STORE=key).stderr


def test_an_endpoint_that_no_client_takes_is_a_setting_to_correct(tmp_path: Path) -> None:
    store = "s3://bucket/p?endpoint=http://my_minio:9000"

    ended = run(tmp_path, "backups", AKBOT_STORE=store, AKBOT_STACK="authentik")

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "AKBOT_STORE: the endpoint's host" in ended.stderr


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("AKBOT_IDENTITY_FILE", age.X25519Identity.generate().secret_text()),
        ("AKBOT_TELEGRAM_TOKEN_FILE", "1234567890:planted-token-0123456789-abcdefghijk"),
        ("AWS_SECRET_ACCESS_KEY_FILE", "planted/secret+of/forty-characters-or-so"),
    ],
)
def test_a_secret_that_was_given_for_its_file_is_not_repeated(
    tmp_path: Path, name: str, secret: str
) -> None:
    ended = run(tmp_path, "backups", AKBOT_STACK="authentik", **{name: secret})

    assert ended.returncode == 2
    assert name in ended.stderr
    assert secret not in ended.stderr


def test_a_zero_byte_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"/var/lib/\0akbot")

    ended = run(tmp_path, "jobs", AKBOT_STATE="", AKBOT_STATE_FILE=str(tmp_path / "state"))

    assert ended.returncode == 2, ended.stderr
    assert "AKBOT_STATE: there is a zero byte in it" in ended.stderr
