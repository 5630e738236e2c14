"""One call as a state machine: what was told, what to do next. Pure."""
