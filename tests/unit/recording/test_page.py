"""The HTML page of a recording: what is in it, and that it can be read."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files

from ftpfixture.recording.page import page
from tests.support.recordings import LOGIN, recorded
from tests.support.rows import check_rows
from tests.support.shown import HOSTILE, SHOWN

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


class _Reader(HTMLParser):
    """Collects the elements of a page and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_nothing_that_was_sent_is_an_element() -> None:
    """The page has one script, its own, and shows what was sent as text; the title is escaped, too."""
    read = _Reader(page(SHOWN, HOSTILE))

    assert read.tags.count("script") == read.tags.count("style") == 1
    assert "img" not in read.tags
    assert [name for name, _ in read.attributes if name.startswith("on")] == []
    assert {value for name, value in read.attributes if name in ("src", "href")} == {
        "data:,",
        "#session-1",
        "#session-2",
    }
    assert read.text.count(HOSTILE) == 4  # title, heading, command, reply
    assert r"257 \xff\x1b[2J\u202efdp.exe" in read.text
    assert "x" * 9000 in read.text


def test_the_policy_allows_only_the_own_style_and_script() -> None:
    """It names their digests, and nothing else may be loaded or run."""
    [policy] = [value for _, value in _Reader(page(SHOWN, "a")).attributes if value.startswith("default-src")]
    assert re.fullmatch(
        "default-src 'none'; img-src data:; style-src 'sha256-[^ ]+'; script-src 'sha256-[^ ]+'; base-uri 'none'; "
        "form-action 'none'",
        policy,
    )


def test_the_summary() -> None:
    """It has the source, the sessions and what a reader must know of the file."""
    assert "From a real server, through a proxy: 2 sessions, 11 commands, explicit TLS; loose: NOOP." in page(
        SHOWN, "a"
    )
    one = page(recorded(["< 220 Hi", "> NOOP", "< 200 OK"]), "a")
    assert "From a real server, through a proxy: 1 session, 1 command." in one
    assert "<nav" not in one
    assert "The recording has no session." in page(recorded(), "a")


def test_the_same_recording_is_the_same_page() -> None:
    """So a page can be kept beside its recording."""
    assert page(recorded(LOGIN), "a") == page(recorded(LOGIN), "a")


def test_colours_can_be_read() -> None:
    """Every colour of text has enough contrast to both backgrounds, in light and in dark."""
    style = (files("ftpfixture.recording") / "templates" / "page.css").read_text(encoding="utf-8")
    schemes = [dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)]
    assert [len(scheme) for scheme in schemes] == [13, 13]

    def check(row: tuple[str, str, str, str]) -> None:
        _, colour, _, colour_of_back = row
        assert _contrast(colour, colour_of_back) >= LEAST_CONTRAST

    check_rows(
        [
            (name, colour, back, scheme[back])
            for scheme in schemes
            for name, colour in scheme.items()
            for back in ("back", "panel")
            if name not in ("back", "panel", "line")
        ],
        check,
    )


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
