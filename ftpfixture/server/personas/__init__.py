"""Other servers by name: what they say, and what they do otherwise, a module for each."""

from __future__ import annotations

from ftpfixture.server.personas.names import PERSONAS, PersonaName, named

__all__ = ["PERSONAS", "PersonaName", "named"]
