"""The report as a page and as a picture."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from ftpfixture.sweep.matrix import matrices
from ftpfixture.sweep.outcome import Outcome
from ftpfixture.sweep.page import page, picture

HOSTILE = '"><script>alert(1)</script>&\x00\x1b[31m'
OUTCOMES = [
    Outcome(
        *("t", "RETR.1-command-reset", "RETR.1", "RETR /a", "command-reset", "RETR #1: reset", "failed"),
        dialogue="> RETR",
    ),
    Outcome(
        *("t", "STOR.1-data.half-truncate", "STOR.1", HOSTILE, "data.half-truncate", HOSTILE, "wrong"),
        *("", "", 1, HOSTILE, HOSTILE, HOSTILE),
    ),
]


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_has_each_point_and_loads_nothing() -> None:
    """Each cell leads to its point; no script, no address, whatever was said."""
    text = page(OUTCOMES, {"t": {"same run": 2}}, "Sweep")
    tags = _Tags(text)
    assert not tags.open
    names = [tag for tag, _ in tags.found]
    assert not {"script", "img", "link", "iframe", "object"} & set(names)
    targets = {values["id"] for tag, values in tags.found if tag == "article"}
    links = [str(values["href"]) for tag, values in tags.found if tag == "a"]
    assert sorted(links) == sorted(f"#{target}" for target in targets)
    assert len(links) == len(OUTCOMES)
    assert "http" not in re.sub(r'http-equiv="', "", text)
    assert "2 left out: it is in the middle of a run of equal commands" in text


@pytest.mark.parametrize("title", ["", HOSTILE.replace("\x00\x1b", "")])
def test_a_picture_is_well_formed(title: str) -> None:
    """One coloured cell for each point, and no style or font of others."""
    [matrix] = matrices(OUTCOMES)
    root = ElementTree.fromstring(picture(matrix, title))
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) == 2
    assert "1 failed, 1 wrong" in root.attrib["aria-label"]
