"""Deliberate mistakes in the production code, each of which some check has to notice."""
