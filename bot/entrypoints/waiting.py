"""Wait for news or for time to pass, whichever is first."""

import asyncio

from bot.services.ports import Clock


async def news_or_time(news: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Wait for *news*, at most *seconds* long, and clear it; whether there was any."""
    if not news.is_set():
        waits = [asyncio.create_task(news.wait()), asyncio.create_task(clock.sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)
    came = news.is_set()
    news.clear()
    return came
