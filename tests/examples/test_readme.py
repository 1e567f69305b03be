"""README.md is short, and has the commands that .ci/run takes from it."""

from __future__ import annotations

import re
import tomllib

from tests.support.documentation import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_set_up_commands() -> None:
    """The two commands are one line each, and use an extra that exists."""
    lines = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert lines == [
        "python -m pip install -e . && python -m pytest examples\n",
        'python -m pip install -e ".[test]" && python -m pytest\n',
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"test", "docs"} <= set(project["optional-dependencies"])


def test_length() -> None:
    """It can be read in a few minutes; longer text is in docs."""
    assert len(README.splitlines()) <= 250
