"""R-kvstore: Redis instances and their IP whitelists."""
