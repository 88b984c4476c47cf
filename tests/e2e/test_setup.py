"""`deploy/setup` beside stacks that akbot did not bring, and what it says where it cannot work."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import age
from bot.entrypoints.setup_terminal import opened
from tests.e2e.beside import IMAGE, Beside, alone, settings, write
from tests.e2e.test_layouts import OFFICIAL, RENAMED
from tests.e2e.test_outside import OUTSIDE
from tests.e2e.test_restore import served
from tests.sandbox.fixture import Sandbox
from tests.thorough import a_few

pytestmark = pytest.mark.docker

SETUP = Path(__file__).resolve().parents[2] / "deploy" / "setup"


@dataclass
class Command:
    words: list[str]
    environment: dict[str, str]

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env=self.environment,
        )

    def start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )


@dataclass
class Setup:
    """`deploy/setup` for *stack*, with settings in the environment alone."""

    stack: Beside
    given: dict[str, str] = field(default_factory=dict)

    @property
    def bot_env(self) -> Path:
        return self.stack.state.with_name(f"{self.stack.state.name}.env")

    def command(self, *arguments: str, **changes: str) -> "Command":
        kept = {
            name: value
            for name, value in self.stack.sandbox.environment.items()
            if not name.startswith(("AKBOT_", "AWS_"))
        }
        options = ["--non-interactive", "--bot-env", str(self.bot_env)]
        options += ["--state-dir", str(self.stack.state)]
        settings = {"AKBOT_IMAGE": IMAGE, **self.given, **changes}
        return Command([str(SETUP), *options, *arguments], {**kept, **settings})

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        done = self.command(*arguments, **changes).run()
        assert "sandbox-secret" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def killed(self, at: str) -> None:
        """Let the box in which it works be killed when it says *at*."""
        own = f"label=com.docker.compose.project=akbot-{self.stack.layout.name}"
        docker = self.stack.sandbox.docker
        assert docker("ps", "--all", "--quiet", "--filter", own) == ""
        running = {*docker("ps", "--quiet", "--filter", f"ancestor={IMAGE}").split()}
        with self.command().start() as process:
            assert process.stderr
            said = next((line for line in process.stderr if at in line), "")
            box = {*docker("ps", "--quiet", "--filter", f"ancestor={IMAGE}").split()} - running
            docker("kill", *box)
            process.communicate()
        assert said
        assert process.returncode == 137

    def files(self) -> dict[str, bytes]:
        """All that stands in the stack's folder, in the bot's .env, and in the state's own."""
        folders = (self.stack.folder, self.stack.state)
        found = {each for folder in folders for each in folder.glob("*") if each.is_file()}
        found = {each for each in found if not each.name.startswith("journal")}
        return {str(each): each.read_bytes() for each in {*found, self.bot_env} if each.exists()}


