"""What the server serves: path layers over memory and disk, and the base for layers of one's own.

One rule: a layer is asked for real paths only; what a client may see of them is decided above.
"""
