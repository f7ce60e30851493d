"""Many processes with one database and one Redis, and what may happen to them."""
