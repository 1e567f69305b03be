"""Dialogues from public bug reports become servers that give curl and ftplib the same reply codes.

The logs in `dialogues` have the lines of the protocol as they were posted; names of people and hosts were replaced.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ftpfixture import FtpServer
from ftpfixture.recording.imports.importer import import_log
from ftpfixture.recording.steps import tracks_of
from ftpfixture.recording.store import Recording
from tests.support.dialogues import curl_plays, exchanges_of, for_curl, ftplib_plays

FOLDER = Path(__file__).parent / "dialogues"

DIALOGUES = {
    "Downloads.jl-73": ("JuliaLang/Downloads.jl#73", "curl", "229", []),
    "curl-13084": ("curl/curl#13084", "curl", "227", ["13 not understood: . (and 2 more lines)"]),
    "mina-ftpserver-29": ("apache/mina-ftpserver#29", "curl", "", []),
    "raven-python-1367": (
        "getsentry/raven-python#1367",
        "ftplib",
        "234",
        ["6 not understood: '220 Microsoft FTP Service'", "18 not understood: OSError: [Errno 0] Error"],
    ),
    "lftp-184": ("lavv17/lftp#184", "lftp", "", []),
    "lftp-346": (
        "lavv17/lftp#346",
        "lftp",
        "200",
        ["12 not understood: copy: put kehrte zu 245760 zurück, suche entsprechendes get"],
    ),
    "lftp-513": ("lavv17/lftp#513", "lftp", "", ["1 not understood: lcd ok, cwd local=/"]),
    "ftpii-114": ("joedj/ftpii#114", "filezilla", "150", []),
    "ftp-cloudfs-46": ("cloudfs/ftp-cloudfs#46", "filezilla", "421", ["23 not understood: After a few seconds:"]),
    "ftp-srv-102": ("QuorumDMS/ftp-srv#102", "filezilla", "", []),
    "Far-NetBox-256": ("michaellukashov/Far-NetBox#256", "winscp", "226", []),
    "FluentFTP-264": ("robinrodricks/FluentFTP#264", "fluentftp", "", []),
    "FluentFTP-431": ("robinrodricks/FluentFTP#431", "fluentftp", "502", []),
    "basic-ftp-164": ("patrickjuchli/basic-ftp#164", "basic-ftp", "227", []),
    "basic-ftp-262": (
        "patrickjuchli/basic-ftp#262",
        "basic-ftp",
        "530",
        ["18 not understood: FTPError: 530 Login incorrect."],
    ),
}
"""The thread, the program that wrote the log, the last reply code ("" for none), and the lines that are none."""


def _recording(name: str) -> Recording:
    return import_log((FOLDER / f"{name}.txt").read_bytes()).recording


def test_every_dialogue_is_in_the_table() -> None:
    """And every row has its file."""
    assert sorted(DIALOGUES) == sorted(path.stem for path in FOLDER.glob("*.txt"))


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_is_imported(name: str) -> None:
    """The program is detected, the last command has the code that the log ends with, and nothing is lost silently."""
    _, kind, last, lines = DIALOGUES[name]
    result = import_log((FOLDER / f"{name}.txt").read_bytes())
    assert result.format == kind
    assert [f"{remark.line} {remark.text}" for remark in result.remarks if "not understood" in remark.text] == lines
    codes = exchanges_of(tracks_of(result.recording)[-1])[-1][1]
    assert "".join(codes[-1:]) == last


@pytest.mark.illegal_replies
@pytest.mark.parametrize("name", DIALOGUES)
def test_ftplib_gets_the_same_codes(name: str) -> None:
    """Each session on its own connection; where the log ends, the server waits or closes as it says."""
    recording = _recording(name)
    tracks = tracks_of(recording)
    with FtpServer(recording=recording, hang_after=None) as server:
        got = [ftplib_plays(server, track) for track in tracks]
    assert got == [exchanges_of(track) for track in tracks]


@pytest.mark.illegal_replies
@pytest.mark.parametrize("name", DIALOGUES)
def test_curl_gets_the_same_codes(name: str, tmp_path: Path) -> None:
    """Commands that curl does not send of itself are its quotes; those that it sends of itself are loose."""
    recording = for_curl(_recording(name))
    tracks = tracks_of(recording)[:-1]
    with FtpServer(recording=recording, hang_after=None, allow_unplayed=True) as server:
        got = [curl_plays(server, track, tmp_path) for track in tracks]
    assert got == [exchanges_of(track) for track in tracks]
