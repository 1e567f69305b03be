"""Recorded sessions: the dialogue of a client and a server, in a file that people can read and review."""
