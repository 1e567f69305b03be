"""The files that the server serves: path layers over memory and disk, and the base class for your own.

One rule: a layer gets real paths only; the server maps the paths of clients to them.
"""
