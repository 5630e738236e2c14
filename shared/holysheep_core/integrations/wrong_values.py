"""pydantic's errors about a model's settings, as ours.

This module needs pydantic, like `settings`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from holysheep_core.errors import ConfigurationError

RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
    "max_tokens": (1, 2**53),
}
"""Numbers that the API takes."""


def as_configuration_error(owner: str, error: ValidationError) -> ConfigurationError:
    """Return one error of ours that names every setting, and no value, which may be the key.

    Args:
        owner: The class's name.
        error: pydantic's.
    """
    said: dict[str, list[str]] = {}
    for wrong in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(wrong["loc"][0]) if wrong["loc"] else owner
        words = _words(name, wrong["type"], wrong["msg"])
        if words not in said.setdefault(name, []):
            said[name].append(words)
    each = (f"{name} {' or '.join(words)}" for name, words in said.items())
    return ConfigurationError(f"{owner}: {'; '.join(each)}.")


def _words(name: str, kind: str, message: str) -> str:
    if kind == "is_instance_of":  # "Input should be an instance of APIGateway"
        wanted = message.rpartition(" ")[2]
        if wanted == "Sequence":
            return f"needs a list, such as {_LISTS.get(name, '[…]')}"
        return f"needs {'an' if wanted[0] in 'AEIO' else 'a'} {wanted}"
    return _WORDS.get(kind, message[:1].lower() + message[1:])


_LISTS = {"observers": "[OpenTelemetry()]", "providers": "[Provider(…)]"}
_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "string_type": "needs a string",
    "float_type": "needs a number",
    "float_parsing": "needs a number",
    "int_type": "needs a whole number",
    "int_parsing": "needs a whole number",
    "int_from_float": "needs a whole number",
    "bool_type": "needs True or False",
    "bool_parsing": "needs True or False",
    "list_type": "needs a list",
    "tuple_type": "needs a pair",
    "dict_type": "needs a dict",
    "callable_type": "needs a function",
}
