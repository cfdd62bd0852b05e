"""DUIS: the XML between a Service User and the DCC."""
