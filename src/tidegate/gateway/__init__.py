"""The one door: every call of every client passes here."""
