"""Results and errors in the form in which Telegram answers."""

import json

from tests.bot_api.errors import ApiError
from tests.bot_api.request import Answer


def done(result: object) -> Answer:
    return Answer(200, json.dumps({"ok": True, "result": result}).encode())


def failed(error: ApiError) -> Answer:
    body = json.dumps(error.json()).encode()
    return Answer(error.code, body, retry_after=error.parameters.get("retry_after", 0))
