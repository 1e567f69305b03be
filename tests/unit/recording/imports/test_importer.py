"""Whole logs: their format, what is refused, and what is reported."""

from __future__ import annotations

import pytest

from ftpfixture.errors import ConfigurationError, RecordingError
from ftpfixture.recording.imports.formats import FORMATS
from ftpfixture.recording.imports.importer import import_log
from tests.support.logs import events_of, imported, remarks_of
from tests.support.rows import check_rows


def test_what_is_no_dialogue_is_refused() -> None:
    """The error has the line, and how a useful log is made."""
    rows = {
        "": "log: no line of this log is one of a known format (curl: curl -v; ftplib: ",
        "Hello\nWorld\n": "log: no line of this log is one of a known format (",
        "\n<--- 220 Hi\n<--- 230 In\n": "log:2: this log has no command; a useful one is made by lftp -d",
    }

    def check(row: tuple[str, str]) -> None:
        log, error = row
        with pytest.raises(RecordingError) as caught:
            import_log(log)
        assert str(caught.value).startswith(error)

    check_rows(rows.items(), check)
    with pytest.raises(ConfigurationError, match=r"there is no format 'crul' of logs: did you mean 'curl'\?"):
        import_log("> FEAT", "crul")


def test_sessions_with_and_without_implicit_tls_do_not_go_into_one_recording() -> None:
    """A server has implicit TLS, or not."""
    log = "* SSL connection using TLSv1.3 / X\n< 220 Hi\n> QUIT\n< 221 Bye\n< 220 Hi\n> FEAT\n< 502 No\n"
    with pytest.raises(RecordingError, match="log:1: TLS begins with the connection here, and not in the other"):
        import_log(log)


def test_a_format_that_is_given_counts() -> None:
    """The log may look like another."""
    log = "> FEAT\n< 211-A\n SIZE\n211 End\n"
    assert imported(log).format == "curl"
    assert "< 211-A| SIZE|211 End" in events_of(imported(log, "basic-ftp").recording)
    assert set(FORMATS) == {"curl", "ftplib", "lftp", "filezilla", "winscp", "fluentftp", "basic-ftp"}


def test_lines_that_were_wrapped_are_joined() -> None:
    """A mail program breaks a line where the next word does not fit; a line that is short is not joined."""
    log = """
        < 220 A greeting that is long enough to be wrapped by
        a mail program of old
        > PASV
        < 227 Entering Passive Mode by the order of the server
        (192,0,2,7,4,1)
        > FEAT
        something else
        < 502 No
    """
    result = imported(log)
    assert "< 220 A greeting that is long enough to be wrapped by a mail program of old" in events_of(result.recording)
    assert "< 227 Entering Passive Mode by the order of the server ({address})" in events_of(result.recording)
    assert [line for line in remarks_of(result).splitlines() if "login" not in line] == [
        "2 this line was joined with line 1, which was wrapped",
        "5 this line was joined with line 4, which was wrapped",
        "7 not understood: something else",
    ]


def test_lines_that_are_not_understood_are_reported_together() -> None:
    """One remark has the first of them, with secrets of the log as placeholders."""
    log = "curl -u ann:s3cret! x\nsecond\n< 220 Hi\n> USER ann\n< 331 Go\n> PASS s3cret!\n< 230 In ann\nend\n"
    result = imported(log)
    assert (
        remarks_of(result)
        == "1 not understood: curl -u {user}:{password} x (and 1 more lines)\n8 not understood: end\n"
    )
    assert result.secrets.names == ["password", "user"]
    assert result.recording.header.redacted == ("password", "user")
    assert "s3cret" not in repr(result)


def test_addresses_that_are_masked_or_malformed() -> None:
    """A masked address is one; a reply without any address opens no data connection, and is sent as it is."""

    def check(row: tuple[str, str, str]) -> None:
        command, reply, expected = row
        result = imported(f"< 220 Hi\n> USER a\n< 230 In\n> {command}\n< {reply}\n", "curl")
        assert events_of(result.recording).splitlines()[4:6] == expected.split("\n")

    check_rows(
        [
            ("PASV", "227 ok (91,220,XXX,XXX,201,133)", "> PASV passive\n< 227 ok ({address})"),
            ("PASV", "227 ok (***,**,*,*,7,8).", "> PASV passive\n< 227 ok ({address})."),
            ("PASV", "227 ok (xxxxxxxxxx)", "> PASV passive\n< 227 ok ({address})"),
            ("PASV", "227 ok 1,2,3,4,5,6", "> PASV passive\n< 227 ok {address}"),
            ("PASV", "227 Entering Passive Mode (", "> PASV\n< 227 Entering Passive Mode ("),
            ("PASV", "502 No", "> PASV\n< 502 No"),
            ("EPSV", "229 ok (|||*****|)", "> EPSV passive\n< 229 ok (|||{port}|)"),
            ("EPSV", "227 ok (1,2,3,4,5,6)", "> EPSV passive\n< 227 ok ({address})"),
            ("EPSV ALL", "200 ok", "> EPSV ALL\n< 200 ok"),
            ("PORT 1,2,3,4,5,6", "200 ok", "> PORT {address} active\n< 200 ok"),
            ("EPRT |1|192.0.2.1|5000|", "200 ok", "> EPRT |1|{host}|{port}| active\n< 200 ok"),
        ],
        check,
    )


def test_braces_and_empty_replies() -> None:
    """Braces of the dialogue are doubled; the space behind the code of an empty reply is there."""
    result = imported("< 220\n> USER {x}\n< 331 {x}\n> PASS {y}\n< 230\n", "curl")
    assert events_of(result.recording).splitlines()[1:-1] == [
        "< 220 ",
        "> USER {user}",
        "< 331 {user}",
        "> PASS {password}",
        "< 230 ",
    ]
