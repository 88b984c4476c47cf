"""Run the stand-in by itself, for a bot in a container.

PORT_FILE appears, and "ready" on the standard output, once everything listens. Its first line is
the port of the Bot API, on each address; its second is that of the control surface, on loopback.
Ends at SIGTERM or SIGINT.
"""

import argparse
import signal
from pathlib import Path

from tests.bot_api.control import controlled
from tests.bot_api.server import LOOPBACK, TOKEN, bot_api

ENDING = {signal.SIGTERM, signal.SIGINT}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bot_api", description=__doc__)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--listen", action="append", metavar="ADDRESS", default=[])
    parser.add_argument("--port-file", type=Path, required=True)
    options = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    addresses = tuple(options.listen) or LOOPBACK
    with (
        bot_api(token=options.token, addresses=addresses) as telegram,
        controlled(telegram) as control_port,
    ):
        partial = options.port_file.with_suffix(".new")
        partial.write_text(f"{telegram.port}\n{control_port}\n")
        partial.rename(options.port_file)
        print("ready", flush=True)
        signal.sigwait(ENDING)


if __name__ == "__main__":
    main()
