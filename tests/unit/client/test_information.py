"""Queries to the server, and the next best command when the server lacks one."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ftpfixture import Client, FileHash, FtpServer, ReplySyntaxError, StatusCodeError
from ftpfixture.client.hashes import HASHES
from tests.support.scripted import TYPE_I, Step, epsv, receive, send, talk, transfer

NOOP: list[Step] = ["NOOP", b"200 fine\r\n"]
WHEN = datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)


def facts(line: str) -> list[Step]:
    """A reply to MLST f."""
    return ["MLST f", f"250-x\r\n {line} f\r\n250 End\r\n".encode()]


# FEAT.


@pytest.mark.parametrize(
    ("reply", "features"),
    [
        (b"211-Have:\r\n SIZE\r\n MLST type*;size*;\r\n211 End\r\n", {"SIZE": "", "MLST": "type*;size*;"}),
        (b"211-Features:\r\nsize\r\n  mdtm\r\n211-EPSV\r\n211 End\r\n", {"SIZE": "", "MDTM": "", "EPSV": ""}),
        (b"211-x\r\n AUTH TLS\r\n AUTH SSL\r\n211 End\r\n", {"AUTH": "TLS;SSL"}),
        (b"211-x\r\n AUTH\r\n AUTH SSL\r\n211 End\r\n", {"AUTH": "SSL"}),
        (b"211-x\r\n HASH SHA-256*;MD5\r\n TVFS \r\n211 End\r\n", {"HASH": "SHA-256*;MD5", "TVFS": ""}),
        (b"211 no features\r\n", {}),
        (b"211-x\r\n211 End\r\n", {}),
        (b"211-x\r\n 211 odd\r\n 500 strange\r\n211 End\r\n", {"211": "odd", "500": "strange"}),
        (b"211-x\r\n\r\n SIZE\r\n  \r\n211 End\r\n", {"SIZE": ""}),
        (b"500 what?\r\n", {}),
        (b"502 no\r\n", {}),
        (b"504 no\r\n", {}),
    ],
)
async def test_features(reply: bytes, features: dict[str, str]) -> None:
    """Names are in upper case, with their parameters; a server without FEAT has none."""
    async with talk("FEAT", reply) as client:
        assert await client.features() == features


async def test_features_refused() -> None:
    """A server that requires a login first does not have an empty list of features."""
    async with talk("FEAT", b"530 log in first\r\n") as client:
        with pytest.raises(StatusCodeError, match="530"):
            await client.features()


# Small queries.


async def test_noop_system_and_status() -> None:
    """The replies to SYST and STAT are returned as text."""
    async with talk(
        *NOOP,
        *("SYST", b"215 UNIX Type: L8 \r\n", "SYST", b"215-\r\n215  other \r\n", "SYST", b"502 no\r\n"),
        *("STAT", b"211-all\r\n is\r\n211-well\r\n211 End\r\n", "STAT f", b"213-x\r\n -rw-r--r-- f \r\n213 End\r\n"),
        *("STAT", b"450 no\r\n"),
    ) as client:
        await client.noop()
        assert [await client.system(), await client.system()] == ["UNIX Type: L8", "other"]
        with pytest.raises(StatusCodeError, match="502"):
            await client.system()
        assert await client.stat_server() == ["all", "is", "well", "End"]
        assert await client.stat_server("f") == ["x", "-rw-r--r-- f", "End"]
        with pytest.raises(StatusCodeError, match="450"):
            await client.stat_server()


# SIZE.


@pytest.mark.parametrize(
    ("reply", "size"), [(b"213 12\r\n", 12), (b"213 0\r\n", 0), (b"213  12 bytes\r\n", 12), (b"213-x\r\n213 7\r\n", 7)]
)
async def test_size(reply: bytes, size: int) -> None:
    """SIZE is sent in type I, the type of downloads."""
    async with talk(*TYPE_I, "SIZE f", reply, "SIZE f", reply) as client:
        assert [await client.size("f"), await client.size("f")] == [size, size]


async def test_size_of_a_missing_file() -> None:
    """A missing file is an error, and so is a reply without a number, which the error shows."""
    async with talk(*TYPE_I, "SIZE f", b"550 no\r\n", "SIZE f", b"213 what\r\n", *NOOP) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.size("f")
        with pytest.raises(ReplySyntaxError, match=r"^the reply to SIZE lacks the expected value: \[' what'\]$"):
            await client.size("f")
        await client.noop()


@pytest.mark.parametrize("sent", ["-1", "1" * 21, "x"])
async def test_no_size_in_the_reply(sent: str) -> None:
    """A number that cannot be a size is an error, and no part of it is taken for one, in SIZE and in MLST."""
    async with talk(
        *(*TYPE_I, "SIZE f", f"213 {sent}\r\n".encode()), "SIZE f", b"502 no\r\n", *facts(f"type=file;size={sent};")
    ) as client:
        for verb in ("SIZE", "MLST"):
            with pytest.raises(ReplySyntaxError, match=f"the reply to {verb} lacks the expected value: .*{sent}"):
                await client.size("f")


async def test_no_size() -> None:
    """A server without SIZE is asked with MLST; when that has no size, or no file, the refusal is raised."""
    no_size: list[Step] = ["SIZE f", b"502 no\r\n"]
    async with talk(
        *TYPE_I,
        *(*no_size, *facts("type=file;size=12;")),
        *(*no_size, *facts("type=file;size=;")),
        *(*no_size, *facts("type=file;")),
        *(*no_size, *facts("type=dir;size=4096;")),
        *(*no_size, "MLST f", b"550 no\r\n"),
    ) as client:
        assert await client.size("f") == 12
        for _ in range(3):
            with pytest.raises(StatusCodeError, match="Waiting for 213 but got 502"):
                await client.size("f")
        with pytest.raises(StatusCodeError, match="550"):
            await client.size("f")


async def test_no_type() -> None:
    """A server without TYPE I is asked with MLST."""
    async with talk("TYPE I", b"504 no\r\n", *facts("type=file;size=12;")) as client:
        assert await client.size("f") == 12


async def test_other_codes_than_the_usual_ones() -> None:
    """Where the text or the next reply proves the meaning, every 2xx is accepted; otherwise it is an error."""
    async with talk(
        *("SYST", b"200 VMS OpenVMS V8.4\r\n", "FEAT", b"200-x\r\n MDTM\r\n200 End\r\n"),
        *("PWD", b'250 "/a" is current\r\n', "MDTM f", b"250 20010909014640\r\n"),
        *("TYPE I", b"250 ok\r\n", "SIZE f", b"200 12\r\n", "SIZE f", b"250 12 files\r\n", "MDTM f", b"200 ok\r\n"),
        *("RNFR a", b"250 go\r\n", "RNTO b", b"250 ok\r\n", "RNFR a", b"250 go\r\n", "RNTO b", b"503 no\r\n"),
        *("SYST", b"500 no\r\n", "PWD", b"331 log in\r\n", "RNFR a", b"450 no\r\n"),
    ) as client:
        assert await client.system() == "VMS OpenVMS V8.4"
        assert await client.features() == {"MDTM": ""}
        assert str(await client.get_current_directory()) == "/a"
        assert await client.modified("f") == WHEN
        assert await client.size("f") == 12
        for call in (client.size, client.modified):
            with pytest.raises(ReplySyntaxError, match="lacks the expected value"):
                await call("f")
        await client.rename("a", "b")
        with pytest.raises(StatusCodeError, match="503"):
            await client.rename("a", "b")
        for attempt, usual in (
            (client.system(), "215"),
            (client.get_current_directory(), "257"),
            (client.rename("a", "b"), "350"),
        ):
            with pytest.raises(StatusCodeError, match=f"Waiting for {usual} but got"):
                await attempt


# Times.


@pytest.mark.parametrize("sent", ["20010909014640", "20010909014640.123", "=20010909014640 ok"])
async def test_modified(sent: str) -> None:
    """MDTM reports a time in UTC."""
    async with talk("MDTM f", f"213 {sent}\r\n".encode()) as client:
        found = await client.modified("f")
    assert found.replace(microsecond=0) == WHEN
    assert found.tzinfo is UTC


async def test_modified_of_a_missing_file() -> None:
    """A missing file is an error, and so is a reply without a time."""
    async with talk("MDTM f", b"550 no\r\n", "MDTM f", b"213 yesterday\r\n") as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.modified("f")
        with pytest.raises(ReplySyntaxError, match="the reply to MDTM lacks the expected value"):
            await client.modified("f")


@pytest.mark.parametrize("sent", ["20011309014640", "191010909014640", "191001112102030", "2001090901464", "x"])
async def test_no_time_in_the_reply(sent: str) -> None:
    """An impossible day, the year 19101 and a truncated time are errors that show it, in MDTM and in MLST."""
    async with talk(
        *("MDTM f", f"213 {sent}\r\n".encode(), "MDTM f", b"502 no\r\n", *facts(f"type=file;modify={sent};"))
    ) as client:
        for verb in ("MDTM", "MLST"):
            with pytest.raises(ReplySyntaxError, match=f"the reply to {verb} lacks the expected value: .*{sent}"):
                await client.modified("f")


async def test_an_impossible_second() -> None:
    """A second that no datetime can express is the same error."""
    async with talk("MDTM f", b"213 99991231235960\r\n") as client:
        with pytest.raises(ReplySyntaxError, match="99991231235960"):
            await client.modified("f")


async def test_no_mdtm() -> None:
    """A server without MDTM is asked with MLST; when that has no time, the refusal is raised."""
    async with talk(
        *("MDTM f", b"500 no\r\n", *facts("type=file;modify=20010909014640;")),
        *("MDTM f", b"500 no\r\n", *facts("type=file;")),
    ) as client:
        assert await client.modified("f") == WHEN
        with pytest.raises(StatusCodeError, match="Waiting for 213 but got 500"):
            await client.modified("f")


@pytest.mark.parametrize(
    "when",
    [
        WHEN,
        WHEN.replace(tzinfo=None),
        WHEN.astimezone(timezone(timedelta(hours=-7))),
        1_000_000_000,
        1_000_000_000.9,
    ],
)
async def test_set_modified(when: datetime | float) -> None:
    """A time is set in UTC, to the second; a time without a time zone is taken as UTC."""
    async with talk("MFMT 20010909014640 f", b"213 Modify=20010909014640; f\r\n") as client:
        await client.set_modified("f", when)


async def test_no_mfmt() -> None:
    """For a server without MFMT the client sends the time with MDTM; any other refusal is an error."""
    async with talk(
        *("MFMT 20010909014640 f", b"502 no\r\n", "MDTM 20010909014640 f", b"253 ok\r\n"),
        *("MFMT 20010909014640 f", b"500 no\r\n", "MDTM 20010909014640 f", b"550 no\r\n"),
        *("MFMT 20010909014640 f", b"550 no\r\n"),
    ) as client:
        await client.set_modified("f", WHEN)
        for _ in range(2):
            with pytest.raises(StatusCodeError, match="550"):
                await client.set_modified("f", WHEN)


# Hashes.


def feat(*lines: str) -> list[Step]:
    """A reply to FEAT."""
    return ["FEAT", "".join(["211-x\r\n", *(f" {line}\r\n" for line in lines), "211 End\r\n"]).encode()]


SHA256 = "0123456789abcdef" * 4
MD5 = "0123456789abcdef" * 2


async def test_hash() -> None:
    """The client chooses the strongest common algorithm with OPTS, and returns the digest in lower case."""
    async with talk(
        *(*feat("HASH CRC32;SHA-256*;MD5;WHIRLPOOL"), *TYPE_I, "OPTS HASH SHA-256", b"200 SHA-256\r\n"),
        *("HASH f", f"213 SHA-256 0-11 {SHA256.upper()} f\r\n".encode()),
    ) as client:
        found = await client.hash("f")
    assert found == FileHash("SHA-256", SHA256) == ("SHA-256", SHA256)


@pytest.mark.parametrize("name", ["MD5", "md5"])
async def test_hash_of_choice(name: str) -> None:
    """The caller can choose an algorithm, in any case."""
    async with talk(
        *(*feat("HASH SHA-256*;MD5"), *TYPE_I, "OPTS HASH MD5", b"200 MD5\r\n", "HASH f", f"213 {MD5}\r\n".encode())
    ) as client:
        assert await client.hash("f", name) == ("MD5", MD5)


async def test_unknown_algorithm() -> None:
    """An unknown algorithm is an error that lists the known ones, and nothing is sent."""
    async with talk() as client:
        with pytest.raises(ValueError, match=r"^algorithm takes one of SHA-512, SHA-256, SHA-1, MD5, CRC32, not "):
            await client.hash("f", "SHA-3")


@pytest.mark.parametrize(("algorithm", "digits", "verb"), [(name, *rest) for name, rest in HASHES.items()])
async def test_older_commands(algorithm: str, digits: int, verb: str) -> None:
    """Servers without HASH may have a command for each algorithm; every digest has its own length."""
    digest = "A" * digits
    async with talk(*feat(verb), *TYPE_I, f"{verb} f", f"250 {digest}\r\n".encode()) as client:
        assert await client.hash("f") == (algorithm, digest.lower())


async def test_the_strongest_of_the_older_commands() -> None:
    """Of several commands in FEAT, the strongest is sent; a HASH without the chosen algorithm is not used."""
    async with talk(
        *(*feat("XCRC", "XMD5", "XSHA1"), *TYPE_I, "XSHA1 f", b"250 " + b"b" * 40 + b"\r\n"),
        *(*feat("HASH SHA-1", "XMD5"), "XMD5 f", f"250 {MD5}\r\n".encode()),
        *(*feat("XCRC", "XMD5"), "XMD5 f", f"250 {MD5}\r\n".encode()),
    ) as client:
        assert (await client.hash("f")).algorithm == "SHA-1"
        assert await client.hash("f", "MD5") == ("MD5", MD5)
        assert (await client.hash("f")).algorithm == "MD5"


@pytest.mark.parametrize(("algorithm", "verb"), [(None, "XCRC"), ("SHA-256", "XSHA256")])
async def test_no_hash_at_all(algorithm: str | None, verb: str) -> None:
    """An algorithm that FEAT does not list is tried anyway, and the refusal is raised."""
    async with talk("FEAT", b"502 no\r\n", *TYPE_I, f"{verb} f", b"502 no\r\n", *NOOP) as client:
        with pytest.raises(StatusCodeError, match="502"):
            await client.hash("f", algorithm)
        await client.noop()


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("CRC32 0-12345678 DEADBEEF f", "deadbeef"),
        ("CRC32 0-12345678 12345679 f", "12345679"),
        ("CRC32 0-1234567 DEADBEEF cafecafe", "deadbeef"),
        ("CRC32 123456789 DEADBEEF", "deadbeef"),
        ("DEADBEEF cafecafe", "deadbeef"),
        (" f=deadbeef", "deadbeef"),
        ("xdeadbeef deadbeefs deadbee1", "deadbee1"),
    ],
)
async def test_the_place_of_a_digest(text: str, digest: str) -> None:
    """A digest has the right length, and is no part of another word or range."""
    async with talk(*feat("XCRC"), *TYPE_I, "XCRC f", f"250 {text}\r\n".encode()) as client:
        assert await client.hash("f") == ("CRC32", digest)


async def test_a_digest_at_the_end_of_a_line() -> None:
    """A digest may be in any line of a reply, and ends at the end of the line."""
    async with talk(*feat("XCRC"), *TYPE_I, "XCRC f", b"250-f DEADBEEF\r\n250 done\r\n") as client:
        assert await client.hash("f") == ("CRC32", "deadbeef")


async def test_no_digest() -> None:
    """A reply without a digest of the right length is an error that shows it; a refused OPTS is an error too."""
    async with talk(
        *(*feat("XMD5"), *TYPE_I, "XMD5 f", b"250 cafe\r\n"),
        *(*feat("HASH MD5"), "OPTS HASH MD5", b"504 no\r\n", *NOOP),
    ) as client:
        with pytest.raises(ReplySyntaxError, match=r"^the reply to XMD5 lacks the expected value: \[' cafe'\]$"):
            await client.hash("f")
        with pytest.raises(StatusCodeError, match="504"):
            await client.hash("f")
        await client.noop()


# NLST.


async def test_nlst() -> None:
    """Names are returned as the server sends them, in type A, without the directory and its parent."""
    replies: list[Step] = [b"150 x\r\n", send(b"a\r\n.\r\n..\r\nb c \r\n\r\n/d/e\n\xc3\xbc\xe9"), b"226 x\r\n"]
    async with talk(
        *("TYPE A", b"200 ok\r\n", epsv, "NLST", *replies),
        *(epsv, "NLST /d", *replies),
    ) as client:
        for path in ("", "/d"):
            assert await client.nlst(path) == ["a", "b c ", "/d/e", "ü\udce9"]


@pytest.mark.parametrize("replies", [[b"450 none\r\n", receive(b"")], [b"150 here\r\n", send(b""), b"450 none\r\n"]])
async def test_nlst_of_an_empty_directory(replies: list[Step]) -> None:
    """A reply 450 means that there are no names, as first reply or as final reply."""
    async with talk("TYPE A", b"200 ok\r\n", epsv, "NLST", *replies, *NOOP) as client:
        assert await client.nlst() == []
        await client.noop()


async def test_nlst_refused() -> None:
    """Any other refusal is an error."""
    async with talk("TYPE A", b"200 ok\r\n", epsv, "NLST x", b"550 no\r\n", receive(b""), *NOOP) as client:
        with pytest.raises(StatusCodeError, match="550"):
            await client.nlst("x")
        await client.noop()


async def test_encoding_of_names() -> None:
    """Names are decoded with the client's encoding."""
    script = transfer("NLST", send(b"\xfc\r\n"))

    async with talk("TYPE A", b"200 ok\r\n", *script, encoding="latin-1") as client:
        assert await client.nlst() == ["ü"]


