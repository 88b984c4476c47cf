"""The arguments of `akbot delete`."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser.add_argument("id", help="a backup's id, or its beginning")
    parser.add_argument("--store", metavar="NAME", help="only from this store")
    parser.add_argument("--force", action="store_true", help="even if it is the newest good one")
    parser.add_argument("--yes", action="store_true", help="do not ask")
