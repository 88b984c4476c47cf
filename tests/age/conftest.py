"""The three commands as tests run them: real parsers, no command line around them."""

import argparse
from collections.abc import Callable

import pytest

from bot.entrypoints.crypt import add_commands

Akbot = Callable[..., int]


@pytest.fixture
def akbot() -> Akbot:
    """Run one of the commands in this process and return its exit code."""

    def run(*argv: object) -> int:
        parser = argparse.ArgumentParser(prog="akbot")
        add_commands(parser.add_subparsers(required=True))
        args = parser.parse_args([str(argument) for argument in argv])
        code = args.run(args)
        assert isinstance(code, int)
        return code

    return run
