"""Redis servers behind R-kvstore instances."""
