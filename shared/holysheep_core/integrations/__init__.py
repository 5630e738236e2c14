"""What every framework's plugin shares."""
