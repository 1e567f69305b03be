"""``python -m ftpfixture``, the same as the program ``ftpfixture``."""

from __future__ import annotations

import sys

from ftpfixture.cli.main import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
