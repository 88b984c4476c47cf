"""A set-up: what it does, that the second does nothing, and that one that was killed goes on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bot import age
from bot.adapters.keyfiles import IDENTITY
from bot.adapters.keys import HostKeys
from bot.domain.errors import BotError, ConfigError, PortError, RefusedError
from bot.domain.setup import Step
from bot.domain.store_list import parse_stores
from bot.services.kit import KitPlace, KitService
from bot.services.setup import SetUpDone, SetupService
from bot.services.stores import Place, Stores
from tests.fakes import FakeKitLog, FakeStore
from tests.fakes_setup import (
    SHEET,
    FakeBot,
    FakeChatTrial,
    FakeFirstJobs,
    FakeProof,
    FakeSetupFiles,
)
from tests.fakes_stack import NOW
from tests.services.mortal import KilledError, Life, Mortal

MINE = age.X25519Identity.generate()
WANTED = {"AKBOT_STORE": "s3://bucket/x", "AKBOT_RECIPIENTS": str(MINE.recipient())}
PLACE = {"AKBOT_PROJECT_DIR": "/srv/authentik", "AKBOT_NETWORK": "authentik_default"}
WRITES = frozenset({"write_settings", "write_place", "write_sheet", "backup", "drill", "start"})
UNDO_WRITES = frozenset({"remove", "take_back", "remove_sheet", "remove_keys"})
KIT_WRITES = frozenset({"update"})
MOST_WRITES = 20


@dataclass
class Clock:
    """Random text that is another each time."""

    number: int = 0

    def now(self) -> Any:
        return NOW

    def random_text(self, alphabet: str, length: int) -> str:
        self.number += 1
        return (alphabet[self.number % len(alphabet)] * length)[:length]


@dataclass
class Host:
    """A host to set up; *recipients* is empty to have the key made here."""

    state: Path
    recipients: tuple[str, ...] = (str(MINE.recipient()),)
    files: Any = field(default_factory=FakeSetupFiles)
    jobs: Any = field(default_factory=FakeFirstJobs)
    log: Any = field(default_factory=FakeKitLog)
    proof: Any = field(default_factory=lambda: FakeProof(MINE.secret_text()))
    store: FakeStore = field(default_factory=FakeStore)
    chat: FakeChatTrial | None = None
    place: dict[str, str] = field(default_factory=lambda: PLACE)
    told: list[str] = field(default_factory=list)
    bot: Any = None

    def __post_init__(self) -> None:
        self.bot = self.bot or FakeBot(self.files)

    @property
    def wanted(self) -> dict[str, str]:
        return WANTED if self.recipients else {"AKBOT_STORE": "s3://bucket/x"}

    @property
    def keys(self) -> HostKeys:
        return HostKeys(self.state, None, self.recipients, (), self.told.append)

    @property
    def service(self) -> SetupService:
        clock: Any = Clock()
        place = KitPlace(
            stores=parse_stores("s3://bucket"), database_service="postgresql", version="1"
        )

        async def stack() -> str:
            return "authentik"

        return SetupService(
            files=self.files,
            keys=self.keys,
            kit=KitService(self.keys, lambda _: (), self.log, clock, place, stack),
            kit_log=self.log,
            jobs=self.jobs,
            bot=self.bot,
            proof=self.proof,
            stores=Stores((Place("memory", self.store),)),
            chat=self.chat,
            clock=clock,
            wanted=self.wanted,
            place=self.place,
            tell=self.told.append,
        )

    async def run(self) -> SetUpDone:
        return await self.service.run()

    def mortal(self, life: Life, writes: frozenset[str] = WRITES) -> "Host":
        """The same host, worked on by a process that may die."""
        return replace(
            self,
            files=Mortal(self.files, life, writes),
            jobs=Mortal(self.jobs, life, WRITES),
            log=Mortal(self.log, life, KIT_WRITES),
            bot=Mortal(self.bot, life, writes),
            proof=replace(self.proof),
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "state")


def key_of(host: Host) -> str:
    return (host.state / IDENTITY).read_text()


@pytest.mark.parametrize("login", ["", "akbot-test"])
async def test_at_its_end_a_login_to_try_is_recommended_where_none_is_set(
    host: Host, login: str
) -> None:
    host.files.said = {"AKBOT_GATE_LOGIN_USER": login}

    await host.run()
    await host.run()

    recommended = [each for each in host.told if "AKBOT_GATE_LOGIN_USER" in each]
    assert len(recommended) == (0 if login else 2)
    assert login or host.told[-1] == recommended[-1]


async def test_what_is_left_for_a_person_comes_before_what_is_recommended(host: Host) -> None:
    host.proof = FakeProof()

    assert (await host.run()).left

    assert not [each for each in host.told if "AKBOT_GATE_LOGIN_USER" in each]


def is_whole(host: Host) -> None:
    assert host.files.said == host.wanted
    assert host.files.told == PLACE
    assert host.bot.runs_with == host.wanted
    assert host.jobs.backups
    assert host.log.record.confirmed


async def test_everything_is_done_in_its_order(host: Host) -> None:
    done = await host.run()

    is_whole(host)
    assert done == SetUpDone((Step.SETTINGS, Step.PLACE, Step.KIT, Step.BACKUP, Step.BOT))
    assert (host.proof.sheets, host.files.sheet) == ([""], ""), "no key is here to be printed"
    assert not host.store.objects, "the trial of the store leaves nothing behind"


async def test_a_key_of_before_that_opens_nothing_of_this_drills_nothing(tmp_path: Path) -> None:
    await asyncio.to_thread(Host(tmp_path / "state", recipients=()).keys.keyring)
    host = Host(tmp_path / "state")

    done = await host.run()

    assert Step.DRILL not in (*done.done, *done.left)
    assert not done.left
    is_whole(host)


async def test_a_key_that_is_made_here_is_on_the_sheet_and_drills_prove_it(host: Host) -> None:
    host = replace(host, recipients=(), proof=FakeProof())
    begun = await host.run()
    assert (begun.left, host.proof.sheets) == ((Step.KIT,), [SHEET])
    assert key_of(host).split("\n")[-2] in host.files.sheet

    host.proof.key = key_of(host)
    ended = await host.run()

    assert {*begun.done, *ended.done} == {*Step}
    assert ended == SetUpDone((Step.KIT,))


async def test_the_second_time_nothing_is_changed(host: Host) -> None:
    await host.run()
    before = repr((host.files, host.bot, host.jobs, host.log))

    assert await host.run() == SetUpDone()

    assert repr((host.files, host.bot, host.jobs, host.log)) == before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("recipients", [WANTED["AKBOT_RECIPIENTS"], ""], ids=["kept", "made"])
async def test_killed_at_every_write_and_repeated_it_ends_right(
    tmp_path: Path, recipients: str, *, after: bool
) -> None:
    for dies_at in range(1, MOST_WRITES):
        host = Host(tmp_path / str(dies_at), (recipients,) if recipients else ())
        host.proof = FakeProof(MINE.secret_text() if recipients else "")
        life = Life(dies_at, after)
        try:
            await host.mortal(life).run()
        except KilledError:
            pass
        else:
            assert dies_at > 5
            return
        if not recipients:
            await replace(host, proof=FakeProof()).run()
            host.proof = FakeProof(key_of(host))
        await host.run()

        is_whole(host)
        assert len(host.jobs.backups) == 1
        assert await host.run() == SetUpDone()
    pytest.fail("it never ended")


async def test_without_anybody_to_prove_the_key_all_else_is_done(host: Host) -> None:
    host.proof = FakeProof()

    done = await host.run()

    assert done.left == (Step.KIT,)
    assert host.bot.runs_with == WANTED
    assert host.log.record.confirmed is None


async def test_the_answer_may_come_with_the_next_call(host: Host) -> None:
    keeper, host.proof = host.proof, FakeProof()
    await host.run()
    [challenge] = host.proof.challenges
    host.proof = FakeProof(typed=await keeper.answer(challenge, ""))

    assert await host.run() == SetUpDone((Step.KIT,))
    assert not host.proof.challenges


async def test_a_wrong_answer_may_be_followed_by_another_at_a_terminal(host: Host) -> None:
    host.proof.wrong = ["nonsense", "00000-00000"]

    await host.run()

    assert sum("not what stands in the newest test message" in line for line in host.told) == 2


@pytest.mark.parametrize("proof", [FakeProof(typed="00000-00000"), FakeProof(wrong=["x"])])
async def test_elsewhere_it_ends_there(host: Host, proof: FakeProof) -> None:
    host.proof = replace(proof, patient=False, wrong=[*proof.wrong])

    with pytest.raises(RefusedError, match="newest test message"):
        await host.run()
    assert host.log.record.confirmed is None


async def test_another_key_than_the_kept_one_opens_nothing(host: Host) -> None:
    host.proof = FakeProof(age.X25519Identity.generate().secret_text(), patient=False)

    with pytest.raises(RefusedError, match="would open no backup"):
        await host.run()


async def test_a_check_code_from_the_sheet_alone_is_no_proof(host: Host) -> None:
    host = replace(host, recipients=(), proof=FakeProof())
    await host.run()
    code = host.files.sheet.partition("Check code")[2].split()[0]
    host.proof = FakeProof(typed=code)

    with pytest.raises(RefusedError, match="newest test message"):
        await host.run()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: replace(h, chat=FakeChatTrial("bad")), "Telegram refuses the token"),
        (lambda h: replace(h, store=FakeStore(fail_put_at=0)), "AKBOT_STORE: memory: put: "),
    ],
    ids=["token", "store"],
)
async def test_what_does_not_work_is_told_before_anything_is_written(
    host: Host, change: Callable[[Host], Host], words: str
) -> None:
    host = change(host)

    with pytest.raises(ConfigError, match=words):
        await host.run()

    assert host.files == FakeSetupFiles()
    assert (host.jobs.backups, host.bot.since) == ([], None)
    assert not host.state.exists()


async def test_new_settings_are_added_and_the_bot_starts_anew(host: Host) -> None:
    host.files.said = {"AKBOT_LOG_FORMAT": "json"}
    await host.run()
    said = {**WANTED, "AKBOT_LOG_FORMAT": "json"}
    assert (host.files.said, host.bot.runs_with) == (said, said)
    host.files.private = False

    assert (await host.run()).done == (Step.SETTINGS, Step.BOT)


async def test_a_step_that_does_not_show_is_an_error_and_no_endless_loop(host: Host) -> None:
    class Forgetful(FakeFirstJobs):
        async def has_backup(self) -> bool:
            return False

    host.jobs = Forgetful()

    with pytest.raises(BotError, match="does not show"):
        await host.run()
    assert len(host.jobs.backups) == 1


async def test_a_bot_that_does_not_start_is_an_error_and_the_next_time_it_is_tried(
    host: Host,
) -> None:
    host.bot.fails = True
    with pytest.raises(PortError, match="not well"):
        await host.run()
    host.bot.fails = False

    assert (await host.run()).done == (Step.BOT,)


@pytest.mark.parametrize("keys", [False, True])
async def test_undo_takes_all_away_but_backups_and_keys_without_a_word(
    host: Host, *, keys: bool
) -> None:
    host.files.said, host.files.keys = {"AKBOT_LOG_FORMAT": "json"}, ["identity"]
    await host.run()

    told = await host.service.undo(with_keys=keys)

    assert (host.files.said, host.files.told) == ({"AKBOT_LOG_FORMAT": "json"}, None)
    assert (host.bot.since, host.files.sheet) == (None, "")
    assert host.files.keys == ([] if keys else ["identity"])
    assert host.jobs.backups
    assert told
    assert await host.service.undo(with_keys=False) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_an_undo_that_was_killed_is_repeated(host: Host, *, after: bool) -> None:
    for dies_at in range(1, MOST_WRITES):
        host.files.keys = ["identity"]
        await host.run()
        life = Life(dies_at, after)
        try:
            await host.mortal(life, UNDO_WRITES).service.undo(with_keys=True)
        except KilledError:
            pass
        else:
            assert dies_at == len(UNDO_WRITES) + 1
            return

        await host.service.undo(with_keys=True)

        assert (host.files.said, host.files.told, host.files.keys) == (None, None, [])
        assert host.bot.since is None
    pytest.fail("it never ended")


async def test_a_bot_of_the_stacks_own_file_goes_on_with_what_it_had(host: Host) -> None:
    class Stays(FakeBot):
        async def remove(self) -> bool:
            return False

    host = replace(host, place={}, bot=Stays(host.files))
    assert Step.PLACE not in (await host.run()).done

    await host.service.undo(with_keys=False)

    assert host.bot.runs_with == {}
