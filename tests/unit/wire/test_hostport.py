"""PORT, EPRT, 227 and 229: addresses rendered and parsed."""

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.errors import CommandSyntaxError, ReplySyntaxError
from ftpfixture.wire.hostport import (
    parse_227,
    parse_229,
    parse_eprt,
    parse_port,
    render_227,
    render_229,
    render_eprt,
    render_port,
)
from tests.support.parser_fuzz import slow
from tests.support.rows import table

hosts_v4 = st.ip_addresses(v=4).map(str)
hosts = st.ip_addresses().map(str)
ports = st.integers(0, 65535)


def test_parse_port() -> None:
    """Four of the six numbers are the address, two are the port."""
    assert parse_port("127,0,0,1,4,1") == ("127.0.0.1", 1025)
    assert parse_port("0,0,0,0,0,0") == ("0.0.0.0", 0)
    assert parse_port("255,255,255,255,255,255") == ("255.255.255.255", 65535)


@table(
    "argument",
    [
        "",
        "127,0,0,1,4",
        "127,0,0,1,4,1,1",
        "127,0,0,1,4,",
        ",127,0,0,1,4,1",
        "127.0.0.1,4,1",
        "127,0,0,1,4,256",
        "256,0,0,1,4,1",
        "127,0,0,1,4,-1",
        "127,0,0,1,+4,1",
        "127, 0,0,1,4,1",
        "127,0,0,1,4,1 ",
        " 127,0,0,1,4,1",
        "127,0,0,1,4,1\n",
        "127,0,0,1,0004,1",
        "127,0,0,1,4,0x1",
        "127,0,0,1,4,1_0",
        "127,0,0,1,4,\u0661",
        "127,0,0,1,4,\u00b2",
    ],
)
def test_parse_port_refuses(argument: str) -> None:
    """Anything but six plain numbers up to 255 is a syntax error."""
    with pytest.raises(CommandSyntaxError):
        parse_port(argument)


@given(hosts_v4, ports)
def test_port_round_trip(host: str, port: int) -> None:
    """Every IPv4 address and port survives PORT and 227."""
    assert parse_port(render_port(host, port)) == (host, port)
    assert parse_227(render_227(host, port)) == (host, port)


@table("host", ["::1", "localhost", "::ffff:127.0.0.1", "127.0.1"])
def test_only_ipv4_has_the_form_of_port(host: str) -> None:
    """An address without four numbers raises ValueError instead of a wrong rendering."""
    with pytest.raises(ValueError, match="only an IPv4 address"):
        render_port(host, 1025)


@table(
    ("argument", "parts"),
    [
        ("|1|127.0.0.1|1025|", (1, "127.0.0.1", 1025)),
        ("|2|::1|1025|", (2, "::1", 1025)),
        ("|2|0:0::0001|0|", (2, "0:0::0001", 0)),
        ("|2|fe80::1%lo|1025|", (2, "fe80::1%lo", 1025)),
        ("!1!127.0.0.1!1025!", (1, "127.0.0.1", 1025)),
        ("~1~127.0.0.1~1025~", (1, "127.0.0.1", 1025)),
        ("d1d127.0.0.1d1025d", (1, "127.0.0.1", 1025)),
        ("|3|whatever|1025|", (3, "whatever", 1025)),
        ("|0||1025|", (0, "", 1025)),
    ],
)
def test_parse_eprt(argument: str, parts: tuple[int, str, int]) -> None:
    """Any delimiter works, the host is returned as written, and an unknown family as its number."""
    assert parse_eprt(argument) == parts


