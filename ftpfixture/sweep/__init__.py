"""The fault sweep: every step of a session, with everything that can go wrong there.

One rule: nothing here runs a client. `testing` does it for tests and `cli` for programs, both with the same points.
"""
