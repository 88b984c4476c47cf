"""`akbot`, and `python -m bot`."""

import os
import sys
import threading


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from bot.cli import main as run  # noqa: PLC0415 - the module has no work at import
    from bot.entrypoints.streams import take_streams  # noqa: PLC0415 - likewise

    take_streams()
    code = run()
    if any(_keeps_the_process(each) for each in threading.enumerate()):
        os._exit(code)  # all is written: only a call that hangs would be waited for
    sys.exit(code)


def _keeps_the_process(thread: threading.Thread) -> bool:
    return thread is not threading.main_thread() and not thread.daemon


if __name__ == "__main__":
    main()
