"""``--ftp-advice``: advice on the sessions of each test, at the end of a run.

One rule: advice never changes whether a test passes.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ftpfixture.testing.reports import servers_of

_PROPERTY = "ftp_advice"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that shows advice."""
    text = "show what the FTP sessions of each test could do better, and what their round trips cost over a distance"
    parser.getgroup("ftp").addoption("--ftp-advice", action="store_true", default=False, help=text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the advice on the sessions of a test to its report, which pytest-xdist passes from worker to main process."""
    report = yield
    if call.when == "call" and item.config.getoption("--ftp-advice"):
        for server, name in servers_of(item):
            if server.log.forgotten:
                text = f"{name}: no advice, because the log has forgotten {server.log.forgotten} commands (log_limit)"
                report.user_properties.append((_PROPERTY, text))
            elif server.log.commands:
                texts = [str(one) for one in server.log.advice()]
                report.user_properties.append((_PROPERTY, f"{name}: {server.log.round_trips()}"))
                report.user_properties += [(_PROPERTY, text) for text in texts]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the advice, test by test."""
    if not terminalreporter.config.getoption("--ftp-advice"):
        return
    terminalreporter.section("FTP advice")
    reports = [one for some in terminalreporter.stats.values() for one in some if isinstance(one, pytest.TestReport)]
    lines = [(one.nodeid, [str(text) for name, text in one.user_properties if name == _PROPERTY]) for one in reports]
    shown = [(node, texts) for node, texts in sorted(lines) if texts]
    for node, texts in shown:
        terminalreporter.write_line(node)
        for text in texts:
            for line in text.splitlines():
                terminalreporter.write_line(f"    {line}")
    if not shown:
        terminalreporter.write_line("no test sent a command to a server of the fixtures")
