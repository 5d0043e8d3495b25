"""Serve an explorer on the loopback address and open the browser."""

import socket
import threading
import time
import webbrowser
from collections.abc import Callable

import uvicorn

from .app import create_app
from .library import Library

ADDRESS = "127.0.0.1"


def serve(library: Library, port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Run until interrupted; ``port=0`` takes a free one. ``say`` is told the address."""
    for model in library:
        _ = model.text  # prepared before the first visit
    listening = bound(port)
    address = f"http://{ADDRESS}:{listening.getsockname()[1]}/"
    server = server_of(library)
    opening = threading.Thread(target=_open, args=(server, address, browser, say), daemon=True)
    opening.start()
    server.run(sockets=[listening])


def server_of(library: Library) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(library),
        log_level="warning",
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=64,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def bound(port: int) -> socket.socket:
    """A socket that only this machine can reach."""
    # The protocol is named, or asyncio lets small answers wait for the acknowledgment of others.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
    except OSError as error:
        listening.close()
        raise OSError(f"port {port} cannot be used: {error.strerror}; leave --port out") from error
    return listening


def _open(server: uvicorn.Server, address: str, browser: bool, say: Callable[[str], None]) -> None:
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.02)
    say(f"{address} (Ctrl-C stops)")
    if browser:
        webbrowser.open(address)