# On our own server.


@pytest.mark.ftp(files={"/d/f": b"123456789"})
async def test_on_our_own_server(ftp_client: Client, ftp_server: FtpServer) -> None:
    """Every query succeeds on our own server."""
    ftp_server.files.set("/d/f", b"123456789", modified=1_000_000_000)

    assert await ftp_client.size("/d/f") == 9
    assert await ftp_client.modified("/d/f") == WHEN
    assert await ftp_client.hash("/d/f", "CRC32") == ("CRC32", "cbf43926")
    assert await ftp_client.nlst("/d") in (["f"], ["/d/f"])
    await ftp_client.set_modified("/d/f", 5)
    assert ftp_server.files.stat("/d/f").modified == 5


CONTENT = b"what is in it"
DIGESTS = {
    "SHA-512": hashlib.sha512(CONTENT).hexdigest(),
    "SHA-256": hashlib.sha256(CONTENT).hexdigest(),
    "SHA-1": hashlib.sha1(CONTENT).hexdigest(),
    "MD5": hashlib.md5(CONTENT).hexdigest(),
    "CRC32": f"{zlib.crc32(CONTENT):08x}",
}


@pytest.mark.parametrize("disable", [[], ["HASH"], ["HASH", "FEAT"]])
@pytest.mark.parametrize("algorithm", HASHES)
async def test_every_hash(ftp_server_factory: Callable[..., FtpServer], algorithm: str, disable: list[str]) -> None:
    """Every algorithm gives the right digest: with HASH, with its own command, and without FEAT."""
    server = ftp_server_factory(files={"/f": CONTENT}, disable=disable)
    async with Client.context(*server.address, *server.credentials) as client:
        assert await client.hash("/f", algorithm.lower()) == (algorithm, DIGESTS[algorithm])
        with pytest.raises(StatusCodeError, match="550"):
            await client.hash("/none", algorithm)


