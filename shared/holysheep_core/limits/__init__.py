"""Limits of your own: admission of requests, in order."""
