"""The products: what each one does, and nothing about how it is reached."""
