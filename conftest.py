"""For all tests and examples: plugins can be tested, and settings of plugins that are missing do no harm."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

_SETTINGS = {"asyncio": ("asyncio_mode", "asyncio_default_fixture_loop_scope"), "timeout": ("timeout",)}


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Let --strict-config pass what pyproject.toml says to plugins that only tests need: examples run without them."""
    for plugin, names in _SETTINGS.items():
        if not pluginmanager.hasplugin(plugin):
            for name in names:
                parser.addini(name, f"(pytest-{plugin} is not installed)")
