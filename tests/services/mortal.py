"""A process that dies: from one moment on nothing that it does has any effect."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.services.pipeline import ending


class KilledError(BaseException):
    """What a killed process would not live to see; nothing may catch it but the test."""


@dataclass
class Life:
    """Ends at the *dies_at*-th of the journal's writes, before or *after* it took effect."""

    dies_at: int | None = None
    after: bool = False
    writes: list[str] = field(default_factory=list)
    is_over: bool = False

    def check(self) -> None:
        if self.is_over:
            raise KilledError

    async def write(self, name: str, call: Callable[[], Any]) -> Any:
        self.check()
        self.writes.append(name)
        dies = self.dies_at == len(self.writes)
        if dies and not self.after:
            self.is_over = True
            raise KilledError
        result = await call()
        if dies:
            self.is_over = True
            raise KilledError
        return result


class Mortal:
    """Whatever *target* does, as long as *life* goes on; *writes* are counted as the journal's."""

    def __init__(self, target: Any, life: Life, writes: frozenset[str] = frozenset()) -> None:
        self._target = target
        self._life = life
        self._writes = writes

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if name in self._writes:
            return lambda *args, **kwargs: self._life.write(
                name, functools.partial(value, *args, **kwargs)
            )
        if inspect.isasyncgenfunction(value):
            return functools.partial(_while_alive, self._life, value)
        if not callable(value):
            return value
        return functools.partial(_if_alive, self._life, value)


def _if_alive(life: Life, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    life.check()
    return call(*args, **kwargs)


async def _while_alive(
    life: Life, call: Callable[..., AsyncIterator[Any]], *args: Any, **kwargs: Any
) -> AsyncIterator[Any]:
    life.check()
    async with ending(call(*args, **kwargs)) as items:
        async for each in items:
            life.check()
            yield each
            life.check()
