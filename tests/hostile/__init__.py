"""Those who mean harm, and those who only want to read and write meanwhile."""

from __future__ import annotations

import pytest

# What is compared there is shown when it differs.
for module in ("connections", "requests", "texts", "tokens", "wire"):
    pytest.register_assert_rewrite(f"tests.hostile.{module}")
