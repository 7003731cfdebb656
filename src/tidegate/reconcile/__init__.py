"""The engine and its controllers: whatever takes time is driven to its goal here."""
