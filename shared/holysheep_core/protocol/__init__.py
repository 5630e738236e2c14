"""What an OpenAI-compatible server says, decoded. Pure: no I/O, no clock."""
