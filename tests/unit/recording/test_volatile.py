"""What changes in every run gets placeholders, and everything else stays as it was sent."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ftpfixture.recording.redact import escape, fill
from ftpfixture.recording.volatile import DEFAULTS, Normalizer, date_values, filled
from tests.support.rows import table

NOW = datetime(2026, 12, 1, 5, 19, 1, tzinfo=UTC).timestamp()
VALUES = {**DEFAULTS, **date_values(NOW)}


def _reply(text: str) -> str:
    lines = text.replace("\n", "\r\n") + "\r\n"
    return Normalizer(NOW, NOW).reply(escape(lines)).removesuffix("\r\n").replace("\r\n", "\n")


@table(
    ("sent", "recorded"),
    [
        (
            "220---------- Welcome to Pure-FTPd [TLS] ----------\n220-You are user number 1 of 50 allowed.\n"
            "220-Local time is now 05:19. Server port: 43911.\n220 You will be disconnected after 15 minutes.",
            "220---------- Welcome to Pure-FTPd [TLS] ----------\n220-You are user number {user_number} of 50 "
            "allowed.\n220-Local time is now {local_time}. Server port: {server_port}.\n220 You will be disconnected "
            "after 15 minutes.",
        ),
        ("150 Connecting to port 38211", "150 Connecting to port {client_port}"),
        (
            "226-File successfully transferred\n226 0.001 seconds (measured here), 960.38 Mbytes per second",
            "226-File successfully transferred\n226 {seconds} seconds (measured here), {rate} per second",
        ),
        (
            "226 1.021 seconds (measured here), 6 bytes per second",
            "226 {seconds} seconds (measured here), {rate} per second",
        ),
        (
            "226 Transfer complete. 4,000 bytes transferred. 3.91 KB/sec.",
            "226 Transfer complete. 4,000 bytes transferred. {rate}/sec.",
        ),
        (
            "220-FTPD1 IBM FTP CS V2R3 at HOST.EXAMPLE, 05:14:22 on 2026-12-01.\n220 Connection will close.",
            "220-FTPD1 IBM FTP CS V2R3 at HOST.EXAMPLE, {time_on_date}.\n220 Connection will close.",
        ),
        (
            "211-FTP server status:\n Connected to: 127.0.0.1:42091\n Logged in as: user\n211 End of status.",
            "211-FTP server status:\n Connected to: 127.0.0.1:{server_port}\n Logged in as: user\n211 End of status.",
        ),
        (
            "211-FTP server status:\n     At session startup, client count was 3\n211 End of status",
            "211-FTP server status:\n     At session startup, client count was {user_number}\n211 End of status",
        ),
        ("213 20261201051900", "213 {date_utc}"),
        ("213 20261201051900.123", "213 {date_utc}.000"),
        ("213 20200913122640", "213 20200913122640"),
        ("213 20280101000000", "213 20280101000000"),
        ("213 99999999999999", "213 99999999999999"),
        (
            "250-Begin\n type=file;size=3;modify=20261201051901;unique=fe00g250297; modify=20261201051901;{a}\n250 .",
            "250-Begin\n type=file;size=3;modify={date_utc};unique=1; modify=20261201051901;{{a}}\n250 .",
        ),
        (
            "213-Status of .:\n -rw-r--r--   1 user     root  3 Dec  1 05:19 Dec  1 05:19\n213 End of status",
            "213-Status of .:\n -rw-r--r--   1 user     root  3 {date_ls} Dec  1 05:19\n213 End of status",
        ),
        (
            "213-Status\n213--rw-r--r--   1 user     root  3 Dec  1 05:19 a\n213 End",
            "213-Status\n213--rw-r--r--   1 user     root  3 {date_ls} a\n213 End",
        ),
        ("200 You are user number 1 of 50 allowed.", "200 You are user number 1 of 50 allowed."),
        ("250 05:19. Server port: 21.", "250 05:19. Server port: 21."),
    ],
)
def test_replies(sent: str, recorded: str) -> None:
    """Only the parts that change are placeholders, and only in the replies of the servers that write them."""
    assert _reply(sent) == recorded


@table(
    ("sent", "recorded"),
    [
        ("-rw-r--r--    1 0        0            4000 Dec 01 05:19 up.bin", "... 0            4000 {date_ls} up.bin"),
        ("-rw-r--r--    1 0        0            4000 Nov 30 23:00 up.bin", "... 0            4000 {date_ls} up.bin"),
        ("-rw-r--r--    1 0        0            4000 Dec  1 19:19 up.bin", "... 0            4000 {date_ls} up.bin"),
        ("-rw-r--r--    1 0        0            4000 Nov 29 23:00 up.bin", None),
        ("-rw-r--r--    1 0        0            4000 Sep 13  2020 up.bin", None),
        ("-rw-r--r--    1 0        0            4000 Dec  1  2026 up.bin", None),
        ("-rw-r--r--    1 0        0            4000 Dez  1 05:19 up.bin", None),
        ("-rw-r--r-- 1 a b 4 2026-12-01 05:19 up.bin", "-rw-r--r-- 1 a b 4 {date_iso} up.bin"),
        ("12-01-26  05:19AM                    4 up.bin", "{date_msdos}                    4 up.bin"),
        ("12-01-2026  05:19AM       <DIR>          in", "{date_msdos_long}       <DIR>          in"),
        ("03-25-26  05:19AM                    4 up.bin", None),
        ("Size=3;Create=20261201051901;Modify=20200913122640; a", "Size=3;Create={date_utc};Modify=20200913122640; a"),
        ("modify=20261201051901.5;UNIX.ownername=A B; a", "modify={date_utc}.0;UNIX.ownername=A B; a"),
        ("drwxr-xr-x  2 a b 4096 Sep 13  2020 Dec  1 05:19 x", None),
        ("drwxr-xr-x  2 a b 4096 Dec  1 05:19 4 Dec  1 05:19 x", "drwxr-xr-x  2 a b 4096 {date_ls} 4 Dec  1 05:19 x"),
        ("lrwxrwxrwx  1 a 1.5K Feb 29 05:19 x", None),
        ("99-99-26  05:19AM                    4 up.bin", None),
        ("up.bin", None),
        ("total 4", None),
        ("", None),
    ],
)
def test_lines_of_listings(sent: str, recorded: str | None) -> None:
    """Dates of a day around the recording, in known formats; on replay the line has its length again."""
    expected = sent if recorded is None else recorded.replace("...", "-rw-r--r--    1 0       ")
    content, has_placeholders = Normalizer(NOW, NOW).listing(sent.encode() + b"\r\n")
    assert (content.decode(), has_placeholders) == (expected + "\r\n", recorded is not None)
    if recorded is not None:
        assert (len(filled(content, VALUES)), len(filled(content))) == (len(sent) + 2,) * 2


def test_a_listing_as_a_whole() -> None:
    """Braces are doubled where there are placeholders only; bytes that are not UTF-8 and other ends of lines stay."""
    row, old = b"-rw-r--r-- 1 a b 4 Dec  1 05:19 {\xff}", b"-rw-r--r-- 1 a b 4 Sep 13  2020 {\xff}"
    normalizer = Normalizer(NOW, NOW)

    assert normalizer.listing(old + b"\n" + old) == (old + b"\n" + old, False)
    assert normalizer.listing(old + b"\n" + row) == (
        b"-rw-r--r-- 1 a b 4 Sep 13  2020 {{\xff}}\n-rw-r--r-- 1 a b 4 {date_ls} {{\xff}}",
        True,
    )
    assert filled(normalizer.listing(old + b"\n" + row)[0], VALUES) == old + b"\n" + row


def test_the_login_is_a_word_of_the_server() -> None:
    """The text of Pure-FTPd is known when its "user" is the login, too."""
    greeting = "220-You are {user} number 3 of 50 allowed.\r\n220 Hi\r\n"
    assert Normalizer(NOW, NOW).reply(greeting) == greeting.replace("3", "{user_number}")


def test_unique_facts_are_numbered() -> None:
    """Equal values have equal numbers, in replies and in listings."""
    normalizer = Normalizer(NOW, NOW)

    listing = b"type=dir;unique=U9; a\r\ntype=pdir;unique=U7; b\r\ntype=file;Unique=U9; unique=U9;\r\n"
    assert normalizer.listing(listing) == (
        b"type=dir;unique=1; a\r\ntype=pdir;unique=2; b\r\ntype=file;Unique=1; unique=U9;\r\n",
        False,
    )
    assert normalizer.reply("250-Begin\r\n unique=U7; /\r\n250 End\r\n") == "250-Begin\r\n unique=2; /\r\n250 End\r\n"


@table(
    ("name", "recorded"),
    [
        ("ftpRL5Lpx", "ftp000001"),
        ("ftpd.vrhf02vs", "ftpd.00000001"),
        ("{a}.txt.irttaejy", "{a}.txt.00000001"),
        ("pureftpd.6b0e6235.e3.0000", "pureftpd.0000000000000001"),
        ("STOU.1", "STOU.1"),
        ("asked.readme12", "asked.readme12"),
    ],
)
def test_names_that_a_server_makes_up(name: str, recorded: str) -> None:
    """Their random part is a number, in the reply to STOU and in everything after it."""
    normalizer = Normalizer(NOW, NOW)

    for line in ("STOU asked.readme12", f"DELE {escape(name)}"):
        assert normalizer.command(line) == line
    for reply in ("150 FILE: {}\r\n", "150-FILE: {}\r\n150 Go\r\n"):
        assert normalizer.reply(reply.format(escape(name))) == reply.format(escape(recorded))
    assert normalizer.command(f"DELE {escape(name)}") == f"DELE {escape(recorded)}"
    assert normalizer.reply(f"250 Deleted {escape(name)}\r\n") == f"250 Deleted {escape(recorded)}\r\n"
    assert normalizer.listing(f"{name}\r\n".encode()) == (f"{recorded}\r\n".encode(), False)
    assert normalizer.reply("150 FILE: ftpAAAAAA\r\n").endswith(" ftp000001\r\n" if recorded == name else "2\r\n")


def test_times_that_a_client_sets() -> None:
    """A recent time is a placeholder in its command, and in all that the server says of it later."""
    normalizer = Normalizer(NOW, NOW)

    assert normalizer.command("MFMT 20261201051700 a") == "MFMT {client_time} a"
    assert normalizer.reply("213 Modify=20261201051700; a\r\n") == "213 Modify={client_time}; a\r\n"
    assert normalizer.reply("213 20261201051700\r\n") == "213 {client_time}\r\n"
    assert normalizer.listing(b"modify=20261201051700; a\r\n") == (b"modify={client_time}; a\r\n", True)
    assert normalizer.command("MFMT 20200913122640 a") == "MFMT 20200913122640 a"
    assert normalizer.command("STOR 20261201051701") == "STOR 20261201051701"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_other_text_stays(text: str) -> None:
    """What no server writes comes back unchanged."""
    assert fill(Normalizer(NOW, NOW).reply(escape(text)), {}) == text
    assert filled(Normalizer(NOW, NOW).listing(text.encode())[0]) in (text.encode(), escape(text).encode())
