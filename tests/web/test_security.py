"""What another site, or another program, could send; and that it gets nothing."""

import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from carrousel.web.security import LARGEST_BODY
from carrousel.web.serve import bound


def ask(
    server: str, method: str = "GET", path: str = "/", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Send exactly these headers (underscores are dashes), ``Host`` if given."""
    address = urlsplit(server).netloc
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.putrequest(method, path, skip_host="host" in headers, skip_accept_encoding=True)
    if body is not None and "content_length" not in headers and "transfer_encoding" not in headers:
        connection.putheader("content-length", str(len(body)))
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content


def post(server: str, path: str, value: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    headers = {"content_type": "application/json"} | headers
    status, _, content = ask(server, "POST", path, json.dumps(value).encode(), **headers)
    return status, json.loads(content)


RECORD = "/api/models/words/record"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "127.0.0.1@evil", "0.0.0.0"],
)
def test_a_name_that_points_here_is_refused(server: str, host: str):
    status, _, content = ask(server, host=host)
    assert status == 421
    assert "answers to" in json.loads(content)["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "[::1]:80"])
def test_this_machine_is_answered(server: str, host: str):
    assert ask(server, host=host)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_another_site_can_send_nothing(server: str, headers: dict[str, str]):
    status, answer = post(server, RECORD, {"text": "Il fait"}, **headers)
    assert (status, answer["error"]) == (403, "requests from other sites are refused")


def test_a_link_from_another_site_opens_the_page(server: str):
    assert ask(server, sec_fetch_site="cross-site", sec_fetch_mode="navigate")[0] == 200
    assert ask(server, sec_fetch_site="cross-site", sec_fetch_mode="no-cors")[0] == 403


def test_the_page_itself_may_ask(server: str):
    origin = server.rstrip("/")
    status, answer = post(
        server, RECORD, {"text": "Il fait"}, origin=origin, sec_fetch_site="same-origin"
    )
    assert status == 200
    assert answer["kind"] == "lstm"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_form_can_send_is_refused(server: str, kind: str):
    assert post(server, RECORD, {"text": "Il fait"}, content_type=kind)[0] == 415


def test_large_bodies_are_refused_whatever_their_length_is_said_to_be(server: str):
    large = b'{"text": "' + b"a" * LARGEST_BODY + b'"}'
    json_type = {"content_type": "application/json"}
    assert ask(server, "POST", RECORD, large, **json_type)[0] == 413
    # Nothing follows the headers: what came after such a length would meet a closed connection.
    assert ask(server, "POST", RECORD, content_length="-1", **json_type)[0] in (400, 413)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)
    assert ask(server, "POST", RECORD, chunked, transfer_encoding="chunked", **json_type)[0] == 413


@pytest.mark.parametrize("headers", [{}, {"content_type": "application/json"}])
def test_whoever_still_sends_a_refused_body_gets_the_answer(server: str, headers: dict[str, str]):
    """A server that closes the connection before it has read all resets it."""
    status, _, content = ask(server, "POST", RECORD, b"a" * (4 << 20), **headers)
    assert status == (413 if headers else 415)
    assert "error" in json.loads(content)


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/app.py",
        "//etc/passwd",
        "/static/app.js",
        "/app.py",
    ],
)
def test_only_the_pages_own_files_are_served(server: str, path: str):
    status, headers, content = ask(server, path=path)
    assert status == 404
    assert headers["content-type"] == "application/json"
    assert "error" in json.loads(content)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/nothing"), ("GET", "/api/models"), ("POST", RECORD), ("GET", "/docs")],
)
def test_every_answer_has_the_policy(server: str, method: str, path: str):
    _, headers, _ = ask(server, method, path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_answered_in_json(server: str, method: str):
    status, _, content = ask(server, method, "/api/models", content_type="application/json")
    assert status == 405
    assert "not possible" in json.loads(content)["error"]


def test_it_listens_on_the_loopback_address_alone():
    listening = bound(0)
    try:
        assert listening.getsockname()[0] == "127.0.0.1"
    finally:
        listening.close()


def test_a_port_that_is_taken_is_named():
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    port = taken.getsockname()[1]
    try:
        with pytest.raises(OSError, match=f"port {port} cannot be used"):
            bound(port)
    finally:
        taken.close()
