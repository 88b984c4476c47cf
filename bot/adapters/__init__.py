"""One outside system each, behind the ports of `bot.services.ports`."""
