"""The event bus as the products and their subscribers see it."""
