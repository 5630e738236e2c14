"""Where a request may go, and what is known of those places. No I/O."""
