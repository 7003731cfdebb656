"""Records and queries of RAM and STS. Every function takes the connection or transaction to work in.

A change begins with ``identities.change``; from then on it is the only one until it ends.
"""
