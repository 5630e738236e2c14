"""What each family of models takes in a request, and what its turns need to be sent back. Pure."""
