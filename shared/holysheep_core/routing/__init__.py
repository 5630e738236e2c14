"""Where a request may be sent, and the state of these routes. No I/O."""
