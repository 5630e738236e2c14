"""httpx, sockets and everything between them and the engine."""
