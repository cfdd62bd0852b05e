"""How large the messages of one update are, and how many there are.

Octets were measured in the simulated town: the envelopes of the WAN as `wire.wan` encodes them (a
test measures them again), and the signed DCC Alerts as they were pushed, about.
"""

DELIVER_IMAGE_OCTETS = 79
IMAGE_STORED_OCTETS = 51
CCS08_OCTETS = 157
CS09_OCTETS = 147
# To a supplier; N60, N62 and N39 differ by less than a tenth.
PUSH_OCTETS = 1_900

# Octets of the messages to and from the hub for a device that is updated, beside the image.
WAN_OCTETS_PER_DELIVERY = DELIVER_IMAGE_OCTETS + IMAGE_STORED_OCTETS + CCS08_OCTETS + CS09_OCTETS
