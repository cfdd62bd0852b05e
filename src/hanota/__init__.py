"""hanota: over-the-air firmware for the in-home devices of Great Britain's smart metering."""

__version__ = "0.1.0"
