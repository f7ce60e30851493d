"""What the service costs, beside what the bare minimum costs on the same machine: `tests.bench`."""
