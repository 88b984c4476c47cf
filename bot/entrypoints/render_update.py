"""What an update would be, as lines of text and as JSON. Pure, like `render`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bot.domain.printable import one_line
from bot.domain.update_holds import Hold
from bot.domain.update_outlook import HopOutlook, Outlook
from bot.entrypoints.render import size

_SECURITY = {True: ", a security release", False: "", None: ""}


def check_lines(outlook: Outlook) -> list[str]:
    """Every hop, what it asks of whoever runs the stack, and whether anything holds it back."""
    lines = [_headline(outlook)]
    for number, each in enumerate(outlook.hops, start=1):
        lines += _hop_lines(number, each)
    if outlook.newer_patch:
        lines += ["", f"{outlook.newer_patch} is newer, and of the same family: take that instead."]
    if outlook.hops:
        lines += ["", "Server, worker and every outpost must run the same version."]
        lines += _hold_lines(outlook.holds) or ["Nothing holds it back."]
    return [*lines, *_asides(outlook)]


def why_lines(outlook: Outlook) -> list[str]:
    """What holds an update back, and until when."""
    if outlook.up_to_date:
        return [_headline(outlook), *_hold_lines(outlook.holds), *_asides(outlook)]
    lines = _hold_lines(outlook.holds)
    said = lines or [f"Nothing holds the update to {outlook.target} back."]
    return [*said, *_asides(outlook)]


def outlook_value(outlook: Outlook) -> dict[str, Any]:
    """The same for programs; versions as text."""
    return {
        "place": outlook.place,
        "current": str(outlook.current),
        "target": str(outlook.target),
        "newer_patch": str(outlook.newer_patch) if outlook.newer_patch else None,
        "hops": [
            {
                "from": str(each.hop.start),
                "to": str(each.version),
                "digest": each.digest,
                "size": each.size,
                "security": each.security,
                "presumed": each.hop.presumed,
                "notes": each.version.notes,
                "demands": [asdict(demand) for demand in each.demands],
            }
            for each in outlook.hops
        ],
        "holds": [asdict(hold) for hold in outlook.holds],
        "passed_over": [asdict(each) for each in outlook.passed_over],
        "doubts": list(outlook.doubts),
    }


def _headline(outlook: Outlook) -> str:
    runs = f"Authentik {outlook.current} runs"
    if outlook.up_to_date:
        return f"{runs}; {outlook.place} has nothing newer to offer."
    hops = len(outlook.hops)
    way = "in one step" if hops == 1 else f"in {hops} steps, each with its own check"
    return f"{runs}; the way to {outlook.target} of {outlook.place} goes {way}:"


def _hop_lines(number: int, each: HopOutlook) -> list[str]:
    start, end = each.hop.start, each.version
    security = _SECURITY[each.security]
    lines = [
        f"{number}. {start} → {end}{security} (up to {size(each.size)} to load)",
        f"   notes: {end.notes}",
    ]
    lines += [
        f"   {'must' if demand.blocking else 'note'}  {demand.area}: {demand.words}"
        for demand in each.demands
    ]
    if each.hop.presumed:
        lines.append("   presumed: the image itself says, once it is here, what it can follow")
    return lines


def _hold_lines(holds: Sequence[Hold]) -> list[str]:
    lines: list[str] = []
    for hold in holds:
        until = f"until {hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else "until you act"
        lines.append(f"Held back {until}: {one_line(hold.words)}")
        if hold.remedy:
            lines.append(f"  → {one_line(hold.remedy)}")
    return lines


def _asides(outlook: Outlook) -> list[str]:
    passed = [
        f"Not offered: {one_line(each.tag)} failed here on {each.since:%Y-%m-%d}:"
        f" {one_line(each.reason)}"
        for each in outlook.passed_over
    ]
    return [*passed, *(one_line(each) for each in outlook.doubts)]
