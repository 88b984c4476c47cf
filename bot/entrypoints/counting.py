"""The progress of one piece of work, and since when that is counted which is counted now."""

from dataclasses import dataclass, field

from bot.domain.messages import Event
from bot.domain.progress import BackupProgress


@dataclass
class Counting:
    """Moments are seconds of a clock that nobody sets."""

    progress: BackupProgress = field(default_factory=BackupProgress)
    _since: float = 0.0

    def learn(self, event: Event, now: float) -> None:
        """Take note of it, *now*; what is counted anew has a pace of its own."""
        before, self.progress = self.progress.amount, self.progress.after(event)
        amount = self.progress.amount
        if amount and (before is None or amount.done < before.done):
            self._since = now

    def seconds(self, now: float) -> float:
        """For how long that which takes the time *now* has been counted; 0 for nothing."""
        return now - self._since if self.progress.amount else 0.0