@pytest.fixture(
    params=a_few((OFFICIAL, RENAMED, OUTSIDE), of=(OFFICIAL,)),
    ids=lambda each: each.name,
    scope="module",
)
def setup(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Setup]:
    with alone(sandbox, request.param) as stack:
        shutil.rmtree(stack.state, ignore_errors=True)
        given = {
            **settings(sandbox, request.param),
            "AKBOT_STORE": f"{sandbox.store_inside.replace('/backups', '/' + stack.layout.name)}",
            "AWS_ACCESS_KEY_ID": sandbox.environment["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": sandbox.environment["AWS_SECRET_ACCESS_KEY"],
        }
        setup = Setup(stack, given)
        own = {"COMPOSE_PROJECT_NAME": f"akbot-{stack.layout.name}"}
        write(setup.bot_env, {**own, "SANDBOX_STATE": str(sandbox.state)})
        yield setup
        setup.run("--undo", "--yes")


def test_it_is_set_up_proven_and_the_second_time_nothing_changes(setup: Setup) -> None:
    stack = setup.stack
    before = setup.files()
    if stack.layout is OFFICIAL:
        setup.killed("begins, database of")

    begun = setup.run()

    assert begun.returncode == 1, begun.stderr
    assert "nobody has shown that the private key is kept" in begun.stderr
    sheet = (stack.folder / "akbot-kit.txt").read_text()
    key = "".join(re.findall(r"AGE-SECRET-KEY-1[0-9A-Z]+", sheet)[:1])
    told = setup.run("--answer", opened(begun.stdout, key))
    assert (told.returncode, told.stdout) == (0, "akbot is set up.\n"), told.stderr
    assert (stack.folder / "akbot.env").stat().st_mode & 0o777 == 0o600
    after = setup.files()
    theirs = [name for name in before if name != str(setup.bot_env)]
    assert [after[name] for name in theirs] == [before[name] for name in theirs]
    findings = {each["subject"]: each for each in stack.told("check")}
    assert not [each for each in findings.values() if each["level"] == "failure"]
    assert "asked for every" in findings["recovery kit"]["message"]
    ended = [(each["kind"], each["state"]) for each in stack.told("jobs")]
    interrupted = [("backup", "interrupted")] if stack.layout is OFFICIAL else []
    assert sorted(ended) == [("backup", "done"), *interrupted, ("drill", "done")]
    as_it_is = setup.files(), stack.bot("ps", "--no-trunc", "--quiet"), stack.containers()

    again = Setup(stack).run()  # without a word of the environment

    assert again.returncode == 0, again.stderr
    assert again.stdout == "akbot was set up already: nothing is changed.\n"
    assert (setup.files(), stack.bot("ps", "--no-trunc", "--quiet"), stack.containers()) == as_it_is


def test_what_it_has_set_up_restores_and_updates(setup: Setup) -> None:
    stack = setup.stack
    rows = stack.rows()
    stack.psql("CREATE TABLE test_added (id int)")

    stack.akbot("restore", "latest", "--yes", "--no-safety-backup")

    assert stack.rows() == rows
    stack.akbot("update", "--yes", "--no-rehearsal", "2025.2.4")
    assert served(stack.sandbox) == (200, "2025.2.4")


def test_undo_leaves_the_stack_the_backups_and_the_keys(setup: Setup) -> None:
    stack = setup.stack

    undone = setup.run("--undo", "--yes")

    assert undone.returncode == 0, undone.stderr
    assert not (stack.folder / "akbot.env").exists()
    assert "AKBOT_PROJECT_DIR" not in setup.bot_env.read_text()
    assert not (stack.folder / "akbot-kit.txt").exists()
    assert (stack.state / "identity.txt").exists()
    project = f"label=com.docker.compose.project=akbot-{stack.layout.name}"
    assert stack.sandbox.docker("ps", "--all", "--quiet", "--filter", project) == ""


@pytest.mark.parametrize("setup", [OFFICIAL], indirect=True, ids=["official"])
@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        pytest.param(
            {"AKBOT_STORE": "s3://no-such-bucket?endpoint={s3}"}, 2, "bucket", id="bucket"
        ),
        pytest.param({"AKBOT_STORE": "file:///mnt/nas"}, 2, "the bot sees", id="folder"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    setup: Setup, changes: dict[str, str], code: int, words: str
) -> None:
    sandbox = setup.stack.sandbox
    before = setup.files()
    s3 = sandbox.environment["SANDBOX_S3_INSIDE"]

    ended = setup.run(**{name: value.replace("{s3}", s3) for name, value in changes.items()})

    assert (ended.returncode, ended.stdout) == (code, "")
    assert words in ended.stderr, ended.stderr
    assert setup.files() == before


@pytest.mark.parametrize("setup", [OFFICIAL], indirect=True, ids=["official"])
def test_a_bot_of_the_stacks_own_file_stays_the_only_one(setup: Setup, tmp_path: Path) -> None:
    sandbox = replace(setup.stack.sandbox, project=Sandbox.project)
    sandbox.bot_down()
    refused = setup.run(AKBOT_PROJECT="authentik")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert 'docker-compose.yml" has a bot, and there is no container of it' in refused.stderr
    sandbox.bot_up(AKBOT_PROJECT="authentik", AKBOT_BACKUP_SCHEDULE="off")
    assert (sandbox.bot_state / "identity.txt").exists()  # which opens nothing of what follows
    key = age.X25519Identity.generate()
    kept = tmp_path / "kept.txt"
    kept.write_text(age.format_identity_file(key, created=datetime.now(UTC)))
    own = {"AKBOT_PROJECT": "authentik", "AKBOT_STACK": "inside"}
    own["AKBOT_RECIPIENTS"] = str(key.recipient())
    try:
        done = setup.run("--kept-key", str(kept), **own)

        assert (done.returncode, done.stdout) == (0, "akbot is set up.\n"), done.stderr
        assert "AKBOT_STACK=inside" in sandbox.bot_settings.read_text()
        assert not (sandbox.project / "akbot-kit.txt").exists()
        assert "inside" in sandbox.compose("exec", "-T", "bot", "akbot", "backups", "--json")

        undone = setup.run("--undo", "--yes", **own)

        assert undone.returncode == 0, undone.stderr
        assert "AKBOT_STACK" not in sandbox.bot_settings.read_text()
        assert sandbox.compose("ps", "--quiet", "bot")
    finally:
        sandbox.bot_down()
