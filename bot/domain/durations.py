"""How long something takes, in words."""


def duration(seconds: float) -> str:
    """*seconds* in the two units that say most: 8.2 s, 2 min 5 s, 3 h 20 min, 2 days 8 h."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004
        return f"{whole} s" if whole >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours else f"{days} days"
