"""Your own rate limits: admission control, first come, first served."""
