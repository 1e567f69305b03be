"""Recorded sessions: what was said between a client and a server, kept in a file that people can read and review."""
