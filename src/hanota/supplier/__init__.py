"""The Service User: what it asks, and what it makes of the answers."""
