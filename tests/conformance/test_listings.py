"""Listings where naive servers go wrong: text of LIST, flags, patterns, NLST, MLSx facts, time zones."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path

import pytest

from ftpfixture import FtpServer, Permission, User
from ftpfixture.files.disk import PathIO
from ftpfixture.log.events import ReplySent
from tests.support.raw import RawClient

NOW = 1_750_000_000.0  # Sunday, 15 June 2025, 15:06:40 UTC
HOUR = 3600
DAY = 86400


def frozen() -> float:
    """A stopped clock."""
    return NOW


def lines_of(raw: RawClient, line: str) -> list[str]:
    """The lines of a listing."""
    codes, data = raw.fetch(line)
    assert codes == ["150", "226"]
    *lines, last = data.decode().split("\r\n")
    assert last == ""
    return lines


def names_of(raw: RawClient, line: str) -> list[str]:
    """The last words of a LIST; for names without spaces."""
    return [text.rpartition(" ")[2] for text in lines_of(raw, line)]


def facts_of(line: str) -> tuple[dict[str, str], str]:
    """Facts, by their names in lower case, and name of a line of MLSD or MLST."""
    facts, space, name = line.partition(" ")
    assert space
    assert facts == "" or facts.endswith(";")
    pairs = [fact.split("=", 1) for fact in facts.split(";")[:-1]]
    return {key.lower(): value for key, value in pairs}, name


def mlsd(raw: RawClient, argument: str = "") -> dict[str, dict[str, str]]:
    """The facts of MLSD by name, without the directory itself and its parent."""
    found = [facts_of(line) for line in lines_of(raw, f"MLSD {argument}".rstrip())]
    return {name: facts for facts, name in found if facts.get("type") not in ("cdir", "pdir")}


def mlst(raw: RawClient, argument: str) -> dict[str, str]:
    """The facts of MLST."""
    reply = raw.ask(f"MLST {argument}")
    assert reply.code == "250"
    return facts_of(reply.lines[1].removeprefix(" "))[0]


# 31. LIST.


@pytest.mark.ftp(clock=frozen)
def test_31_line_of_a_file(raw: RawClient, ftp_server: FtpServer) -> None:
    """The Unix form is: mode, links, owner, group, size, date, name."""
    ftp_server.files.set("/a.txt", b"12345", modified=NOW - HOUR, mode=0o640, owner="ann", group="staff")
    (line,) = lines_of(raw, "LIST")
    assert re.fullmatch(r"-rw-r----- +1 ann +staff +5 Jun 15 14:06 a\.txt", line)


@pytest.mark.ftp(clock=frozen, files={"/d/": None})
def test_31_line_of_a_directory(raw: RawClient) -> None:
    """A directory begins with a d."""
    (line,) = lines_of(raw, "LIST")
    assert re.fullmatch(r"d[rwx-]{9} +\d+ \S+ +\S+ +\d+ [A-Z][a-z]{2} [ \d]\d (\d\d:\d\d| \d{4}) d", line)


@pytest.mark.ftp(clock=frozen, files={"/a.txt": b"12345"})
def test_31_line_of_a_link(raw: RawClient, ftp_server: FtpServer) -> None:
    """A link begins with an l and shows its target."""
    ftp_server.files.symlink("/link", "/a.txt")
    line = lines_of(raw, "LIST")[1]
    assert line.startswith("l")
    assert line.endswith(" link -> /a.txt")


@pytest.mark.parametrize("base", [".", "/"])
@pytest.mark.parametrize("target", ["a.txt", "../d/a.txt", "nowhere", "/d/a.txt"])
def test_31_link_shows_its_target(ftp_server_factory: Callable[..., FtpServer], base: str, target: str) -> None:
    """A relative target is shown unchanged, an absolute one as the user's path, with any spelling of the base."""
    server = ftp_server_factory(users=[User("user", "password", base_path=base)], files={"/d/a.txt": b"12345"})
    server.files.symlink("/d/link", target)
    with RawClient(server.address) as client:
        assert lines_of(client.login(), "LIST d")[1].endswith(f" link -> {target}")