@pytest.mark.parametrize(
    ("disable", "algorithm"),
    [
        ([], "SHA-512"),
        (["HASH"], "SHA-512"),
        (["HASH", "XSHA512", "XSHA256"], "SHA-1"),
        (["HASH", "XSHA512", "XSHA256", "XSHA1", "XMD5"], "CRC32"),
    ],
)
async def test_the_strongest_hash(
    ftp_server_factory: Callable[..., FtpServer], disable: list[str], algorithm: str
) -> None:
    """Without a choice the strongest available algorithm is used."""
    server = ftp_server_factory(files={"/f": CONTENT}, disable=disable)
    async with Client.context(*server.address, *server.credentials) as client:
        assert await client.hash("/f") == (algorithm, DIGESTS[algorithm])


@pytest.mark.parametrize("disable", [["SIZE", "MDTM"], ["SIZE", "MDTM", "MLST"], ["SIZE", "MDTM", "MLST", "MLSD"]])
async def test_the_next_best_command(ftp_server_factory: Callable[..., FtpServer], disable: list[str]) -> None:
    """Size and time are found without SIZE and MDTM, in the end with LIST; a directory has no size."""
    server = ftp_server_factory(files={"/d/f": CONTENT}, disable=disable)
    server.files.set("/d/f", CONTENT, modified=1_000_000_000 - 1_000_000_000 % 86400)
    async with Client.context(*server.address, *server.credentials) as client:
        assert await client.size("/d/f") == len(CONTENT)
        assert await client.modified("/d/f") == WHEN.replace(hour=0, minute=0, second=0)
        with pytest.raises(StatusCodeError, match="Waiting for 213 but got 50"):
            await client.size("/d")
        for call in (client.size, client.modified):
            with pytest.raises(StatusCodeError, match="550"):
                await call("/d/none")


