"""Message queues and topics (MNS, also called Simple Message Queue)."""
