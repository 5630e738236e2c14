"""The settings a user types, checked when they are made."""
