"""asyncio shells around sockets: channels, streams, listeners, throttles and the gate between wire and server."""
