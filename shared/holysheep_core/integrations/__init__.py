"""What the plugins share beyond the engine's public names.

`settings` and `fast_models` need pydantic, which is no dependency of the engine: nothing here
may import them.
"""
