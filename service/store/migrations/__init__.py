"""The history of the tables, applied when the store opens."""
