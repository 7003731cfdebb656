"""EventBridge: buses, and rules that hand events on to queues and topics."""
