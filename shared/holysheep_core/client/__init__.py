"""The framework-free client, and the drivers that run a call."""
