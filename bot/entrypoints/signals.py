"""The end of a command that somebody else wants: in order, as on Ctrl-C."""

import asyncio
import signal

_ENDING = (signal.SIGTERM, signal.SIGHUP)  # SIGHUP: the terminal, or the way to it, is gone


def end_in_order_on_signals() -> None:
    """As on Ctrl-C: what is under way is undone before the process ends."""
    task = asyncio.current_task()
    if task is not None:
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_IGN:  # as nohup has it
                continue
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
