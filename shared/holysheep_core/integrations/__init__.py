"""What the plugins share beyond the engine's public names.

`settings` and `fast_models` need pydantic, which is no dependency of the engine: this module
must not import them.
"""

from holysheep_core.closing import Owned
from holysheep_core.tokens import prompt_tokens

__all__ = ["Owned", "prompt_tokens"]
