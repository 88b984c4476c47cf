"""The pages that have answered akbot at some time, and the file that says so.

By the subject of their incidents, each with its place then: one at another place is another page.
"""

import json
from collections.abc import Mapping


def format_answered(pages: Mapping[str, str]) -> bytes:
    """What stands in the file."""
    return json.dumps({"answered": dict(pages)}).encode() + b"\n"


def parse_answered(data: bytes) -> Mapping[str, str]:
    """Read the file. Raises ValueError where it is none."""
    try:
        pages = json.loads(data)["answered"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it is not what akbot writes") from error
    return {str(subject): str(place) for subject, place in pages}
