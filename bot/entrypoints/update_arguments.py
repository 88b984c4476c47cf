"""What `akbot update` is asked for."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--check", action="store_true", help="every step, and what it asks of you")
    form.add_argument("--why", action="store_true", help="what holds it back, and until when")
    form.add_argument(
        "--preflight",
        action="store_true",
        help="whether the stack is fit for it; exit code 3 if not",
    )
    parser.add_argument(
        "tag", nargs="?", default="", metavar="TAG", help="a version; by default the newest"
    )
