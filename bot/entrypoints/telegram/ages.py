"""How old an update may be. A message carries its date; a press of a button carries none.

What a poll returns was sent after the poll before it returned: if that is not long ago, the press
is young. After an absence, or once a kill has left it over, nobody knows.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

STALE = timedelta(minutes=2)
LARGEST_BATCH = 100


class Ages:
    """Remembers which updates are surely young."""

    def __init__(self) -> None:
        self._emptied: datetime | None = None
        self._young: set[int] = set()

    def is_listening(self, now: datetime) -> bool:
        """Whether what comes now is young."""
        return self._emptied is not None and now - self._emptied <= STALE

    def fetched(self, update_ids: Collection[int], now: datetime) -> None:
        """A poll has returned these; a full batch may have left more of the same age behind."""
        if self.is_listening(now):
            self._young.update(update_ids)
        if len(update_ids) < LARGEST_BATCH:
            self._emptied = now

    def is_young(self, update_id: int) -> bool:
        """Whether it surely was sent within the last minutes."""
        return update_id in self._young

    def handled(self, update_id: int) -> None:
        """It need not be remembered any more."""
        self._young.discard(update_id)
