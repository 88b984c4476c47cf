"""Serve S3 in memory, on loopback and on the Engine's bridge under the same port.

From a container 127.0.0.1 is the container, so loopback alone would not do; all addresses of the
machine would be too many. Run as `s3.py PORT_FILE [INTERFACE...]`: PORT_FILE appears, holding the
port, once the bucket is there and everything listens, and beside it, with the suffix `.inside`, a
file that holds the address for containers. An interface that this machine lacks is left out.
"""

import fcntl
import socket
import struct
import sys
import threading
import urllib.request
from pathlib import Path

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

BUCKET = "akbot"
LOOPBACK = "127.0.0.1"
ATTEMPTS = 20
SIOCGIFADDR = 0x8915


def address_of(interface: str) -> str | None:
    """Return the IPv4 address of *interface*, None if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def listen(addresses: list[str]) -> list[BaseWSGIServer]:
    """Listen on a port that is free on all *addresses*."""
    application = DomainDispatcherApplication(create_backend_app)
    for _ in range(ATTEMPTS):
        servers = [make_server(addresses[0], 0, application, threaded=True)]
        try:
            for address in addresses[1:]:
                servers.append(make_server(address, servers[0].port, application, threaded=True))
        except (OSError, SystemExit):  # werkzeug exits where a port is taken
            for server in servers:
                server.server_close()
            continue
        return servers
    raise SystemExit(f"no port is free on all of {addresses}")


def main(port_file: Path, interfaces: list[str]) -> None:
    addresses = [address for name in interfaces if (address := address_of(name))]
    servers = listen([LOOPBACK, *addresses])
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    port = servers[0].port
    request = urllib.request.Request(f"http://{LOOPBACK}:{port}/{BUCKET}", method="PUT")
    with urllib.request.urlopen(request, timeout=10):
        pass
    port_file.with_suffix(".inside").write_text(f"{[LOOPBACK, *addresses][-1]}:{port}\n")
    partial = port_file.with_suffix(".new")
    partial.write_text(f"{port}\n")
    partial.rename(port_file)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
