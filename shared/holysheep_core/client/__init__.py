"""The framework-free client, and what drives a call."""
