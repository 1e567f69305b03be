"""Secrets that are named on the command line."""

from __future__ import annotations

import sys

import pytest
import rich_click as click

from ftpfixture.cli.secrets import named_secrets


def test_the_places_of_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value is on the command line, in the environment, or what the user types unseen."""
    monkeypatch.setenv("API_TOKEN", "from the environment")
    monkeypatch.delenv("PIN", raising=False)
    asked = []

    def prompt(text: str, **settings: bool) -> str:
        asked.append((text, settings))
        return "from the user"

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)

    assert named_secrets("--redact", ["customer-name=acme=1", "API_TOKEN", "PIN"]) == {
        "customer_name": "acme=1",
        "api_token": "from the environment",
        "pin": "from the user",
    }
    assert asked == [("PIN", {"hide_input": True, "err": True})]


def test_a_secret_without_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error that says where a value may be."""
    monkeypatch.delenv("PIN", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    for text in ("PIN", "PIN=", "=", ""):
        with pytest.raises(
            click.UsageError, match=r"it has no value; set the environment variable (PIN|NAME), or use "
        ):
            named_secrets("--redact", [text])
