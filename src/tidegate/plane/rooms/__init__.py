"""Rooms: where the processes of Redis servers and load balancers run, a folder and a network address each."""
