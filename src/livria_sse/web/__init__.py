"""The only place that knows HTTP: one module for each resource."""
