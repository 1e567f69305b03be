"""Redirected host names: one name and port at a time, in every function that a client calls, restored afterwards."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ftpfixture import ConfigurationError
from ftpfixture.testing.redirect import check_host, redirected
from tests.support.rows import table

NAME, PORT = "ftp.partner.example", 21
TARGET = "127.0.0.1", 40021
OTHER = "127.0.0.2", 40022

PATCHED: tuple[tuple[Any, str], ...] = (
    (socket, "getaddrinfo"),
    (socket, "gethostbyname"),
    (socket, "gethostbyname_ex"),
    (socket.socket, "connect"),
    (socket.socket, "connect_ex"),
)


@contextlib.contextmanager
def _recorded() -> Iterator[list[tuple[Any, ...]]]:
    """Record the arguments of the functions of `socket`, which do nothing meanwhile."""
    calls: list[tuple[Any, ...]] = []

    def record(name: str) -> Callable[..., None]:
        return lambda *args: calls.append((name, *args))

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in PATCHED[:3]:
            patch.setattr(owner, name, record(name))
        for owner, name in PATCHED[3:]:
            patch.setattr(owner, name, lambda _, address, name=name: calls.append((name, address)))
        yield calls


@pytest.fixture
def asked() -> Iterator[list[tuple[Any, ...]]]:
    """The list of `_recorded`."""
    with _recorded() as calls:
        yield calls


@table(
    ("host", "port"),
    [
        (NAME, 21),
        (NAME, "21"),
        (NAME, b"21"),
        (NAME, "ftp"),
        (NAME.upper(), 21),
        (NAME + ".", 21),
        (NAME.encode(), 21),
    ],
)
def test_spellings_of_the_name_and_the_port(host: Any, port: Any) -> None:
    """A name is the same in capitals, as bytes and with a dot at its end; a port is a number or a service."""
    with _recorded() as asked, redirected(NAME, PORT, TARGET):
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    assert asked == [("getaddrinfo", *TARGET, 0, socket.SOCK_STREAM, 0, 0)]


@table(
    ("host", "port"),
    [
        (NAME, 22),
        (NAME, "http"),
        ("partner.example", 21),
        ("www." + NAME, 21),
        ("127.0.0.1", 21),
        (None, 21),
        (b"\xff", 21),
    ],
)
def test_other_names_and_other_ports(host: Any, port: Any) -> None:
    """Every other name and port reaches the original function unchanged."""
    with _recorded() as asked, redirected(NAME, PORT, TARGET):
        socket.getaddrinfo(host, port)
        with socket.socket() as sock:
            sock.connect((host, port))

    assert asked == [("getaddrinfo", host, port, 0, 0, 0, 0), ("connect", (host, port))]


def test_each_way_to_reach_a_host(asked: list[Any]) -> None:
    """Resolving with and without a port, the older functions, and connecting by name are redirected."""
    with redirected(NAME, PORT, TARGET), socket.socket() as sock:
        socket.getaddrinfo(NAME, None)
        socket.gethostbyname(NAME)
        socket.gethostbyname_ex(NAME)
        sock.connect((NAME, 21))
        sock.connect_ex((NAME, 21))

    assert asked == [
        ("getaddrinfo", TARGET[0], None, 0, 0, 0, 0),
        ("gethostbyname", TARGET[0]),
        ("gethostbyname_ex", TARGET[0]),
        ("connect", TARGET),
        ("connect_ex", TARGET),
    ]


def test_a_name_is_no_number(asked: list[Any]) -> None:
    """A client that asks whether a name is an address gets the reply of the system; an address is redirected."""
    with redirected(NAME, PORT, TARGET), redirected("192.0.2.7", PORT, OTHER):
        socket.getaddrinfo(NAME, 21, flags=socket.AI_NUMERICHOST)
        socket.getaddrinfo("192.0.2.7", 21, flags=socket.AI_NUMERICHOST)

    assert [call[1:3] for call in asked] == [(NAME, 21), OTHER]


def test_unix_sockets(asked: list[Any]) -> None:
    """An address that is no pair is passed on."""
    with redirected(NAME, PORT, TARGET), socket.socket() as sock:
        sock.connect("/run/socket")

    assert asked == [("connect", "/run/socket")]


def test_nested_blocks(asked: list[Any]) -> None:
    """Several names lead to several servers; of two blocks for one name the newer counts, until it ends."""
    with redirected(NAME, PORT, TARGET):
        with redirected(NAME, PORT, OTHER), redirected("b.example", PORT, TARGET), redirected(NAME, 990, TARGET):
            for host, port in ((NAME, 21), ("b.example", 21), (NAME, 990)):
                socket.getaddrinfo(host, port)
        socket.getaddrinfo(NAME, 21)
    socket.getaddrinfo(NAME, 21)

    assert [call[1:3] for call in asked] == [OTHER, TARGET, TARGET, TARGET, (NAME, 21)]


def test_blocks_that_overlap(asked: list[Any]) -> None:
    """Blocks may be left in another order than they were entered, as those of two threads are."""
    first, second = redirected(NAME, PORT, TARGET), redirected(NAME, PORT, OTHER)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    socket.getaddrinfo(NAME, 21)
    second.__exit__(None, None, None)
    socket.getaddrinfo(NAME, 21)

    assert [call[1:3] for call in asked] == [OTHER, (NAME, 21)]


def test_everything_is_put_back() -> None:
    """After the last block `socket` is as it was, also when the block raises."""
    before = [(vars(owner).get(name), getattr(owner, name)) for owner, name in PATCHED]

    def fail() -> None:
        with redirected(NAME, PORT, TARGET), redirected("b.example", PORT, OTHER):
            assert socket.getaddrinfo is not before[0][1]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [(vars(owner).get(name), getattr(owner, name)) for owner, name in PATCHED] == before


def test_a_patch_over_ours_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A patch that a test makes within the block stays until the test removes it; until then it calls ours."""
    original = socket.getaddrinfo
    with redirected(NAME, PORT, TARGET):
        ours = socket.getaddrinfo
        theirs: Any = lambda *args: ours(*args)  # noqa: E731 - any function
        monkeypatch.setattr(socket, "getaddrinfo", theirs)

    assert socket.getaddrinfo is theirs
    assert theirs("127.0.0.1", 21) == original("127.0.0.1", 21)


