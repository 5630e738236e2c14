"""Code that the plugins share, beyond the engine's public names.

`settings` and `fast_models` need pydantic, which the engine does not depend on: this module must
not import them.
"""

from holysheep_core.closing import Owned
from holysheep_core.config.fallback import of_call as fallbacks_of_call
from holysheep_core.tokens import prompt_tokens
from holysheep_core.types import IfExists

__all__ = ["IfExists", "Owned", "fallbacks_of_call", "prompt_tokens"]
