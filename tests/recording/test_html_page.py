"""The HTML page of a recording in Chromium: it renders, its filter works, and no request leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ftpfixture.recording.page import page
from tests.support.chromium import Tab, chromium
from tests.support.recordings import LOGIN, recorded
from tests.support.shown import HOSTILE, SHOWN

EXCHANGES = "Array.from(document.querySelectorAll('.exchange')).filter((one) => one.offsetHeight > 0)"
VISIBLE = f"{EXCHANGES}.map((one) => one.querySelector('.text').textContent)"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A page of a browser."""
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The page of the recording."""
    path = tmp_path / "feed.html"
    path.write_text(page(SHOWN, "feed.ftp.jsonl"), encoding="utf-8")
    return path


def test_it_renders_and_loads_nothing(tab: Tab, file: Path) -> None:
    """All steps are visible; no other address is asked for, no script of a server runs, and no error is logged."""
    tab.open(file)

    assert len(tab.run(VISIBLE)) == 15
    assert tab.run("getComputedStyle(document.querySelector('.rung')).borderLeftWidth") == "2px"
    assert tab.run("document.title") == "feed.ftp.jsonl"
    assert HOSTILE in tab.run("document.querySelector('#session-2').textContent")
    assert tab.requests == [file.as_uri()]
    assert tab.problems == []


def test_the_policy_stops_a_script_that_was_put_in(tab: Tab, file: Path) -> None:
    """If a text was ever not escaped, the browser would not run it."""
    file.write_text(file.read_text(encoding="utf-8").replace("</main>", f"{HOSTILE}</main>"), encoding="utf-8")
    tab.open(file)

    assert tab.run("document.title") == "feed.ftp.jsonl"
    assert tab.requests == [file.as_uri()]
    assert len([problem for problem in tab.problems if "Content Security Policy" in problem]) >= 2


def test_the_filter_is_used_by_keyboard(tab: Tab, file: Path) -> None:
    """The slash goes to it, words are searched in all texts of an exchange, Escape shows all again."""
    tab.open(file)
    tab.type("/retr")
    assert tab.run(VISIBLE) == ["RETR a.csv", f"RETR {HOSTILE}", "RETR long"]
    assert tab.run("document.getElementById('count').textContent") == "3 of 15 exchanges"
    tab.type(" 226")
    assert tab.run(VISIBLE) == ["RETR a.csv", "RETR long"]
    tab.type(" A,B")  # in the content, which is closed
    assert tab.run(VISIBLE) == ["RETR a.csv"]
    assert tab.run("document.getElementById('session-2').hidden") is True
    tab.type("nothing")
    assert tab.run(VISIBLE) == []
    assert tab.run("document.getElementById('none').offsetHeight > 0") is True
    tab.press("Escape")
    assert len(tab.run(VISIBLE)) == 15
    assert tab.run("document.activeElement.id") == "filter"


@pytest.mark.parametrize("width", [320, 1200])
def test_nothing_is_wider_than_the_window(tab: Tab, file: Path, width: int) -> None:
    """A line of 10 000 characters breaks, with all contents open."""
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    tab.open(file)
    tab.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    assert tab.run("document.documentElement.scrollWidth <= window.innerWidth") is True
    assert tab.run(f"{EXCHANGES}.every((one) => one.scrollWidth <= one.clientWidth + 4)") is True


def test_many_commands(tab: Tab, tmp_path: Path) -> None:
    """A session of 2 000 commands is filtered at once."""
    path = tmp_path / "long.html"
    path.write_text(page(recorded(LOGIN + "> NOOP\n< 200 OK\n" * 2000 + "> CWD a\n< 550 No"), "long"), encoding="utf-8")
    tab.open(path)
    tab.type("/550")

    assert tab.run(VISIBLE) == ["CWD a"]
    assert tab.run("document.getElementById('count').textContent") == "1 of 2005 exchanges"
