"""Configurations of proxies, in which streams pass at once and nobody is held up."""

from __future__ import annotations

from livria_sse.deploy.deploy import PROXIES, Names, configuration

__all__ = ["PROXIES", "Names", "configuration"]