@table(
    "argument",
    [
        "",
        "|",
        "|1|127.0.0.1|1025",
        "1|127.0.0.1|1025|",
        "|1|127.0.0.1|1025||",
        "|1|127.0.0.1|1025|x",
        "x|1|127.0.0.1|1025|",
        "|1|127.0.0.1|65536|",
        "|1|127.0.0.1|100000|",
        "|1|127.0.0.1|-1|",
        "|1|127.0.0.1| 1025|",
        "|1|127.0.0.1||",
        "|1|127.0.0.1|\u0661\u0660\u0662\u0665|",
        "|\u0661|127.0.0.1|1025|",
        "||127.0.0.1|1025|",
        "|x|127.0.0.1|1025|",
        "|1|::1|1025|",
        "|2|127.0.0.1|1025|",
        "|1|localhost|1025|",
        "|1||1025|",
        "|1|127.0.0.256|1025|",
        "|1|127.0.0.\u0661|1025|",
        "|2|:::1|1025|",
        " 1 127.0.0.1 1025 ",
        "\u00a61\u00a6127.0.0.1\u00a61025\u00a6",
        "\x7f1\x7f127.0.0.1\x7f1025\x7f",
        ".1.127.0.0.1.1025.",
        "1112711025",
    ],
)
def test_parse_eprt_refuses(argument: str) -> None:
    """Anything malformed is a syntax error, and so is an address of another family."""
    with pytest.raises(CommandSyntaxError):
        parse_eprt(argument)


@given(hosts, ports)
def test_eprt_round_trip(host: str, port: int) -> None:
    """Every address and port survives EPRT with the number of its family."""
    family = 1 if ipaddress.ip_address(host).version == 4 else 2
    assert parse_eprt(render_eprt(host, port)) == (family, host, port)


def test_texts_of_replies() -> None:
    """The texts of 227 and 229 are those that clients expect."""
    assert render_227("127.0.0.1", 1025) == "Entering Passive Mode (127,0,0,1,4,1)."
    assert render_229(1025) == "Entering Extended Passive Mode (|||1025|)"


@table(
    "text",
    [
        "Entering Passive Mode (127,0,0,1,4,1).",
        "Entering Passive Mode 127,0,0,1,4,1",
        "=127,0,0,1,4,1",
        "127,0,0,1,4,1",
        "227 Entering (1 of 1,2) (127,0,0,1,004,001)\nmore",
    ],
)
def test_parse_227(text: str) -> None:
    """The six numbers are found anywhere in the text (RFC 1123 4.1.2.6)."""
    assert parse_227(text) == ("127.0.0.1", 1025)


@table(
    "text",
    [
        "",
        "Entering Passive Mode",
        "(127,0,0,1,4)",
        "(127,0,0,1,4,256)",
        "(1270,0,0,1,4,1)",
        f"({'9' * 5000},0,0,1,4,1)",
        "(127,0,0,1,4,\u0661)",
        "(\u0661\u0662\u0667,0,0,1,4,1)",
    ],
)
def test_parse_227_refuses(text: str) -> None:
    """Too few numbers, numbers above 255 and digits of other scripts are no address."""
    with pytest.raises(ReplySyntaxError):
        parse_227(text)


@table(
    ("text", "port"),
    [
        ("Entering Extended Passive Mode (|||1025|)", 1025),
        ("Entering Extended Passive Mode (!!!65535!).", 65535),
        ("(|||0|)", 0),
        ("(like (|||1|)) ok (|||1025|)", 1025),
        ("(55510255)", 1025),
    ],
)
def test_parse_229(text: str, port: int) -> None:
    """The port is in the last group of three delimiters, digits and a delimiter."""
    assert parse_229(text) == port


@table(
    "text",
    [
        "",
        "|||1025|",
        "(|||1025)",
        "(||1025|)",
        "(|||1025!)",
        "(||!1025|)",
        "(|||65536|)",
        "(|||100000|)",
        "(||||)",
        "(|||-1|)",
        "(   1025 )",
        "(|||\u0661\u0660\u0662\u0665|)",
        "(|||1025\u00b2|)",
    ],
)
def test_parse_229_refuses(text: str) -> None:
    """Other shapes, ports above 65535 and digits of other scripts are no port."""
    with pytest.raises(ReplySyntaxError):
        parse_229(text)


@given(ports)
def test_229_round_trip(port: int) -> None:
    """Every port survives 229."""
    assert parse_229(render_229(port)) == port


def test_long_replies_are_searched_in_linear_time() -> None:
    """The time is proportional to the length of a reply, whatever its content."""

    def search(text: str) -> None:
        for parse in (parse_227, parse_229):
            with contextlib.suppress(ReplySyntaxError):
                parse(text)

    for piece in ("1", "1,", "1,1,1,1,1,", "(", "(|||", "(|||1", "!"):
        assert slow(search, piece * (3000 // len(piece)), piece * (24000 // len(piece))) is None, piece
