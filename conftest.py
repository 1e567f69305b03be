"""Nothing is set here for the tests as a whole, but that plugins can be tested: see `tests/plugin`."""

from __future__ import annotations

pytest_plugins = ["pytester"]
