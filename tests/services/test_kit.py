"""What is on a kit, and who can confirm it: with the key here, with the key elsewhere."""

from asyncio import to_thread
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot import age
from bot.adapters.keys import HostKeys
from bot.domain.errors import ConfigError, RefusedError
from bot.domain.kit import PrivateKey
from bot.domain.store_list import parse_stores
from bot.services.keyring import fingerprint
from bot.services.kit import KitPlace, KitService
from tests.fakes import FakeKitLog
from tests.fakes_stack import NOW, FakeClock

MINE, OTHER = age.X25519Identity.generate(), age.X25519Identity.generate()
NAME, OTHER_NAME = fingerprint(MINE.recipient()), fingerprint(OTHER.recipient())
SALT = "s" * 26


@dataclass
class Host:
    """A host whose settings may name recipients, an identity file and an offline key."""

    state: Path
    recipients: tuple[str, ...] = ()
    offline: tuple[age.KeyIdentity, ...] = ()
    log: FakeKitLog = field(default_factory=FakeKitLog)
    clock: FakeClock = field(default_factory=lambda: FakeClock(suffixes=[SALT] * 4))

    @property
    def keys(self) -> HostKeys:
        return HostKeys(self.state, None, self.recipients, ())

    @property
    def service(self) -> KitService:
        place = KitPlace(
            stores=parse_stores("s3://bucket"), database_service="postgresql", version="1"
        )
        return KitService(
            self.keys, lambda _: self.offline, self.log, self.clock, place, self._stack
        )

    async def _stack(self) -> str:
        return "authentik"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Made its keys itself."""
    return Host(tmp_path / "state")


@pytest.fixture
def guarded(tmp_path: Path) -> Host:
    """Keeps its private key elsewhere."""
    return Host(tmp_path / "state", (str(MINE.recipient()),), (MINE,))


async def with_key(host: Host) -> tuple[PrivateKey, ...]:
    return (await host.service.make(with_key=True, identity_file=Path("f"))).keys


async def test_a_kit_without_the_key_remembers_nothing(host: Host) -> None:
    kit = await host.service.make(with_key=False)

    assert kit.keys == ()
    assert kit.identity_path == str(host.state / "identity.txt")
    facts = await to_thread(host.keys.facts)
    assert [each.fingerprint for each in kit.recipients] == list(facts.recipients)
    assert set(kit.signers) == facts.trusted
    assert host.log.record.verifiers == ()


async def test_the_key_of_the_host_is_printed_and_its_code_confirms(host: Host) -> None:
    [key] = (await host.service.make(with_key=True)).keys
    [identity] = await to_thread(host.keys.identities)

    confirmation = await host.service.confirm(key.code.lower())

    assert key.text == identity.secret_text()
    assert (confirmation.at, confirmation.keys) == (NOW, (key.fingerprint,))
    assert host.log.record.confirmed == confirmation


async def test_this_host_s_own_signing_key_is_the_first(host: Host) -> None:
    old = (await to_thread(Host(host.state.with_name("old")).keys.keyring)).public_key
    keys = HostKeys(host.state, None, (), (old,))
    service = KitService(keys, lambda _: (), host.log, host.clock, host.service.place, host._stack)

    kit = await service.make(with_key=False)

    assert kit.signers == ((await to_thread(keys.keyring)).public_key, old)


async def test_a_wrong_code_changes_nothing(host: Host) -> None:
    await host.service.make(with_key=True)

    for wrong in ("00000-00000", "nonsense", ""):
        with pytest.raises(RefusedError) as caught:
            await host.service.confirm(wrong)
        assert '"Check code"' in caught.value.hint
    assert host.log.record.confirmed is None


async def test_a_key_kept_elsewhere_is_read_for_the_sheet_and_only_its_verifier_stays(
    guarded: Host,
) -> None:
    [key] = await with_key(guarded)
    guarded.offline = ()

    confirmation = await guarded.service.confirm(key.code)

    assert (key.text, key.fingerprint) == (MINE.secret_text(), NAME)
    assert confirmation.keys == (NAME,)
    assert not (guarded.state / "identity.txt").exists()


async def test_without_key_and_verifier_the_way_is_told(guarded: Host) -> None:
    with pytest.raises(RefusedError) as caught:
        await guarded.service.confirm("00000-00000")

    assert "--challenge" in caught.value.hint


async def test_there_is_nothing_to_confirm_before_there_are_keys(host: Host) -> None:
    with pytest.raises(RefusedError):
        await host.service.confirm("00000-00000")

    assert not host.state.exists()


async def test_without_a_private_key_there_is_none_to_print(guarded: Host) -> None:
    with pytest.raises(ConfigError) as caught:
        await guarded.service.make(with_key=True)

    assert "--identity" in caught.value.hint


async def test_a_key_that_opens_nothing_is_not_printed(guarded: Host) -> None:
    guarded.offline = (OTHER,)

    with pytest.raises(RefusedError) as caught:
        await with_key(guarded)

    assert NAME in caught.value.hint
    assert guarded.log.record.verifiers == ()


async def test_a_key_of_earlier_days_comes_last_and_confirms_nothing(guarded: Host) -> None:
    guarded.offline = (OTHER, MINE)

    new, old = await with_key(guarded)

    assert (new.fingerprint, old.fingerprint, old.code) == (NAME, OTHER_NAME, "")
    assert [each.keys for each in guarded.log.record.verifiers] == [(NAME,)]


async def test_the_code_of_a_key_that_went_out_of_use_is_refused(guarded: Host) -> None:
    [key] = await with_key(guarded)
    guarded.recipients = (str(OTHER.recipient()),)

    with pytest.raises(RefusedError):
        await guarded.service.confirm(key.code)


async def test_a_challenge_opens_with_the_key_and_counts_once(guarded: Host) -> None:
    guarded.clock.suffixes[:2] = ["ABCDEFGHJK", SALT]

    sealed = await guarded.service.challenge()
    answer = b"".join(age.decrypt([sealed], [MINE])).decode().splitlines()[0]
    guarded.clock.at += timedelta(minutes=5)
    confirmation = await guarded.service.confirm(answer)

    assert sealed.startswith(age.ARMOR_BEGIN)
    assert answer == "ABCDE-FGHJK"
    assert (confirmation.at, confirmation.keys) == (NOW + timedelta(minutes=5), (NAME,))
    with pytest.raises(RefusedError):
        await guarded.service.confirm(answer)


async def test_a_new_challenge_replaces_the_old(guarded: Host) -> None:
    guarded.clock.suffixes[:4] = ["ABCDEFGHJK", SALT, "0123456789", SALT]
    await guarded.service.challenge()
    await guarded.service.challenge()

    with pytest.raises(RefusedError):
        await guarded.service.confirm("ABCDEFGHJK")
    assert (await guarded.service.confirm("0123456789")).keys == (NAME,)
