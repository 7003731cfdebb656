"""What the room of a Redis server holds."""

from __future__ import annotations

#: The names of the processes in the room.
SERVER, GATE = "server", "gate"
#: Where the server can always be reached, in its folder.
SERVER_SOCKET = "redis.sock"
