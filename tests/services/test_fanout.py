"""One stream into several stores: all get the same, and one that fails holds up nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import ConfigError, IntegrityError, PortError
from bot.services.fanout import Receivers
from bot.services.stores import Place, Stores
from tests.fakes import FakeStore

STALL = 0.2  # seconds
KEY = "authentik/postgres.dump.age"


@dataclass
class StallingStore(FakeStore):
    """Takes so many bytes, then nothing happens any more; it cannot be cancelled away quickly."""

    stalls_at: int = 0
    was_cancelled: bool = False

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_hint: int | None = None,  # noqa: ARG002
        moved: Callable[[], None] | None = None,  # noqa: ARG002
    ) -> int:
        self.calls.append(("put", key))
        taken = 0
        try:
            async for chunk in chunks:
                taken += len(chunk)
                if taken >= self.stalls_at:
                    await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return taken


@dataclass
class SlowStore(FakeStore):
    """Takes its time for the end, and says meanwhile that something moves."""

    pauses: Sequence[float] = field(default_factory=list)

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_hint: int | None = None,
        moved: Callable[[], None] | None = None,
    ) -> int:
        size = await super().put(key, chunks, size_hint=size_hint)
        for pause in self.pauses:
            await asyncio.sleep(pause)
            if moved:
                moved()
        return size


def receivers(*stores: FakeStore) -> Receivers:
    names = "abcdef"
    places = tuple(Place(name, store) for name, store in zip(names, stores, strict=False))
    return Receivers(Stores(places, STALL))


async def blocks(*sizes: int) -> AsyncIterator[bytes]:
    for number, size in enumerate(sizes):
        yield bytes([number % 251]) * size


def whole(*sizes: int) -> bytes:
    return b"".join(bytes([number % 251]) * size for number, size in enumerate(sizes))


@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(0, 5000), max_size=20),
    breaks=st.lists(st.none() | st.integers(0, 40_000), min_size=1, max_size=4),
)
def test_each_store_has_all_or_nothing(sizes: list[int], breaks: list[int | None]) -> None:
    async def run() -> None:
        stores = [FakeStore(fail_put_at=at) for at in breaks]
        taking = receivers(*stores)
        broken = [at is not None and bool(sizes) and sum(sizes) >= at for at in breaks]
        try:
            size = await taking.put(KEY, blocks(*sizes))
        except PortError:
            assert all(broken)
        else:
            assert not all(broken)
            assert size == sum(sizes)
        for store, is_broken in zip(stores, broken, strict=True):
            assert store.objects == ({} if is_broken else {KEY: whole(*sizes)})

    asyncio.run(run())


async def test_all_get_the_very_same_blocks() -> None:
    first, second = FakeStore(), FakeStore()

    assert await receivers(first, second).put(KEY, blocks(10, 0, 20)) == 30

    assert first.objects == second.objects == {KEY: whole(10, 0, 20)}


@pytest.mark.parametrize("at", [1, 5000, 10_000], ids=["begin", "middle", "end"])
async def test_a_store_that_stalls_is_done_without(at: int) -> None:
    good, stalling = FakeStore(), StallingStore(stalls_at=at)
    taking = receivers(stalling, good)

    async with asyncio.timeout(120):
        await taking.put(KEY, blocks(*[1000] * 10))

    assert good.objects == {KEY: whole(*[1000] * 10)}
    assert stalling.was_cancelled
    assert str(taking.dropped["a"]) == "it has not gone on for 0.2 seconds"
    assert list(taking.taking) == ["b"]


async def test_a_source_that_pauses_is_no_stall_of_a_store() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(3 * STALL)
        yield b"b"

    first, second = FakeStore(), FakeStore()
    taking = receivers(first, second)

    await taking.put(KEY, slow())

    assert first.objects == second.objects == {KEY: b"ab"}
    assert not taking.dropped


async def test_a_slow_store_that_moves_is_no_stalled_one() -> None:
    slow = SlowStore(pauses=[STALL / 2] * 5)
    taking = receivers(slow, FakeStore())

    await taking.put(KEY, blocks(10))

    assert not taking.dropped


async def test_the_last_store_has_all_the_time_it_needs() -> None:
    broken, slow = FakeStore(fail_put_at=1), SlowStore(pauses=[2 * STALL])
    taking = receivers(broken, slow)

    await taking.put(KEY, blocks(10))

    assert slow.objects == {KEY: whole(10)}


async def test_what_the_source_raises_passes_and_leaves_nothing() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise IntegrityError("the dump is truncated")

    stores = [FakeStore(), FakeStore(), FakeStore()]
    taking = receivers(*stores)

    with pytest.raises(IntegrityError, match="the dump is truncated"):
        await taking.put(KEY, broken())

    assert [store.objects for store in stores] == [{}, {}, {}]
    assert not taking.dropped


async def test_a_cancelled_put_leaves_nothing() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"a"
            await asyncio.sleep(0)

    stores = [FakeStore(), FakeStore()]
    putting = asyncio.create_task(receivers(*stores).put(KEY, endless()))
    await asyncio.sleep(0.05)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting

    assert [store.objects for store in stores] == [{}, {}]


async def test_a_store_that_is_done_without_is_asked_for_nothing_more() -> None:
    broken, good = FakeStore(fail_put_at=1), FakeStore()
    taking = receivers(broken, good)
    await taking.put("a/one", blocks(5))
    broken.calls.clear()

    await taking.put("a/two", blocks(5))

    assert not broken.calls
    assert set(good.objects) == {"a/one", "a/two"}


async def test_where_none_is_left_every_reason_is_told() -> None:
    taking = receivers(FakeStore(fail_put_at=1), FakeStore(fail_put_at=5))

    with pytest.raises(PortError) as caught:
        await taking.put(KEY, blocks(2, 2, 2))

    assert str(caught.value) == (
        'store "a": write object "authentik/postgres.dump.age": connection lost;'
        ' store "b": write object "authentik/postgres.dump.age": connection lost'
    )
    assert caught.value.retryable


async def test_one_store_gets_the_stream_itself() -> None:
    got: list[AsyncIterator[bytes]] = []

    class Only(FakeStore):
        async def put(
            self,
            key: str,  # noqa: ARG002
            chunks: AsyncIterator[bytes],
            *,
            size_hint: int | None = None,  # noqa: ARG002
            moved: Callable[[], None] | None = None,  # noqa: ARG002
        ) -> int:
            got.append(chunks)
            return 0

    stream = blocks(1)

    await receivers(Only()).put(KEY, stream)

    assert got == [stream]


async def test_memory_stays_with_a_slow_store() -> None:
    """The fast one is never more than the queue and a block ahead."""
    handed: list[int] = []
    ahead: list[int] = []

    async def source() -> AsyncIterator[bytes]:
        for number in range(40):
            handed.append(number)
            yield b"x"

    class Sluggish(FakeStore):
        async def put(
            self,
            key: str,  # noqa: ARG002
            chunks: AsyncIterator[bytes],
            *,
            size_hint: int | None = None,  # noqa: ARG002
            moved: Callable[[], None] | None = None,  # noqa: ARG002
        ) -> int:
            taken = 0
            async for _ in chunks:
                taken += 1
                ahead.append(len(handed) - taken)
                await asyncio.sleep(0.001)
            return taken

    await receivers(FakeStore(), Sluggish()).put(KEY, source())

    assert max(ahead) <= 4


async def test_a_store_with_wrong_settings_is_done_without_as_well() -> None:
    class Misplaced(FakeStore):
        async def put(self, *_: object, **__: object) -> int:
            raise ConfigError('AKBOT_STORE: "/mnt" is not a folder')

    taking = receivers(Misplaced(), FakeStore())

    assert await taking.put(KEY, blocks(3)) == 3
    assert list(taking.dropped) == ["a"]
