"""For all tests and examples: enables pytester, and accepts the ini setting of a plugin that is not installed."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]
pytest.register_assert_rewrite("tests.clients", "tests.support")  # helpers assert, too


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the ini setting of pytest-timeout for --strict-config: the examples run without this plugin."""
    if not pluginmanager.hasplugin("timeout"):
        parser.addini("timeout", "(pytest-timeout is not installed)")
