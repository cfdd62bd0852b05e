"""Settings of the whole suite."""

from hypothesis import settings

# Deterministic runs: a failing example is the same for everybody. `make long` searches afresh.
settings.register_profile("check", derandomize=True, deadline=None)
settings.load_profile("check")
