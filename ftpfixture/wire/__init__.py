"""What FTP looks like on the wire: octets become values here, and values become octets.

One rule: PURE. No asyncio, socket, ssl, threading or logging; whoever has octets from anywhere may use this room, and
every module of it can be tested by feeding it octets one by one.
"""
