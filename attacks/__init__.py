"""Runs the attacks of `tests.attacks`, and writes the risk assessment that they make."""
