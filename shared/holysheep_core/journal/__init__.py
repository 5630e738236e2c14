"""Answers that survive the process."""
