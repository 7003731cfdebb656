"""Queues, their messages, topics and subscriptions of MNS."""
