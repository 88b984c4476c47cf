"""`akbot`, and `python -m bot`."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from bot.cli import main as run  # noqa: PLC0415 - the module has no work at import
    from bot.entrypoints.streams import take_streams  # noqa: PLC0415 - likewise

    take_streams()
    sys.exit(run())


if __name__ == "__main__":
    main()
