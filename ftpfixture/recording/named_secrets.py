"""Secrets that a user names, such as ``redact={"token": "s3cr3t"}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ftpfixture.checks import wrong
from ftpfixture.recording.recorder import OWN_PLACEHOLDERS
from ftpfixture.recording.redact import Secrets

__all__ = ["named_secrets"]

_NAME = re.compile(r"[a-z_]+")


def named_secrets(redact: Mapping[Any, Any]) -> Secrets:
    """Return secrets by the names of their placeholders.

    Raises:
        ConfigurationError: A name cannot be that of a placeholder, or a value is no text.
    """
    secrets = Secrets()
    for name, value in redact.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise wrong("redact", "names of lower-case letters and _, such as token", name)
        if name in OWN_PLACEHOLDERS:
            raise wrong("redact", "another name: a recording has this one for a text that is no secret", name)
        if not isinstance(value, str) or not value:
            raise wrong(f"redact[{name!r}]", "the text that the placeholder stands for", value)
        secrets.add(name, value)
    return secrets
