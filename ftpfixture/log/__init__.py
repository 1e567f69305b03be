"""The dialogue that really took place: events, the records made from them, and assertions on both.

One rule: the log listens and never acts; a server runs the same without it.
"""

from __future__ import annotations

from ftpfixture.log.command_log import CommandLog

__all__ = ["CommandLog"]
