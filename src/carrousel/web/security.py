"""What a page on another site must not be able to do to a server on this machine.

A browser lets any site send requests to the loopback address. Three checks keep them out: the
``Host`` header must name this machine (a site that points its own name at 127.0.0.1, "DNS
rebinding", fails here), a request that carries an ``Origin`` or ``Sec-Fetch-Site`` must come from
this page, and bodies must be JSON, which no HTML form can send.
"""

import asyncio
import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 256 * 1024  # bytes
DRAINED = 16 * 1024 * 1024  # bytes of a refused body that are read, to no purpose
PATIENCE = 5.0  # seconds in which they must have come

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "cache-control": "no-cache",
}


class Guard:
    """ASGI middleware: refuses what did not come from the page, adds headers to all answers."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no web sockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = _with_headers(send)
        refused = self._refused(scope)
        if refused is not None:
            if "expect" not in _headers(scope):  # else the body waits for our leave
                await _drain(receive)
            await refuse(answer, *refused)
            return
        body = await _read(receive)
        if body is None:
            await _drain(receive)
            await refuse(answer, 413, f"the request is larger than {LARGEST_BODY} bytes")
            return
        await self.app(scope, _replay(body), answer)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = _headers(scope)
        host = headers.get("host", "")
        if _name(host) not in self.hosts:
            return 421, f"this server answers to {_listed(self.hosts)}, not to {host[:80]!r}"
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return 403, "requests from other sites are refused"
        # "none" is an address typed by hand; an address followed from another site is cross-site.
        reading = scope["method"] in ("GET", "HEAD")
        site = headers.get("sec-fetch-site", "none")
        page = reading and headers.get("sec-fetch-mode") == "navigate"
        if site not in ("same-origin", "none") and not page:
            return 403, "requests from other sites are refused"
        if not reading and headers.get("content-type", "").split(";")[0] != "application/json":
            return 415, "a request with a body must have the content-type application/json"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return 413, f"the request is larger than {LARGEST_BODY} bytes"
        return None


def _headers(scope: Scope) -> dict[str, str]:
    """The first of each; a second ``Host`` would make the answer ambiguous, so it counts."""
    found: dict[str, str] = {}
    for key, value in scope["headers"]:
        name, text = key.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _name(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.rpartition(":")
    return name.lower() if colon and port.isdecimal() else host.lower()


def _listed(hosts: frozenset[str]) -> str:
    return " and ".join(sorted(hosts))


def _with_headers(send: Send) -> Send:
    extra = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in HEADERS.items()]

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return wrapped


async def _read(receive: Receive) -> bytes | None:
    """The body; None as soon as it is too large, whatever its length was said to be."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _drain(receive: Receive) -> None:
    """Read the rest of a body that nobody wants.

    A connection that is closed while its client is still sending is reset, and the answer is lost.
    """

    async def read() -> None:
        left = DRAINED
        while left > 0:
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return
            left -= len(message.get("body", b""))

    try:
        await asyncio.wait_for(read(), PATIENCE)
    except asyncio.TimeoutError:
        return


def _replay(body: bytes) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    return receive


async def refuse(send: Send, status: int, reason: str) -> None:
    """One JSON error, as the API gives them."""
    content: Any = json.dumps({"error": reason}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
