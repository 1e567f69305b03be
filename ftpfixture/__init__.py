"""An in-memory FTP server as a test fixture: real sockets, a log to assert on, and everything to extend."""

from __future__ import annotations

__version__ = "0.1.0"
