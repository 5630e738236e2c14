"""Several providers as one: failover, health checks, canaries."""
