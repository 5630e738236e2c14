"""Several providers as one: fail-over, health checks, canaries."""
