"""A cancelled call returns only when its thread is done."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from bot.adapters.threads import Threads, ThreadsClosedError, finish


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    threads = Threads("test", 1)
    yield threads
    await threads.close()


async def test_results_and_errors_come_back(threads: Threads) -> None:
    assert await threads.run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 7, 0)


@pytest.mark.parametrize("fails", [False, True], ids=["returns", "raises"])
async def test_a_cancelled_call_is_waited_for(
    threads: Threads,
    caplog: pytest.LogCaptureFixture,
    fails: bool,  # noqa: FBT001 - a table
) -> None:
    began, done = threading.Event(), threading.Event()

    def slow() -> None:
        began.set()
        time.sleep(0.2)
        done.set()
        if fails:
            raise ValueError("after the cancellation")

    task = asyncio.create_task(threads.run(slow))
    await asyncio.to_thread(began.wait)
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()  # impatience does not help
    with pytest.raises(asyncio.CancelledError):
        await task

    assert done.is_set()
    assert caplog.text == ""


async def test_a_call_that_waits_for_a_thread_is_not_begun(threads: Threads) -> None:
    release = threading.Event()
    calls: list[int] = []
    first = asyncio.create_task(threads.run(release.wait))
    second = asyncio.create_task(threads.run(calls.append, 1))
    await asyncio.sleep(0.01)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    release.set()

    assert await first
    assert calls == []


async def test_finishing_comes_before_the_cancellation() -> None:
    steps: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        steps.append("done")

    task = asyncio.create_task(finish(work()))
    await asyncio.sleep(0)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task

    assert steps == ["done"]


async def test_finishing_gives_result_or_error() -> None:
    assert await finish(asyncio.sleep(0, "result")) == "result"
    with pytest.raises(TimeoutError):
        await finish(asyncio.wait_for(asyncio.sleep(5), 0.01))


async def test_a_call_that_hangs_is_left_behind() -> None:
    threads = Threads("test", 1, patience=0.05)
    release, began = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        release.wait()

    cancelled = asyncio.create_task(threads.run(hang))
    await asyncio.to_thread(began.wait)
    cancelled.cancel()
    await threads.close()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(cancelled, 60)
    release.set()


async def test_threads_that_ended_take_no_calls(threads: Threads) -> None:
    await threads.close()
    with pytest.raises(ThreadsClosedError):
        await threads.run(divmod, 7, 2)
