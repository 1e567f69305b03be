"""The script without_pytest.py works."""

from __future__ import annotations

import pytest

from examples.without_pytest import main


def test_script(capsys: pytest.CaptureFixture[str]) -> None:
    main()

    printed = capsys.readouterr().out
    assert "> STOR /in/report.csv" in printed
    assert "secret" not in printed
