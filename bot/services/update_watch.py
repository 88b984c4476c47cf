"""Look for new versions by the clock, and tell of each once. It is no job and takes no lock."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.errors import BotError
from bot.domain.update_news import News, NoAnswer, news_of
from bot.domain.update_outlook import Outlook
from bot.services.ports import Clock
from bot.services.update_ports import ReleaseLog

TellNews = Callable[[News], Awaitable[None]]
"""Tells people; the same news twice is told once."""


@dataclass(frozen=True)
class UpdateWatch:
    """*check* says what an update would be; *log* remembers what was told, over any restart."""

    check: Callable[[], Awaitable[Outlook]]
    log: ReleaseLog
    clock: Clock
    tell: TellNews

    async def look(self) -> None:
        """Look once. Raises BotError where nobody says which versions there are; that is noted."""
        try:
            outlook = await self.check()
        except BotError as error:
            await self._note_silence(error)
            raise
        await self.log.note_answer(self.clock.now())
        news = news_of(outlook, await self.log.told(outlook.place))
        if news is None:
            return
        # told first: after a kill in between it is written once more, which tells nothing twice
        await self.tell(news)
        await self.log.note_told(news.place, news.target, self.clock.now(), security=news.security)

    async def _note_silence(self, error: BotError) -> None:
        now = self.clock.now()
        silence = await self.log.silence(now)
        if silence.is_news(now):
            await self.tell(NoAnswer(silence.since, error.in_full()))
            await self.log.note_silence_told()