def test_31_link_hides_the_base(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """A target below the user's base is shown without it."""
    server = ftp_server_factory(users=[User("user", "password", base_path="/home/user")], files={"/home/user/d/": None})
    server.files.symlink("/home/user/link", "/home/user/d")
    with RawClient(server.address) as client:
        assert lines_of(client.login(), "LIST")[1].endswith(" link -> /d")


def test_31_link_hides_a_base_that_is_a_link(ftp_server_factory: Callable[..., FtpServer], tmp_path: Path) -> None:
    """It also works if the base itself is reached through a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_bytes(b"12345")
    (tmp_path / "base").symlink_to("real")
    users = [User("user", "password", base_path=tmp_path / "base")]
    with RawClient(ftp_server_factory(path_io_factory=PathIO, users=users).address) as client:
        assert client.login().code("SITE SYMLINK a.txt link") == "200"
        assert lines_of(client, "LIST")[1].endswith(" link -> /a.txt")


@pytest.mark.ftp(clock=frozen)
@pytest.mark.parametrize(
    ("age", "date"),
    [
        (0, "Jun 15 15:06"),
        (DAY, "Jun 14 15:06"),
        (10 * DAY, "Jun  5 15:06"),
        (15 * HOUR, "Jun 15 00:06"),
        (170 * DAY, "Dec 27 15:06"),
        (190 * DAY, "Dec  7  2024"),
        (365 * DAY, "Jun 15  2024"),
        (9000 * DAY, "Oct 24  2000"),
        (-2 * DAY, "Jun 17  2025"),
        (-365 * DAY, "Jun 15  2026"),
    ],
)
def test_31_hour_for_new_files_year_for_old_ones(raw: RawClient, ftp_server: FtpServer, age: int, date: str) -> None:
    """Files of the last half year show the hour, older ones and those of the future the year; days get a space."""
    ftp_server.files.set("/a.txt", b"12345", modified=NOW - age)
    (line,) = lines_of(raw, "LIST")
    assert line.endswith(f" 5 {date} a.txt")


@pytest.mark.ftp(clock=frozen)
@pytest.mark.parametrize("name", ["two words", " leading", "trailing ", "a  b", "-> x", "umläut"])
def test_31_name_follows_exactly_one_space(raw: RawClient, ftp_server: FtpServer, name: str) -> None:
    """Spaces belong to the name: it begins one space after the date and ends with the line."""
    ftp_server.files.set(f"/{name}", b"", modified=NOW)
    (line,) = lines_of(raw, "LIST")
    assert line.endswith(f"Jun 15 15:06 {name}")


@pytest.mark.parametrize(
    ("style", "pattern"),
    [
        ("msdos", r"06-15-25  02:06PM +5 a\.txt"),
        ("msdos4", r"06-15-2025  02:06PM +5 a\.txt"),
        ("eplf", r"\+(\w[^,\t]*,)*\ta\.txt"),
        ("unix", r"-.* 5 Jun 15 14:06 a\.txt"),
        ("full-iso", r"-rw-.* 5 2025-06-15 14:06:\d\d\.\d{9} \+0000 a\.txt"),
        ("unix-de", r"-rw-.* 5 15\. Jun 14:06 a\.txt"),
        ("unix-fr", r"-rw-.* 5 15 juin 14:06 a\.txt"),
        ("unix-ru", r"-rw-.* 5 июн 15 14:06 a\.txt"),
        ("netware", r"- \[RWCEAFMS\] ftp +5 Jun 15 14:06 a\.txt"),
        ("os2", r" +5 +A 06-15-25 14:06  a\.txt"),
        ("os400", r"FTP +5 06/15/25 14:06:\d\d \*STMF +a\.txt"),
        ("vxworks", r" +5 +JUN-15-2025  14:06:\d\d   a\.txt"),
    ],
)
def test_31_list_styles_of_a_file(ftp_server_factory: Callable[..., FtpServer], style: str, pattern: str) -> None:
    """The setting list_style chooses the format of LIST."""
    server = ftp_server_factory(list_style=style, clock=frozen)
    server.files.set("/a.txt", b"12345", modified=NOW - HOUR)
    with RawClient(server.address) as client:
        (line,) = lines_of(client.login(), "LIST")
    assert re.fullmatch(pattern, line)


@pytest.mark.parametrize(
    ("style", "pattern"),
    [
        ("msdos", r"\d\d-\d\d-\d\d  \d\d:\d\d[AP]M +<DIR> +d d"),
        ("msdos4", r"\d\d-\d\d-\d{4}  \d\d:\d\d[AP]M +<DIR> +d d"),
        ("eplf", r"\+(\w[^,\t]*,)*/,(\w[^,\t]*,)*\td d"),
        ("full-iso", r"drwx.* d d"),
        ("unix-de", r"drwx.* d d"),
        ("netware", r"d \[RWCEAFMS\] ftp .* d d"),
        ("os2", r" +0 +DIR \d\d-\d\d-\d\d +\d+:\d\d  d d"),
        ("os400", r"FTP .* \*DIR +d d/"),
        ("vxworks", r".*   d d +<DIR>"),
    ],
)
def test_31_list_styles_of_a_directory(ftp_server_factory: Callable[..., FtpServer], style: str, pattern: str) -> None:
    """Directories are marked as each style requires."""
    server = ftp_server_factory(list_style=style, files={"/d d/": None})
    with RawClient(server.address) as client:
        (line,) = lines_of(client.login(), "LIST")
    assert re.fullmatch(pattern, line)


@pytest.mark.parametrize(
    ("style", "files", "shown"),
    [
        (
            "vms",
            {"/NOTES.TXT;3": b"12345" * 300, "/TOOLS/": None, "/A_LONG_NAME_OF_A_FILE.DAT;1": b""},
            [
                "A_LONG_NAME_OF_A_FILE.DAT;1",
                "                             0/0  15-JUN-2025 15:06:40  [FTP]  (RWED,RWED,RE,)",
                "NOTES.TXT;3                  3/3  15-JUN-2025 15:06:40  [FTP]  (RWED,RWED,RE,)",
                "TOOLS.DIR;1                  0/0  15-JUN-2025 15:06:40  [FTP]  (RWED,RWED,RE,)",
            ],
        ),
        (
            "mvs",
            {"/MIA.LETTERS": b"12345", "/MIA.SOURCE/": None},
            [
                "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname",
                "FTP001 3390   2025/06/15  1    1  FB      80 27920  PS  MIA.LETTERS",
                "FTP001 3390   2025/06/15  1    1  FB      80 27920  PO  MIA.SOURCE",
            ],
        ),
        (
            "pds",
            {"/PAYROLL": b"1" * 81},
            [
                " Name     VV.MM   Created       Changed      Size  Init   Mod   Id",
                " PAYROLL   01.00 2025/06/15 2025/06/15 15:06     2     2     0 FTP",
            ],
        ),
        ("pds", {}, [" Name     VV.MM   Created       Changed      Size  Init   Mod   Id"]),
    ],
)
def test_31_lists_of_other_systems(
    ftp_server_factory: Callable[..., FtpServer], style: str, files: dict[str, bytes | None], shown: list[str]
) -> None:
    """Entries on two lines, and a heading, which a directory without files has, too; a refusal has none."""
    server = ftp_server_factory(list_style=style, files=files, clock=frozen)
    with RawClient(server.address) as client:
        assert [line.rstrip() for line in lines_of(client.login(), "LIST")] == shown
        assert client.code("LIST missing") == "550"


@pytest.mark.ftp(list_style="eplf", clock=frozen)
def test_31_eplf_facts(raw: RawClient, ftp_server: FtpServer) -> None:
    """EPLF has the size, the time in POSIX seconds, and whether a file can be retrieved."""
    ftp_server.files.set("/a.txt", b"12345", modified=NOW)
    (line,) = lines_of(raw, "LIST")
    facts = line.removeprefix("+").partition("\t")[0].split(",")
    assert {"s5", f"m{NOW:.0f}", "r"} <= set(facts)


@pytest.mark.ftp(list_style="msdos", clock=frozen)
@pytest.mark.parametrize(("hours", "time"), [(15, "12:06AM"), (14, "01:06AM"), (3, "12:06PM"), (2, "01:06PM")])
def test_31_msdos_has_twelve_hours(raw: RawClient, ftp_server: FtpServer, hours: int, time: str) -> None:
    """Midnight is 12 AM and noon is 12 PM."""
    ftp_server.files.set("/a.txt", b"", modified=NOW - hours * HOUR)
    (line,) = lines_of(raw, "LIST")
    assert line.startswith(f"06-15-25  {time} ")


@pytest.mark.ftp(files={"/b.txt": b"", "/a.txt": b"", "/c/": None, "/c/deep.txt": b""})
def test_31_every_entry_once(raw: RawClient) -> None:
    """LIST shows the children of the directory and nothing else."""
    assert names_of(raw, "LIST") == ["a.txt", "b.txt", "c"]
    assert names_of(raw, "LIST /c") == ["deep.txt"]


@pytest.mark.ftp(files={"/d/a.txt": b"12345"}, clock=frozen)
def test_31_list_of_a_file_is_its_line(raw: RawClient) -> None:
    """LIST of a file shows that file."""
    (line,) = lines_of(raw, "LIST /d/a.txt")
    assert re.fullmatch(r"-.* 5 .*a\.txt", line)


@pytest.mark.ftp(files={"/a.txt": b"12345", "/d/": None})
def test_31_stat_shows_the_lines_of_list(raw: RawClient) -> None:
    """STAT with a path is LIST on the control connection, each line indented by a space."""
    reply = raw.ask("STAT /")
    assert reply.code == "212"
    assert [line.removeprefix(" ") for line in reply.lines[1:-1]] == lines_of(raw, "LIST /")


# 32. Flags.

TREE = {"/top.txt": b"", "/.dot": b"", "/d/in.txt": b"", "/d/.hid": b"", "/d/e/deep.txt": b""}


@pytest.mark.ftp(files=TREE)
@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", ["d", "top.txt"]),
        (" -l", ["d", "top.txt"]),
        (" -1", ["d", "top.txt"]),
        (" -CF", ["d", "top.txt"]),
        (" -a", [".dot", "d", "top.txt"]),
        (" -la", [".dot", "d", "top.txt"]),
        (" -al", [".dot", "d", "top.txt"]),
        (" -l -a", [".dot", "d", "top.txt"]),
        (" -a -l /d", [".hid", "e", "in.txt"]),
        (" -l /d", ["e", "in.txt"]),
        (" -la d", [".hid", "e", "in.txt"]),
        (" -a ./d", [".hid", "e", "in.txt"]),
    ],
)
def test_32_flags_before_the_path(raw: RawClient, words: str, names: list[str]) -> None:
    """Words that begin with "-" are flags: -a shows dot files, others have no effect."""
    assert names_of(raw, f"LIST{words}") == names
    assert [name.rpartition("/")[2] for name in lines_of(raw, f"NLST{words}")] == names


@pytest.mark.ftp(files=TREE)
def test_32_recursion(raw: RawClient) -> None:
    """LIST -R is recursive, with a heading above each directory and an empty line between them."""
    lines = lines_of(raw, "LIST -R")
    heads = [line for line in lines if line.endswith(":")]
    assert [head.rstrip(":").removeprefix("./").strip("/") for head in heads] == [".", "d", "d/e"]
    assert [line.rpartition(" ")[2] for line in lines if line and line not in heads] == [
        "d",
        "top.txt",
        "e",
        "in.txt",
        "deep.txt",
    ]
    assert lines.count("") == 2


@pytest.mark.ftp(files={"/-l/in.txt": b"", "/out.txt": b"", "/-l/.dot": b""})
def test_32_path_that_exists_wins_over_a_flag(raw: RawClient) -> None:
    """A directory with the name of a flag can be listed."""
    assert lines_of(raw, "NLST -l") == ["-l/in.txt"]
    assert names_of(raw, "LIST -l") == ["in.txt"]
    assert lines_of(raw, "NLST -a -l") == ["-l/.dot", "-l/in.txt"]
    assert lines_of(raw, "NLST -a") == ["-l", "out.txt"]


@pytest.mark.ftp(files={"/-l": b"flag", "/-a b": b"two"})
def test_32_flags_are_names_elsewhere(raw: RawClient, ftp_server: FtpServer) -> None:
    """RETR, SIZE, DELE and MLSD have no flags."""
    assert raw.fetch("RETR -l") == (["150", "226"], b"flag")
    assert raw.fetch("RETR -a b") == (["150", "226"], b"two")
    assert raw.ask("SIZE -l").text == "4"
    assert raw.fetch("MLSD -a") == (["550"], b"")
    assert raw.store("STOR -R", b"x") == ["150", "226"]
    assert raw.code("DELE -l") == "250"
    assert ftp_server.files == {"/-a b": b"two", "/-R": b"x"}


@pytest.mark.ftp(files={"/a.txt": b""})
@pytest.mark.parametrize("line", ["LIST -l missing", "NLST -a missing", "LIST missing", "NLST missing", "LIST a.txt/x"])
def test_32_missing_path_after_flags_is_550(raw: RawClient, line: str) -> None:
    """A missing path is 550 without a preliminary reply, with flags or without."""
    assert raw.fetch(line) == (["550"], b"")


# 33. Patterns.

GLOBBED = {
    "/a.txt": b"",
    "/b.txt": b"",
    "/c.bin": b"",
    "/.hid.txt": b"",
    "/d/x.txt": b"",
    "/d/y.bin": b"",
    "/e/x.txt": b"",
}


@pytest.mark.ftp(files=GLOBBED)
@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.txt", ["a.txt", "b.txt"]),
        ("?.bin", ["c.bin"]),
        ("[ab].txt", ["a.txt", "b.txt"]),
        ("[!a].txt", ["b.txt"]),
        ("/*.txt", ["/a.txt", "/b.txt"]),
        ("d/*.txt", ["d/x.txt"]),
        ("*/x.txt", ["d/x.txt", "e/x.txt"]),
        ("[de]/*", ["d/x.txt", "d/y.bin", "e/x.txt"]),
        (".*.txt", [".hid.txt"]),
    ],
)
def test_33_patterns_in_list_and_nlst(raw: RawClient, pattern: str, names: list[str]) -> None:
    """LIST and NLST accept *, ? and [...] in every part of a path; dot files need a dot."""
    assert lines_of(raw, f"NLST {pattern}") == names
    assert [text.rpartition(" ")[2].rpartition("/")[2] for text in lines_of(raw, f"LIST {pattern}")] == [
        name.rpartition("/")[2] for name in names
    ]


@pytest.mark.ftp(files=GLOBBED)
@pytest.mark.parametrize("line", ["NLST *.zip", "LIST *.zip", "NLST nowhere/*", "LIST a.txt/*"])
def test_33_pattern_without_match_is_550(raw: RawClient, line: str) -> None:
    """A pattern without a match is like a missing path."""
    assert raw.fetch(line) == (["550"], b"")


@pytest.mark.ftp(files={"/a[1].txt": b"brackets", "/a1.txt": b"plain", "/*.txt": b"star"})
def test_33_name_that_exists_wins_over_the_pattern(raw: RawClient) -> None:
    """A file whose name looks like a pattern is found by its name."""
    assert lines_of(raw, "NLST a[1].txt") == ["a[1].txt"]
    assert lines_of(raw, "NLST *.txt") == ["*.txt"]
    assert raw.fetch("RETR *.txt")[1] == b"star"


@pytest.mark.ftp(files=GLOBBED)
@pytest.mark.parametrize(
    "line",
    [
        "MLSD ?",
        "MLSD *",
        "MLST *.txt",
        "RETR a.*",
        "RETR ?.txt",
        "SIZE c.*",
        "MDTM c.*",
        "DELE *.txt",
        "DELE c.*",
        "RMD d*",
        "CWD d*",
        "RNFR c.*",
        "APPE no/*",
    ],
)
def test_33_no_patterns_elsewhere(raw: RawClient, ftp_server: FtpServer, line: str) -> None:
    """All other commands take names literally, so that DELE * deletes nothing."""
    codes, _ = raw.fetch(line)
    assert codes in (["550"], ["553"])
    assert ftp_server.files == GLOBBED


@pytest.mark.ftp(files=GLOBBED)
def test_33_stored_star_is_a_star(raw: RawClient, ftp_server: FtpServer) -> None:
    """STOR makes a file of exactly that name."""
    assert raw.store("STOR *.txt", b"x") == ["150", "226"]
    assert ftp_server.files == {**GLOBBED, "/*.txt": b"x"}


# 34. NLST.


@pytest.mark.ftp(files={"/d/x.txt": b"x", "/d/two words": b"2", "/f.txt": b"f"})
@pytest.mark.parametrize(
    ("directory", "line", "names"),
    [
        ("/", "NLST d", ["d/two words", "d/x.txt"]),
        ("/", "NLST d/", ["d/two words", "d/x.txt"]),
        ("/", "NLST /d", ["/d/two words", "/d/x.txt"]),
        ("/", "NLST ./d", ["./d/two words", "./d/x.txt"]),
        ("/d", "NLST", ["two words", "x.txt"]),
        ("/d", "NLST .", ["two words", "x.txt"]),
        ("/d", "NLST /d", ["/d/two words", "/d/x.txt"]),
        ("/d", "NLST ../d", ["../d/two words", "../d/x.txt"]),
        ("/d", "NLST ../f.txt", ["../f.txt"]),
        ("/", "NLST f.txt", ["f.txt"]),
        ("/", "NLST d/*", ["d/two words", "d/x.txt"]),
    ],
)
def test_34_names_can_be_retrieved(raw: RawClient, directory: str, line: str, names: list[str]) -> None:
    """NLST names files so that RETR finds them from the same working directory."""
    assert raw.code(f"CWD {directory}") == "250"
    assert lines_of(raw, line) == names
    for name in names:
        assert raw.fetch(f"RETR {name}")[0] == ["150", "226"]


@pytest.mark.ftp(files={"/d/": None})
def test_34_empty_directory_is_226(raw: RawClient) -> None:
    """An empty listing is no error."""
    assert raw.fetch("NLST /d") == (["150", "226"], b"")


@pytest.mark.ftp(files={"/sub/x": b""})
def test_34_no_dots_in_nlst(raw: RawClient) -> None:
    """The directory itself and its parent are not listed, not with -a either."""
    assert lines_of(raw, "NLST -a sub") == ["sub/x"]
    assert names_of(raw, "LIST -a sub") == ["x"]


# 35. MLSx.


@pytest.mark.ftp(files={"/d/": None})
def test_35_facts_of_a_file(raw: RawClient, ftp_server: FtpServer) -> None:
    """MLSD has type, size, modify, perm, unique, mode, owner and group."""
    ftp_server.files.set("/d/a.txt", b"12345", modified=NOW, mode=0o640, owner="ann", group="staff")
    facts = mlsd(raw, "/d")["a.txt"]
    assert facts["type"] == "file"
    assert facts["size"] == "5"
    assert facts["modify"] == "20250615150640"
    assert set(facts["perm"]) == set("adfrw")
    assert facts["unique"]
    assert facts["unix.mode"] in ("0640", "640")
    assert (facts["unix.owner"], facts["unix.group"]) == ("ann", "staff")


@pytest.mark.ftp(files={"/a": b"1", "/b": b"1", "/d/": None})
def test_35_unique_differs_between_files(raw: RawClient) -> None:
    """The fact unique differs between files, and is equal in every command, also after a rename."""
    facts = mlsd(raw)
    values = [facts[name]["unique"] for name in ("a", "b", "d")]
    assert len(set(values)) == 3
    assert mlst(raw, "/a")["unique"] == values[0]
    assert raw.code("RNFR /a") == "350"
    assert raw.code("RNTO /d/c") == "250"
    assert mlst(raw, "/d/c")["unique"] == values[0]


@pytest.mark.ftp(files={"/d/e/": None, "/d/a.txt": b""})
def test_35_directory_and_parent(raw: RawClient) -> None:
    """MLSD lists the directory itself and its parent, once each, by type; the root has no parent."""
    types = [facts_of(line)[0]["type"] for line in lines_of(raw, "MLSD /d")]
    assert sorted(types) == ["cdir", "dir", "file", "pdir"]
    types = [facts_of(line)[0]["type"] for line in lines_of(raw, "MLSD /")]
    assert sorted(types) == ["cdir", "dir"]


@pytest.mark.ftp(files={"/d/e/": None, "/d/a.txt": b""})
def test_35_directory_and_parent_need_the_type_fact(raw: RawClient) -> None:
    """Without the type fact a client could not distinguish them from entries, so they are left out."""
    assert raw.code("OPTS MLST size;modify;") == "200"
    assert [facts_of(line)[1] for line in lines_of(raw, "MLSD /d")] == ["a.txt", "e"]


@pytest.mark.ftp(files={"/.hid": b"", "/a;b=c; d": b"", "/ lead": b"", "/trail ": b""})
def test_35_names_may_hold_anything(raw: RawClient) -> None:
    """The name begins after the first space and ends with the line, and names are never paths."""
    assert set(mlsd(raw)) == {".hid", "a;b=c; d", " lead", "trail "}


@pytest.mark.ftp(files={"/a.txt": b"12345"})
def test_35_facts_are_well_formed(raw: RawClient) -> None:
    """Each fact is name=value and a semicolon, without spaces; the names are those of FEAT."""
    feature = next(line for line in raw.ask("FEAT").lines if line.startswith(" MLST "))
    offered = feature.removeprefix(" MLST ").replace("*", "").split(";")[:-1]
    facts = next(line.partition(" ")[0] for line in lines_of(raw, "MLSD") if line.endswith(" a.txt"))
    assert re.fullmatch(r"([A-Za-z][\w.-]*=[^;= ]*;)+", facts)
    assert {fact.partition("=")[0] for fact in facts.split(";")[:-1]} <= set(offered)


@pytest.mark.ftp(files={"/d/a.txt": b"12345"})
@pytest.mark.parametrize(
    ("directory", "line", "name"),
    [
        ("/", "MLST /d/a.txt", "/d/a.txt"),
        ("/d", "MLST a.txt", "/d/a.txt"),
        ("/", "MLST d", "/d"),
        ("/d", "MLST", "/d"),
        ("/", "MLST", "/"),
        ("/d", "MLST ..", "/"),
    ],
)
def test_35_mlst_is_one_indented_line(
    raw: RawClient, ftp_server: FtpServer, directory: str, line: str, name: str
) -> None:
    """The reply to MLST is 250- with one line in between, which begins with one space and has the full path."""
    assert raw.code(f"CWD {directory}") == "250"
    reply = raw.ask(line)
    assert (reply.code, len(reply.lines)) == ("250", 3)
    sent = [event.raw for event in ftp_server.log.events if isinstance(event, ReplySent)][-1]
    assert re.fullmatch(rb"250-[^\r\n]*\r\n [^ \r\n]+; [^\r\n]+\r\n250 [^\r\n]*\r\n", sent)
    assert facts_of(reply.lines[1].removeprefix(" "))[1] == name


@pytest.mark.ftp(files={"/a.txt": b"12345", "/d/": None})
@pytest.mark.parametrize(("path", "kind"), [("/a.txt", "file"), ("/d", "dir"), ("/", "dir")])
def test_35_mlst_has_no_cdir(raw: RawClient, path: str, kind: str) -> None:
    """Types cdir and pdir are for MLSD."""
    assert mlst(raw, path)["type"] == kind


@pytest.mark.ftp(files={"/a.txt": b"12345"})
@pytest.mark.parametrize(
    ("chosen", "answer"),
    [
        (" type;size;", "type;size;"),
        (" SIZE;Type;", "type;size;"),
        (" modify;", "modify;"),
        (" size;nonsense;", "size;"),
        (" nonsense;", ""),
        ("", ""),
    ],
)
def test_35_opts_mlst_chooses_facts(raw: RawClient, chosen: str, answer: str) -> None:
    """OPTS MLST names what it chose; the stars of FEAT, MLST and MLSD follow, unknown facts are dropped."""
    reply = raw.ask(f"OPTS MLST{chosen}")
    assert reply.code == "200"
    assert reply.text.startswith("MLST OPTS")
    wanted = set(answer.split(";")) - {""}
    assert set(reply.text.removeprefix("MLST OPTS").strip().lower().split(";")) - {""} == wanted
    feature = next(line for line in raw.ask("FEAT").lines if line.startswith(" MLST "))
    offered = feature.removeprefix(" MLST ").split(";")[:-1]
    assert {fact.removesuffix("*").lower() for fact in offered if fact.endswith("*")} == wanted
    assert {"type", "size", "modify", "perm", "unique"} <= {fact.removesuffix("*") for fact in offered}
    assert set(mlst(raw, "/a.txt")) == wanted
    assert set(mlsd(raw)["a.txt"]) == wanted


@pytest.mark.ftp(files={"/a.txt": b"12345"})
@pytest.mark.parametrize("line", ["OPTS MLST type", "OPTS MLST type; size;", "OPTS MLST  type;"])
def test_35_malformed_opts_mlst_changes_nothing(raw: RawClient, line: str) -> None:
    """A malformed selection is 501, and the old one stays."""
    assert raw.code("OPTS MLST size;") == "200"
    assert raw.code(line) == "501"
    assert set(mlst(raw, "/a.txt")) == {"size"}


@pytest.mark.ftp(files={"/a.txt": b"12345"})
def test_35_rein_resets_the_facts(raw: RawClient) -> None:
    """The selection belongs to the session before REIN."""
    before = set(mlst(raw, "/a.txt"))
    assert raw.code("OPTS MLST") == "200"
    assert raw.code("REIN") == "220"
    assert raw.code("USER user") == "331"
    assert raw.code("PASS password") == "230"
    assert set(mlst(raw, "/a.txt")) == before


@pytest.mark.ftp(files={"/a.txt": b"12345"})
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("MLSD /a.txt", "501"),
        ("MLSD /missing", "550"),
        ("MLSD /a.txt/x", "550"),
        ("MLST /missing", "550"),
        ("MLST /a.txt/x", "550"),
    ],
)
def test_35_what_mlsx_refuses(raw: RawClient, line: str, code: str) -> None:
    """MLSD of a file is 501, of a missing path 550."""
    assert raw.fetch(line) == ([code], b"")


@pytest.mark.parametrize(
    ("rights", "of_dir", "of_file"),
    [
        ({}, "cdeflmp", "adfrw"),
        ({"writable": False}, "el", "r"),
        ({"writable": False, "create": True}, "cel", "r"),
        ({"writable": False, "append": True}, "el", "ar"),
        ({"writable": False, "overwrite": True}, "el", "rw"),
        ({"writable": False, "delete": True}, "delp", "dr"),
        ({"writable": False, "rename": True}, "efl", "fr"),
        ({"writable": False, "mkdir": True}, "elm", "r"),
        ({"writable": False, "list": False}, "e", "r"),
    ],
)
def test_35_perm_has_the_rights(
    ftp_server_factory: Callable[..., FtpServer], rights: dict[str, bool], of_dir: str, of_file: str
) -> None:
    """The fact perm has a letter for each right, and no others."""
    permissions = [Permission(), Permission("/d", **rights)]
    server = ftp_server_factory(
        users=[User("user", "password", base_path="/", permissions=permissions)],
        files={"/d/sub/": None, "/d/a.txt": b""},
    )
    with RawClient(server.address) as client:
        client.login()
        assert sorted(mlst(client, "/d/sub")["perm"]) == sorted(of_dir)
        assert sorted(mlst(client, "/d/a.txt")["perm"]) == sorted(of_file)


# 36. Time zones.

TOKYO = timezone(timedelta(hours=9))
NEWFOUNDLAND = timezone(timedelta(hours=-2, minutes=-30))


@pytest.mark.parametrize(
    ("zone", "date"), [(TOKYO, "Jun 16 00:06"), (NEWFOUNDLAND, "Jun 15 12:36"), (UTC, "Jun 15 15:06")]
)
def test_36_list_is_local_and_the_rest_is_utc(
    ftp_server_factory: Callable[..., FtpServer], zone: tzinfo, date: str
) -> None:
    """LIST shows the server's zone; MDTM and the fact modify are UTC, always."""
    server = ftp_server_factory(timezone=zone, clock=frozen)
    server.files.set("/a.txt", b"", modified=NOW)
    with RawClient(server.address) as client:
        client.login()
        (line,) = lines_of(client, "LIST")
        assert line.endswith(f" {date} a.txt")
        assert client.ask("MDTM /a.txt").text == "20250615150640"
        assert mlst(client, "/a.txt")["modify"] == "20250615150640"
        assert mlsd(client)["a.txt"]["modify"] == "20250615150640"


def test_36_set_times_are_utc(ftp_server_factory: Callable[..., FtpServer]) -> None:
    """MFMT takes UTC, too, with any zone of the server."""
    server = ftp_server_factory(timezone=TOKYO, files={"/a.txt": b""})
    with RawClient(server.address) as client:
        client.login()
        assert client.code("MFMT 20250615150640 /a.txt") == "213"
    assert server.files.stat("/a.txt").modified == NOW


@pytest.mark.ftp(clock=lambda: 86400.0 * 365)
def test_36_stored_files_get_the_time_of_the_servers_clock(raw: RawClient, ftp_server: FtpServer) -> None:
    """Uploaded and initial files have the time of the setting `clock`, in MDTM and LIST."""
    assert raw.store("STOR a.txt", b"a") == ["150", "226"]
    ftp_server.files["/b.txt"] = b"b"
    assert [raw.ask("MDTM a.txt").text, raw.ask("MDTM b.txt").text] == ["19710101000000"] * 2
    assert b"Jan  1 00:00" in raw.fetch("LIST")[1]


def test_35_the_root_can_be_neither_removed_nor_renamed(raw: RawClient) -> None:
    """The perm fact of the root has no d and no f, since RMD and RNFR refuse it."""
    assert "perm=celmp;" in raw.ask("MLST /").lines[1]
    assert [raw.code("RMD /"), raw.code("RNFR /")] == ["550", "550"]