async def test_a_listing_without_times(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """When nothing reports a time, the refusal of MDTM is raised."""
    server = ftp_server_factory(files={"/f": CONTENT}, disable=["MDTM", "MLST"])
    async with Client.context(*server.address, *server.credentials) as client:
        with pytest.raises(StatusCodeError, match="Waiting for 213 but got 50"):
            await client.modified("/")


@pytest.mark.parametrize("disable", [[], ["MFMT"]])
async def test_setting_times(ftp_server_factory: Callable[..., FtpServer], disable: list[str]) -> None:
    """Times are set with MFMT, or with MDTM when that is missing."""
    server = ftp_server_factory(files={"/a b": CONTENT}, disable=disable)
    async with Client.context(*server.address, *server.credentials) as client:
        await client.set_modified("/a b", WHEN)
        assert await client.modified("/a b") == WHEN
    assert server.files.stat("/a b").modified == WHEN.timestamp()


@pytest.mark.ftp(disable=["MFMT", "MDTM"], files={"/f": b""})
async def test_times_that_cannot_be_set(ftp_client: Client) -> None:
    """When both commands are missing, the last refusal is raised."""
    with pytest.raises(StatusCodeError, match="Waiting for 2xx but got 50"):
        await ftp_client.set_modified("/f", WHEN)


@pytest.mark.ftp(files={"/d/f": b"", "/d/a b": b"", "/d/e/": None})
async def test_names_on_our_own_server(ftp_client: Client) -> None:
    """Names are relative to the current directory, or have the requested directory before them."""
    await ftp_client.change_directory("/d")
    assert await ftp_client.nlst() == ["a b", "e", "f"]
    assert await ftp_client.nlst("/d") == ["/d/a b", "/d/e", "/d/f"]
    assert await ftp_client.nlst("e") == []
    with pytest.raises(StatusCodeError, match="550"):
        await ftp_client.nlst("none")
    async with ftp_client.download_stream("f") as stream:
        assert await stream.read() == b""  # the type is I again


@pytest.mark.ftp(files={"/d/f": b"1"})
async def test_features_system_and_status_of_our_own_server(ftp_client: Client) -> None:
    """Features, system and status are reported; the status of a path lists it."""
    features = await ftp_client.features()
    assert features["REST"] == "STREAM"
    assert features["SIZE"] == ""
    assert "SHA-256" in features["HASH"]
    assert await ftp_client.system() == "UNIX Type: L8"
    assert "Logged in as user" in await ftp_client.stat_server()
    first, line, last = await ftp_client.stat_server("/d")
    assert (first, line[-2:], last) == ("Status of /d", " f", "End of status")
    await ftp_client.noop()


@pytest.mark.ftp(disable=["FEAT", "SYST"])
async def test_a_server_without_feat_and_syst(ftp_client: Client) -> None:
    """Without FEAT there are no features; without SYST the refusal is raised."""
    assert await ftp_client.features() == {}
    with pytest.raises(StatusCodeError, match="Waiting for 215 but got 50"):
        await ftp_client.system()
