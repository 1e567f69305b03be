"""Logs of `curl -v`."""

from __future__ import annotations

from ftpfixture.recording.format import Data
from tests.support.logs import events_of, imported, remarks_of

PLAIN = """
    $ curl -v ftp://ftp.example.com/a.csv
      % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
                                     Dload  Upload   Total   Spent    Left  Speed
      0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0*   Trying 192.0.2.7:21...
    * Connected to ftp.example.com (192.0.2.7) port 21 (#0)
      0     0    0     0    0     0      0      0 --:--:--  0:00:04 --:--:--     0< 220-ftp.example.com
    < 220 Ready
    > USER anonymous
    < 331 Password please
    > PASS ftp@example.com
    < 230 Welcome, anonymous
    > PWD
    < 257 "/"
    * Entry path is '/'
    > EPSV
    * Connect data stream passively
    < 229 Entering Extended Passive Mode (|||21845|).
    * Connected to ftp.example.com (192.0.2.7) port 21 (#0)
    > TYPE I
    < 200 Binary
    > SIZE a.csv
    < 213 1000
    > REST 10
    < 350 Restarting
    > RETR a.csv
    < 150 Go
    * Getting file with size: 1000
    { [200 bytes data]
    < 226 Done
    100   990  100   990    0     0   1630      0 --:--:-- --:--:-- --:--:--  2000
    * Connection #0 to host ftp.example.com left intact
"""


def test_a_download() -> None:
    """The size of all bytes is that of the meter; names of the server and addresses are placeholders."""
    result = imported(PLAIN)

    assert result.format == "curl"
    assert events_of(result.recording).splitlines() == [
        "* connected",
        "< 220-{host}|220 Ready",
        "> USER {user}",
        "< 331 Password please",
        "> PASS {password}",
        "< 230 Welcome, {user}",
        "> PWD",
        '< 257 "/"',
        "> EPSV passive",
        "< 229 Entering Extended Passive Mode (|||{port}|).",
        "> TYPE I",
        "< 200 Binary",
        "> SIZE a.csv",
        "< 213 1000",
        "> REST 10",
        "< 350 Restarting",
        "> RETR a.csv",
        "< 150 Go",
        "= down IS 990 at 10 generated eof",
        "< 226 Done",
        "* closed client eof",
    ]
    assert remarks_of(result) == (
        "1 not understood: $ curl -v ftp://{host}/a.csv\n"
        "25 the log does not have the data of RETR: 990 bytes were generated\n"
    )
    assert result.recording.header.loose == ("NOOP", "PWD", "TYPE")


def test_a_listing_in_the_terminal() -> None:
    """Lines without a sign during a transfer are its data, when they are lines of a listing, or of the size."""
    log = """
        < 220 Hi
        > EPSV
        < 229 ok (|||1|)
        > LIST
        < 150 Here
        { [68 bytes data]
        -rw-r--r--    1 ftp      ftp             8 Jan  1  2020 a file.csv
        < 226 Done
        > EPSV
        < 229 ok (|||2|)
        > RETR b
        < 150 Go
        * Maxdownload = -1
        { [16 bytes data]
        text in
        2 lines
        < 226 Done
    """
    result = imported(log)
    bodies = [line for line in result.recording.lines if isinstance(line, Data)]
    assert [result.recording.content(body) for body in bodies] == [
        b"-rw-r--r--    1 ftp      ftp             8 Jan  1  2020 a file.csv\r\n",
        b"text in\n2 lines\n",
    ]
    assert not any(body.synthetic for body in bodies)


def test_tls() -> None:
    """AUTH and PROT say where TLS begins, and messages say its version; the sizes of TLS records are no sizes."""
    log = """
        * Connected to h.example.com (192.0.2.7) port 21 (#0)
        < 220 Hi
        > AUTH SSL
        < 504 No
        > AUTH TLS
        < 234 Go
        } [5 bytes data]
        * TLSv1.3 (OUT), TLS handshake, Client hello (1):
        * SSL connection using TLSv1.2 / ECDHE-RSA-AES256-GCM-SHA384
        > USER ann
        { [5 bytes data]
        < 331 Password
        > PASS *****
        < 230 In
        > PBSZ 0
        < 200 ok
        > PROT P
        < 200 ok
        > EPSV
        < 229 ok (|||1|)
        > RETR a
        < 150 Go (12 bytes)
        { [5 bytes data]
        < 226 Done
    """
    lines = events_of(imported(log).recording).splitlines()
    assert lines[4:7] == ["> AUTH TLS", "< 234 Go", "* tls TLSv1.2"]
    assert "= down AS 12 generated eof TLSv1.2" in lines
    assert imported(log).recording.header.tls == "explicit"

    implicit = imported("* SSL connection using TLSv1.3 / X\n< 220 Hi\n> USER a\n< 530 No\n").recording
    assert implicit.header.tls == "implicit"
    assert events_of(implicit).splitlines()[:3] == ["* connected", "* tls TLSv1.3", "< 220 Hi"]


def test_a_trace() -> None:
    """`--trace-ascii` has the same dialogue, in rows of 64 bytes, and times."""
    log = """
        05:22:34.817308 == Info: Connected to h.example.com (192.0.2.7) port 21 (#0)
        05:22:34.817308 <= Recv header, 70 bytes (0x46)
        0000: 220 A greeting that is so long that it does not fit into one row
        0040:  of it
        05:22:34.817308 => Send header, 5 bytes (0x5)
        0000: FEAT
        05:22:34.817308 <= Recv header, 14 bytes
        0000: 211-Features
        05:22:34.817308 <= Recv header, 7 bytes
        0000:  SIZE
        05:22:34.817308 <= Recv header, 7 bytes
        0000: 211 End
        05:22:34.817308 => Send header, 6 bytes
        0000: QUIT
        == Info: Closing connection 0
    """
    result = imported(log)
    assert events_of(result.recording).splitlines()[:4] == [
        "* connected",
        "< 220 A greeting that is so long that it does not fit into one row of it",
        "> FEAT",
        "< 211-Features| SIZE|211 End",
    ]
    assert remarks_of(result) == "14 QUIT has no reply in the log: the server sends 221\n"


def test_the_end() -> None:
    """A reset and a connection that ends without a reply are those of the server; a timeout is nothing."""
    for message, end in (
        ("* Recv failure: Connection reset by peer", "* closed server rst"),
        ("curl: (56) response reading failed (errno: 0)", "* closed server eof"),
        (
            "curl: (28) Operation timed out after 3000 milliseconds with 0 out of 0 bytes received",
            "* closed client eof",
        ),
    ):
        result = imported(f"< 220 Hi\n> FEAT\n{message}\n")
        assert events_of(result.recording).splitlines()[2:] == ["> FEAT", end]
        assert "2 FEAT has no reply in the log: the server " in remarks_of(result)
