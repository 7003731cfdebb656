"""IP whitelists of the cloud's databases: one engine for all products that have them (kvstore.md 6–8, ecs.md 16)."""
