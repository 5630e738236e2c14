"""An answer as OpenAI's client has it, in `raw` of a response."""

from __future__ import annotations

from typing import Any


class Raw(dict[str, Any]):
    """A dict whose keys are attributes too, as those of OpenAI's objects are.

    Tools read a response either way: `raw["usage"]["total_tokens"]`, `raw.usage.total_tokens`,
    `raw.choices[0].finish_reason`, `raw.model_dump()`.
    """

    def __getattr__(self, name: str) -> Any:
        """Return the value of a key; dicts in it are of this class.

        Raises:
            AttributeError: There is no such key.
        """
        try:
            return _readable(self[name])
        except KeyError:
            raise AttributeError(name) from None

    def model_dump(self, **_: Any) -> dict[str, Any]:
        """Return the answer as a plain dict."""
        return dict(self)


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return value if isinstance(value, Raw) else Raw(value)
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return value
