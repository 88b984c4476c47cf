"""What a restore asks of the bytes of a component, as a check that runs over them."""

from bot.domain.components import CONFIG, Format, encoding_of
from bot.domain.config_diff import MOST_BYTES, read_config
from bot.domain.errors import RefusedError, UnsafeArchiveError
from bot.domain.integrity import StreamCheck, TarCheck
from bot.domain.manifest import Component


def restore_check(component: Component) -> StreamCheck:
    """All that a restore would refuse it for without having loaded it."""
    encoding = encoding_of(component.key)
    if encoding.format is not Format.TAR:
        return encoding.new_check()
    if component.name == CONFIG:  # it is read, and never unpacked
        return _Both(TarCheck(component.archive), _ConfigCheck())
    return TarCheck(component.archive, strict=True)


class _Both:
    """Whether it is *whole*, and what else there is to *judge*."""

    def __init__(self, whole: StreamCheck, judge: StreamCheck) -> None:
        self._checks = (whole, judge)

    def update(self, block: bytes) -> None:
        for each in self._checks:
            each.update(block)

    def finish(self) -> None:
        for each in self._checks:
            each.finish()


class _ConfigCheck:
    """A configuration, which is read whole."""

    def __init__(self) -> None:
        self._packed = bytearray()

    def update(self, block: bytes) -> None:
        if len(self._packed) <= MOST_BYTES:
            self._packed += block

    def finish(self) -> None:
        read_config(bytes(self._packed))


def refusal_of(error: UnsafeArchiveError) -> RefusedError:
    """Before anything was changed: its bytes are those that were sent, and nobody may unpack them.

    What was noted on *error* stays.
    """
    refusal = RefusedError(str(error), hint=error.hint)
    for note in getattr(error, "__notes__", ()):
        refusal.add_note(note)
    return refusal
