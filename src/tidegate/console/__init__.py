"""The console: server-rendered pages over the same operations, through the same authorization, as any client."""
