"""The DCC: the checks of a request, the tracking of each device, the alerts to the user."""
