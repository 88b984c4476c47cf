"""The queue of updates, and the long poll that empties it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bot_api.errors import Json, other_get_updates

FIRST_ID = 528_000_001
ONLY_ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass
class _Pending:
    update: Json
    again: bool = False  # came back after it was confirmed: an offset does not remove it

    @property
    def id(self) -> int:
        return int(self.update["update_id"])


@dataclass
class Updates:
    """Updates that no offset has confirmed yet; *changed* guards them and tells of new ones."""

    changed: threading.Condition
    allowed: frozenset[str] | None = None  # None: all but those that come only on request
    next_id: int = FIRST_ID
    confirmed: list[Json] = field(default_factory=list)
    _waiting: list[_Pending] = field(default_factory=list)
    _held_back: list[_Pending] | None = None
    _open_poll: object = None
    _over: object = None

    @property
    def pending(self) -> int:
        return len(self._waiting)

    def add(self, kind: str, content: Json) -> None:
        """Queue an update, unless the bot did not ask for its kind."""
        with self.changed:
            if self._is_wanted(kind):
                pending = _Pending({"update_id": self.next_id, kind: content})
                (self._waiting if self._held_back is None else self._held_back).append(pending)
            self.next_id += 1
            self.changed.notify_all()

    def deliver_again(self, count: int = 1) -> None:
        """Hand out the newest *count* confirmed updates a second time, whatever the offset."""
        with self.changed:
            back = [_Pending(update, again=True) for update in self.confirmed[-count:]]
            self._waiting[:0] = back
            self.changed.notify_all()

    @contextmanager
    def reordered(self) -> Iterator[None]:
        """Hold back the updates of the block, and hand them out in reverse at its end."""
        with self.changed:
            self._held_back = []
        try:
            yield
        finally:
            with self.changed:
                self._waiting += reversed(self._held_back or [])
                self._held_back = None
                self.changed.notify_all()

    def forget(self) -> None:
        with self.changed:
            self._waiting.clear()

    def terminate_poll(self) -> None:
        """End the call that waits, if there is one, as a newer one would."""
        with self.changed:
            self._open_poll = None
            self.changed.notify_all()

    def end_poll(self) -> None:
        """Let the time of the call that waits be over, if there is one: it brings nothing."""
        with self.changed:
            self._over, self._open_poll = self._open_poll, None
            self.changed.notify_all()

    @property
    def polled(self) -> bool:
        """Whether a call waits for updates now."""
        return self._open_poll is not None

    def poll(self, offset: int, limit: int, timeout: float) -> list[Json]:
        """Confirm what is below *offset*, then wait up to *timeout* seconds for what is not."""
        until = time.monotonic() + timeout
        with self.changed:
            self._open_poll = poll = object()
            self._confirm(offset)
            self.changed.notify_all()  # the older call gives up, and a test sees this one
            while not self._waiting and (left := until - time.monotonic()) > 0:
                self.changed.wait(left)
                if self._over is poll:
                    return []
                if self._open_poll is not poll:
                    raise other_get_updates()
            self._open_poll = None
            return self._handed_out(limit)

    def _confirm(self, offset: int) -> None:
        done = [it for it in self._waiting if it.id < offset and not it.again]
        self.confirmed += [it.update for it in done]
        self._waiting = [it for it in self._waiting if it not in done]

    def _handed_out(self, limit: int) -> list[Json]:
        batch = self._waiting[:limit]
        for pending in batch:
            pending.again = False
        return [pending.update for pending in batch]

    def _is_wanted(self, kind: str) -> bool:
        return kind not in ONLY_ON_REQUEST if self.allowed is None else kind in self.allowed
