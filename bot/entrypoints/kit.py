"""`akbot kit`: print the recovery kit, or take the proof that somebody still holds it."""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bot import age
from bot.domain.kit import Kit, show_code
from bot.domain.kit_sheet import kit_sheet
from bot.entrypoints.files import io_errors, open_output, write_new
from bot.entrypoints.kit_arguments import KitRequest
from bot.entrypoints.qr import draw_qr
from bot.entrypoints.streams import complain
from bot.services.kit import KitService


async def run_kit(service: KitService, request: KitRequest, reminder_days: int) -> int:
    """Do what *request* says; 1 where nobody wants the output."""
    if request.code is not None:
        confirmation = await service.confirm(request.code)
        text = f"The recovery kit is confirmed, for the key {', '.join(confirmation.keys)}.\n"
        if reminder_days:
            text += f'"akbot check" asks for it again in {reminder_days} days.\n'
        document: dict[str, Any] = asdict(confirmation)
        return await asyncio.to_thread(_deliver, request, document, lambda: text)
    if request.challenge:
        challenge = (await service.challenge()).decode()
        return await asyncio.to_thread(
            _deliver, request, {"challenge": challenge}, lambda: challenge
        )
    kit = await service.make(with_key=request.with_key, identity_file=request.identity)
    if kit.keys and not request.passphrase and not request.output and sys.stdout.isatty():
        _tell("warning: the private key stands on this screen now; clear it and its history")
    code = await asyncio.to_thread(
        _deliver, request, _document(kit), lambda: kit_sheet(kit, draw_qr)
    )
    if kit.keys and request.output:
        _tell(
            f'"{request.output}" holds the private key: print it, put it away from this host,'
            ' delete the file; then give its check code to "akbot kit --confirm"'
        )
    return code


def _tell(line: str) -> None:
    complain(f"akbot: {line}")


def _document(kit: Kit) -> dict[str, Any]:
    document = asdict(kit)
    document["stores"] = {each.name: str(each.location) for each in kit.stores}
    for key in document["keys"]:
        key["code"] = show_code(key["code"]) if key["code"] else ""
    return document


def _deliver(request: KitRequest, document: dict[str, Any], text: Callable[[], str]) -> int:
    """Write it, locked where that was asked for, to the file or to stdout."""
    plain = json.dumps(document, indent=1, default=str) + "\n" if request.as_json else text()
    content = plain.encode()
    if request.passphrase:
        content = _locked(content, request.passphrase)
    if request.output:
        write_new(request.output, content)
        return 0
    try:
        with io_errors("write stdout"), open_output(None, 0) as stdout:
            stdout.write(content)
    except BrokenPipeError:
        return 1
    return 0


def _locked(content: bytes, passphrase: str) -> bytes:
    return b"".join(age.encrypt([content], [age.PassphraseRecipient(passphrase)], armor=True))
