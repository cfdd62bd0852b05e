"""The Home Area Network: the Communications Hub and the devices behind it."""
