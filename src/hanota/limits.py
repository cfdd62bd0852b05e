"""Every limit, timer and size, with its unit and where it comes from.

Two blocks: what a specification says, and what this project chose where none is public.
`hanota settings` prints both.
"""

# --- Said by a specification ---

# DUIS schema 5.4, FirmwareImage: maxLength of the decoded octets.
IMAGE_OCTETS_MAX = 10_240_000
# DUIS schema 5.4, DeviceIDList: maxLength 1,199,999 characters of 24 an id.
DEVICES_PER_REQUEST_MAX = 50_000
# DUIS schema 5.4, FirmwareVersion: 1 to 8 characters.
FIRMWARE_VERSION_CHARACTERS_MAX = 8
# ZigBee OTA file header (ZCL8 11.4.2): 56 octets, and 13 more with every optional field.
OTA_HEADER_OCTETS_MIN = 56
OTA_HEADER_OCTETS_MAX = 69
OTA_HEADER_STRING_OCTETS = 32
# Flag 00, length 40, and r and s of a P-256 signature (public sample of 11.1).
OTA_TRAILER_OCTETS = 66
SIGNATURE_OCTETS = 64
MAC_OCTETS = 12
# IEEE 802.15.4: a PHY frame with its check sum.
RADIO_FRAME_OCTETS_MAX = 127

# --- Chosen by this project: no public source ---

# A warning above this; 750 KB is often quoted for images.
IMAGE_OCTETS_WARNING = 750_000
# The largest legal 11.1 / 11.4 request is about 15 MB: 13.65 MB of base64 and 1.2 MB of ids.
DUIS_OCTETS_MAX = 16_000_000
# Elements of a DUIS message nest 7 deep in the schema's deepest firmware service.
XML_DEPTH_MAX = 32
XML_ELEMENTS_MAX = 20_000
# The largest of 1,275 public GBCS messages has 3,986 octets.
GBCS_OCTETS_MAX = 65_536
# An envelope between DCC and hub: one GBCS message, or one list of a hub's devices.
WAN_OCTETS_MAX = 131_072
# The one size that fits an 802.15.4 frame with APS security and extended nonce.
BLOCK_SIZE_OCTETS = 48
# MinimumBlockPeriod that a hub sets in its clients.
BLOCK_PERIOD_MS = 50
QUERY_INTERVAL_H = 24
# Devices behind one hub (GBCS allows a hub's device log 16 entries).
DEVICES_PER_HUB_MAX = 16
# Images that a hub can hold at once.
HUB_IMAGE_SLOTS = 4
# A hub that could not hand an image over reports a failed transfer after this.
HUB_GIVE_UP_DAYS = 7
# A DCC stops tracking a device of a request after this.
TRACKING_DAYS = 14
# A supplier takes a device for silent after this.
SILENCE_DEADLINE_DAYS = 14
# Answer to an Image Block Request before the client asks again (Silicon Labs' client: 3 s).
RESPONSE_TIMEOUT_MS = 3_000
# Tries of one Image Block Request before the client gives the download up (Silicon Labs: 10).
BLOCK_TRIES_MAX = 10
# A client waits no longer than this on WAIT_FOR_DATA or an upgrade time, then asks again.
WAIT_MINUTES_MAX = 60
# A GBCS message on the HAN, whole: GBCS tunnels carry at most 1,500 octets.
TUNNEL_MESSAGE_OCTETS_MAX = 1_500
# Octets of one tunnel chunk: fits a frame with NWK and APS security.
TUNNEL_CHUNK_OCTETS = 44
# Size of the image that the demo, the simulator and the power-cut tests send.
DEMO_IMAGE_OCTETS = 65_536
SIMULATE_IMAGE_OCTETS = 16_384
POWERCUT_IMAGE_OCTETS = 4_096

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
