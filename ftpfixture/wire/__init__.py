"""FTP on the wire: this package parses bytes into values and renders values as bytes.

One rule: PURE. No asyncio, socket, ssl, threading or logging: any code that has bytes can use this package, and every
module of it can be tested byte by byte.
"""
