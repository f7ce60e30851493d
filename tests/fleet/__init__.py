"""Many processes with one database and one Redis, and what may happen to them."""

from __future__ import annotations

import pytest

# What is compared there is shown when it differs.
pytest.register_assert_rewrite("tests.fleet.play")
