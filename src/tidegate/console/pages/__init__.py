"""One module per product: what its pages show. Each handler takes a ``Page`` and returns an answer."""
