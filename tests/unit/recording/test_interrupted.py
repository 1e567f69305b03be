"""What a recording keeps of a session that goes on."""

from __future__ import annotations

from ftpfixture.recording.format import Command, Data, Line, Note, Reply
from ftpfixture.recording.interrupted import whole
from tests.support.rows import table


def _line(text: str) -> Line:
    sign, _, rest = text.partition(" ")
    match sign:
        case ">":
            return Command(session=1, text=rest)
        case "<":
            return Reply(session=1, lines=(rest,))
        case "=":
            return Data(session=1, direction="down", number=1, type="I", size=0, sha256="", text="", end="eof")
        case _:
            return Note(session=1, what="connected")


@table(
    ("begin", "rest"),
    [
        ("* |< 220 ", ""),
        ("* |< 220 |> NOOP|< 200 ", ""),
        ("* |< 220 ", "> NOOP"),
        ("> RETR a|< 150 |= |< 226 ", ""),
        ("> RETR a|< 150 |< 226 |= ", ""),
        ("> NOOP|< 200 ", "> RETR a"),
        ("> NOOP|< 200 ", "> RETR a|< 150 "),
        ("> NOOP|< 200 ", "> RETR a|< 150 |= "),
        ("> NOOP|< 200 ", "> RETR a|< 150 |< 226 "),  # an early 226
        ("> RETR a|< 550 |> NOOP|< 200 ", ""),
        ("> RETR a|< 150 |< 425 ", ""),  # no data connection
        ("> RETR a|< 150 |< 425 |> NOOP|< 200 ", "> LIST|< 150 "),
        ("> PWD|< 257 ", "> RETR a|< 150 |> STAT|< 211 "),
        ("> PWD|< 257 |> RETR a|< 150 |> STAT|< 211 |= |< 226 ", ""),
        ("> RETR a|< 150 |> ABOR|= |< 426 |< 226 ", ""),
        ("", "> RETR a|< 150 |> ABOR|< 426 "),
        ("> PWD|< 257 ", "> NOOP|> NOOP|< 200 "),  # pipelined: what follows is not kept either
        ("> NOOP|< 200 |< 421 ", ""),
    ],
)
def test_commands_are_kept_with_all_that_was_done_for_them(begin: str, rest: str) -> None:
    """The lines after the first command without its final reply or its data are dropped."""
    lines = [_line(text) for text in f"{begin}|{rest}".split("|") if text]

    assert whole(lines) == [_line(text) for text in begin.split("|") if text]
