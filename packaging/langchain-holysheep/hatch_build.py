"""The one dependency: `holysheep` in the version that is being built."""

from __future__ import annotations

from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class SameVersion(MetadataHookInterface):
    """Pins with `==`, or pip would upgrade this name and leave the code behind it as it is."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the dependency."""
        metadata["dependencies"] = [f"holysheep[langchain]=={metadata['version']}"]
