"""The door outwards: addresses that only look like an allowed host, names that lead inside, redirects, rebinding."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest

from rahdari.errors import InputError
from rahdari.operate.notify import Channel, Sender
from rahdari.sources.outbound import Allowed, RefusedError, addresses_of, opened, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPEN = Allowed.of(["data.example"])
#: What lets a careless list or parser reach inside; none may even be taken for an address that is allowed.
TRICKS = (
    "http://127.0.0.1/", "http://2130706433/", "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://0x7f000001/",
    "http://127.1/", "http://0/", "http://0.0.0.0/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:169.254.169.254]/", "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/", "http://[fe80::1%25eth0]/", "http://localhost/", "http://LOCALHOST./",
    "http://localhost.localdomain/", "http://metadata.google.internal/", "http://data.example@127.0.0.1/",
    "http://127.0.0.1#@data.example/", "http://data.example:80@127.0.0.1/", "http://data.example\\@127.0.0.1/",
    "http://data.example.evil.example/", "http://evil.example/?data.example", "http://evil.example#data.example",
    "http://data.example%2eevil.example/", "http://data。example/", "http://ｄata.example/", "http://127。0。0。1/",
    "http://①②⑦.0.0.1/", "http://data.example\t.evil.example/", "http://data.example\r\nHost: inside/",
    "http://data.example ./", "http://data.example./", "http://10.0.0.1/", "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://127.0.0.1.nip.io/", "http://data.example:99999/", "http://data.example:x/",
    "file:///etc/passwd", "gopher://data.example/", "ftp://data.example/", "//data.example/", "data.example", "",
    "http:///data.example", "http://", "https://[data.example]/", "jar:http://data.example/!/", "/vsicurl/http://x/",
)  # fmt: skip
INSIDE = (
    "127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "0.1.2.3", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:a00:1::", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fec0::1", "ff02::1",
)  # fmt: skip


def answers(*addresses: str) -> Callable[..., list[tuple[Any, ...]]]:
    """Return a resolver that gives these addresses, whatever the name."""

    def resolve(_host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401  # as the system's
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    return resolve


@pytest.mark.parametrize("url", TRICKS)
def test_an_address_that_only_looks_allowed_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(InputError):
        target_of(url, OPEN)


@pytest.mark.parametrize("address", INSIDE)
def test_an_allowed_name_that_leads_inside_is_refused(address: str) -> None:
    target = target_of("https://data.example/a", OPEN)
    with pytest.raises(RefusedError, match="not public"):
        addresses_of(target, OPEN, answers(address))
    with pytest.raises(RefusedError, match="not public"):
        addresses_of(target, OPEN, answers("1.1.1.1", address))


def test_a_public_address_of_an_allowed_name_is_taken() -> None:
    target = target_of("https://DATA.example:8443/a?b=c#d", OPEN)
    assert (target.host, target.port, target.path) == ("data.example", 8443, "/a?b=c")
    assert [str(each) for each in addresses_of(target, OPEN, answers("1.1.1.1", "2606:4700::1111", "1.1.1.1"))] == [
        "1.1.1.1", "2606:4700::1111",
    ]  # fmt: skip


def test_an_address_inside_is_reached_only_where_it_was_typed_and_metadata_never() -> None:
    own = Allowed.of(["10.1.2.3", "desk.example=10.1.2.4", "169.254.169.254", "[::1]"])
    assert addresses_of(target_of("http://10.1.2.3/", own), own, answers("10.1.2.3"))
    assert addresses_of(target_of("http://[::1]/", own), own, answers("::1"))
    assert addresses_of(target_of("http://desk.example/", own), own, answers("10.1.2.4"))
    for url, address in (("http://desk.example/", "10.1.2.5"), ("http://169.254.169.254/", "169.254.169.254")):
        with pytest.raises(RefusedError):
            addresses_of(target_of(url, own), own, answers(address))


class Server(ThreadingHTTPServer):
    """Answers on this machine; ``leads_to`` is where it sends on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.leads_to = ""
        self.asked: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.headers['Host']} {self.path}")
        if self.path == "/on":
            self.send_response(302)
            self.send_header("Location", self.server.leads_to)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/none":
            self.send_error(404)
        else:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"whole")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: Any) -> None:  # noqa: ANN401  # the base class says so
        """Keep silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def fetched(url: str, allowed: Allowed, resolve: Callable[..., Any] | None = None) -> bytes:
    with opened(url, allowed, resolve=resolve, timeout_s=5.0) as answer:
        return answer.read()


def test_a_name_is_asked_at_the_very_address_that_was_checked(server: Server) -> None:
    own = Allowed.of(["data.example=127.0.0.1"])
    given = [answers("127.0.0.1"), answers("169.254.169.254")]  # a name that changes its address once it was checked

    def rebinding(*args: Any, **more: Any) -> Any:  # noqa: ANN401  # as the system's
        return given.pop(0)(*args, **more)

    assert fetched(f"http://data.example:{server.port}/a", own, rebinding) == b"whole"
    assert server.asked == [f"GET data.example:{server.port} /a"]
    assert len(given) == 1


@pytest.mark.parametrize(
    "leads_to",
    ["http://127.0.0.1/b", "http://169.254.169.254/", "file:///etc/passwd", "//localhost/x", "http://[::1]/"],
)
def test_a_redirect_to_what_is_not_allowed_is_not_followed(server: Server, leads_to: str) -> None:
    server.leads_to = leads_to
    with pytest.raises(RefusedError, match="leads on to what is not allowed"):
        fetched(f"http://data.example:{server.port}/on", Allowed.of(["data.example=127.0.0.1"]), answers("127.0.0.1"))
    assert len(server.asked) == 1


def test_a_redirect_whose_name_leads_inside_is_not_followed(server: Server) -> None:
    own = Allowed.of(["data.example=127.0.0.1", "other.example"])
    server.leads_to = "http://other.example/b"

    def resolve(host: str, port: int, **_: Any) -> Any:  # noqa: ANN401  # as the system's
        return answers("127.0.0.1" if host == "data.example" else "10.0.0.1")(host, port)

    with pytest.raises(RefusedError, match="which is not public"):
        fetched(f"http://data.example:{server.port}/on", own, resolve)


def test_redirects_within_the_list_are_followed_and_a_circle_ends(server: Server) -> None:
    own = Allowed.of(["127.0.0.1"])
    server.leads_to = "/end"
    assert fetched(f"http://127.0.0.1:{server.port}/on", own) == b"whole"
    server.leads_to = "/on"
    with pytest.raises(RefusedError, match="more than 5 times"):
        fetched(f"http://127.0.0.1:{server.port}/on", own)


def test_an_answer_of_a_fault_is_one(server: Server) -> None:
    with pytest.raises(HTTPError) as told:
        fetched(f"http://127.0.0.1:{server.port}/none", Allowed.of(["127.0.0.1"]))
    assert told.value.code == 404


def test_a_webhook_goes_through_the_same_door(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://desk.example:{server.port}/in"
    inside = Sender([Channel("desk", "webhook", url, allowed_hosts=("desk.example",))])
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", answers("127.0.0.1"))
        with pytest.raises(OSError, match="not public"):
            inside.send("desk", "k", b"{}")
    assert not server.asked
    server.leads_to = "/in"
    moved = Channel("desk", "webhook", f"http://127.0.0.1:{server.port}/on", allowed_hosts=("127.0.0.1",))
    with pytest.raises(OSError, match="answered 302"):
        Sender([moved]).send("desk", "k", b"{}")
    Sender([Channel("desk", "webhook", f"http://127.0.0.1:{server.port}/in", allowed_hosts=("127.0.0.1",))]).send(
        "desk", "k", b"{}"
    )
    assert [line.split()[0] for line in server.asked] == ["POST", "POST"]
