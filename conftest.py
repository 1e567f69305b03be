"""For all tests and examples: plugins can be tested, and settings of a plugin that is missing do no harm."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]
pytest.register_assert_rewrite("tests.clients", "tests.support")  # what tests share asserts, too


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Let --strict-config pass what pyproject.toml says to a plugin that only tests need: examples run without it."""
    if not pluginmanager.hasplugin("timeout"):
        parser.addini("timeout", "(pytest-timeout is not installed)")
