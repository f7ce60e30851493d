"""Tests mirror the package; `live` and `browser` run real servers, and `parts` starts them."""