def test_threads() -> None:
    """Blocks of several threads do not disturb each other, and the last one restores everything."""
    original, found, begin = socket.getaddrinfo, list[int](), threading.Barrier(4)

    def work(number: int) -> None:
        begin.wait()
        for port in range(40000, 40050):
            with redirected(f"{number}.example", PORT, ("127.0.0.1", port + number)):
                place: Any = socket.getaddrinfo(f"{number}.example", 21)[0][4]
                found.append(place[1] - port - number)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [0] * 200
    assert socket.getaddrinfo is original


@table("name", ["FTP.Partner.example", "ftp.partner.example.", "Bücher.example", "192.0.2.7", "::1", "a_b.example"])
def test_hosts(name: str) -> None:
    """Names, international ones too, and addresses are hosts."""
    assert check_host(name) in ("ftp.partner.example", "xn--bcher-kva.example", "192.0.2.7", "::1", "a_b.example")


@table(
    "name", ["", "ftp://ftp.partner.example", "ftp.partner.example:21", "a b", "a..b", "x" * 64, None, b"a.example", 7]
)
def test_what_is_no_host(name: Any) -> None:
    """A URL, a port or an empty part in the name is an error that shows a valid host."""
    with pytest.raises(
        ConfigurationError, match=r"give the host alone, such as 'ftp\.partner\.com', and port= beside it"
    ):
        check_host(name)
