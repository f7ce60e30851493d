"""The log of each book's changes: the Protocol and, today, one log without Redis."""
