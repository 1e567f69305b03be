"""Simulated connections and time: server and clients run on one thread, without sockets, and waiting costs nothing.

One rule: nothing here knows FTP. `loop` has the time, `network` the connections, `sockets` what blocking clients get.
"""
