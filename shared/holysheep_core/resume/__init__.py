"""A cut answer and its continuation, joined. Pure."""
