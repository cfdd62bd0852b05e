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
# DUIS schema 5.4, DSPInventory: maxOccurs of Device.
INVENTORY_DEVICES_MAX = 17
# ZigBee OTA file header (ZCL8 11.4.2): 56 octets, and 13 more with every optional field.
OTA_HEADER_OCTETS_MIN = 56
OTA_HEADER_OCTETS_MAX = 69
OTA_HEADER_STRING_OCTETS = 32
# Flag 00, length 40, and r and s of a P-256 signature (public sample of 11.1).
OTA_TRAILER_OCTETS = 66
SIGNATURE_OCTETS = 64
MAC_OCTETS = 12
# SHA-256 of the Manufacturer Image, in CS06 and the Firmware Distribution Receipt Alerts.
HASH_OCTETS = 32
# RFC 5280 4.1.2.2: a certificate's serial number.
SERIAL_OCTETS_MAX = 20
# IEEE 802.15.4: a PHY frame with its check sum.
RADIO_FRAME_OCTETS_MAX = 127
# ZigBee specification (05-3474) annex A: AES-128.
RADIO_KEY_OCTETS = 16

# --- Chosen by this project: no public source ---

# A warning above this; 750 KB is often quoted for images.
IMAGE_OCTETS_WARNING = 750_000
# The largest legal 11.1 / 11.4 request is about 15 MB: 13.65 MB of base64 and 1.2 MB of ids.
DUIS_OCTETS_MAX = 16_000_000
# Elements of a DUIS message nest 7 deep in the schema's deepest firmware service.
XML_DEPTH_MAX = 32
XML_ELEMENTS_MAX = 20_000
# The schema's attributes are schemaVersion, the index of a tariff's list and Algorithm; canonical
# XML takes time that grows with the square of either number.
XML_ATTRIBUTES_MAX = 2_000
XML_NAMESPACES_MAX = 32
# The largest of 1,275 public GBCS messages has 3,986 octets.
GBCS_OCTETS_MAX = 65_536
# One way over the WAN, and the time after which a link hands an unacknowledged message over again.
WAN_LATENCY_MS = 2_000
LINK_RETRY_MS = 60_000
# Where time runs faster, that one shrinks with it; in real time no further than this.
LINK_RETRY_REAL_MS_MIN = 1_000
# Messages that a link hands over at once.
LINK_BATCH_MESSAGES_MAX = 1_000
# A link between processes: octets of the envelopes that travel together (NATS takes 1 MiB unless
# told otherwise), and how many of these a receiver fetches at once and all of them may have
# unacknowledged, and how long it waits for them where something else is to be done; octets that
# wait in a direction before a sender has to; and how long the link has to answer, with the rest
# that follows when it does not.
LINK_BATCH_OCTETS_MAX = 262_144
LINK_FETCH_MAX = 16
LINK_FETCH_MS = 10
LINK_UNACKNOWLEDGED_MAX = 1_000
LINK_STREAM_OCTETS_MAX = 268_435_456
LINK_CONNECT_S = 5
LINK_REST_MS = 500
# An envelope between DCC and hub: one GBCS message, or one list of a hub's devices.
WAN_OCTETS_MAX = 131_072
# The largest of the published SMKI certificates that fit the profile has 433 octets.
CERTIFICATE_OCTETS_MAX = 4_096
# SMKI has two authorities above a certificate: the issuing one and the root.
CHAIN_AUTHORITIES_MAX = 4
# Certificates, and as many private keys, that the test PKI keeps after it has made them.
CERTIFICATES_CACHED_MAX = 4_096
# Shared secrets that a party keeps, with the certificates that they are for: about 2 KB a pair.
SHARED_SECRETS_KEPT_MAX = 16_384
# A file of certificates or keys; keystore.json of the public test PKI has 35 KB.
KEY_FILE_OCTETS_MAX = 16_000_000
# The passphrase of an encrypted private key.
PASSPHRASE_OCTETS_MAX = 1_024
# One row of a file of devices or products; of every column as many different cells are kept.
FILE_ROW_OCTETS_MAX = 16_384
CELLS_KEPT_MAX = 256
# Bad rows of such a file that a report tells one by one; the others are counted.
BAD_ROWS_TOLD_MAX = 100
# The one size that fits an 802.15.4 frame with APS security and extended nonce.
BLOCK_SIZE_OCTETS = 48
# MinimumBlockPeriod that a hub sets in its clients.
BLOCK_PERIOD_MS = 50
QUERY_INTERVAL_H = 24
# A GSME sleeps, wakes at this interval to ask its hub, and listens so long after it last heard or
# said something.
GSME_WAKE_MIN = 30
GSME_LISTEN_S = 5
# Devices behind one hub (GBCS allows a hub's device log 16 entries).
DEVICES_PER_HUB_MAX = 16
# Images that a hub can hold at once.
HUB_IMAGE_SLOTS = 4
# A hub that could not hand an image over reports a failed transfer after this.
HUB_GIVE_UP_DAYS = 7
# A DCC stops tracking a device of a request after this.
TRACKING_DAYS = 14
# The execution time of a future-dated request lies no further ahead than this.
FUTURE_DATE_DAYS_MAX = 30
# A command without an answer counts as failed after this: a GSME wakes only at intervals, and a
# hub may be off for a night. A future-dated one has as long again after its execution time.
COMMAND_ANSWER_H = 24
# GBCS version from which firmware has SECMP0007; no public source ties the two together.
SECMP0007_GBCS_VERSION = "4.0"
# Nothing is pushed to a user sooner after the synchronous answer: DCC Boxed's clients correlate
# by what the answer said, and were overtaken without a delay.
PUSH_DELAY_MS = 1_000
# A push that the user's endpoint did not take is tried again after this, doubling up to the next.
PUSH_RETRY_S = 60
PUSH_RETRY_S_MAX = 3_600
# A push that was never taken leaves the queue after this; the journal keeps it.
PUSH_HOLD_DAYS = 2
# The user's endpoint has so long to take a push: DCC Boxed's clients start a JVM for each.
PUSH_TIMEOUT_S = 15
# A longer list is pushed in parts: DCC Boxed's clients took 90 kB and refused 130 kB.
PUSH_BODY_OCTETS_MAX = 90_000
# A request is answered within this time: DCC Boxed's clients wait no longer.
SYNC_ANSWER_MS_MAX = 3_000
# A client of DUIS over HTTP waits this long for the whole answer; the DCC has 3 s for it, and the
# largest request takes its time to get there.
DUIS_ANSWER_TIMEOUT_S = 30
# The end to which a DCC pushes: octets of one push (a GBCS message of the largest size has 87,000
# in base64), and the time that they may take to arrive.
PUSH_RECEIVED_OCTETS_MAX = 1_000_000
PUSH_RECEIVED_TIMEOUT_S = 15
# Pushes that have gathered at a supplier are read together, and recorded in one transaction.
PUSHES_GATHERED_MAX = 64
# Pushes that wait in memory to be printed; the DCC waits with the next.
PUSHES_WAITING_MAX = 1_000
# Requests that a verb which asks many devices has under way at once.
REQUESTS_AT_ONCE_MAX = 8
# A supplier's process looks so often for what waits in its outbox, and for what is due; after a
# request that got no good answer it rests for a moment of real time. The same octets go out again
# after this, doubling up to the next.
OUTBOX_POLL_MS = 100
SUPPLIER_LOOK_MS = 500
REQUEST_REST_MS = 500
REQUEST_RETRY_S = 1
REQUEST_RETRY_S_MAX = 60
# The DCC's end of DUIS over HTTP. Requests and octets that it has in hand at once: four of the
# largest; past either it answers 503, and names a time after which to try again.
DUIS_REQUESTS_IN_HAND_MAX = 256
DUIS_OCTETS_IN_HAND_MAX = 4 * DUIS_OCTETS_MAX
DUIS_BODY_TIMEOUT_S = 30
RETRY_AFTER_S = 1
# Small requests that have gathered are read together, and then answered in one transaction. A
# large one is read by itself.
DUIS_GATHERED_MAX = 64
DUIS_SMALL_OCTETS_MAX = 65_536
# A request line with its headers, and the time that it may take to arrive; connections at once;
# and what a service grants them when it closes.
HTTP_HEAD_OCTETS_MAX = 32_768
HTTP_HEAD_TIMEOUT_S = 10
HTTP_CONNECTIONS_MAX = 1_024
HTTP_CLOSING_S = 5
# A request to the SMKI service holds one id or serial number.
SMKI_OCTETS_MAX = 4_096
SMKI_BODY_TIMEOUT_S = 10
# Pushes under way to one user at once, and what is read of its answer; a user whose endpoint did
# not answer at all is left alone for a moment of real time.
PUSHES_AT_ONCE_MAX = 8
PUSH_ANSWER_OCTETS_MAX = 4_096
PUSH_POLL_MS = 100
PUSH_REST_MS = 1_000
# An operator waits this long for a DCC that runs on the same machine, and is told so many rows of
# a list.
OPERATOR_TIMEOUT_S = 30
OPERATOR_ROWS_MAX = 1_000
# Homes in one process with their DCC exchange messages with it so often, in real time.
EXCHANGE_PERIOD_REAL_MS = 50
# Envelopes on their way to hubs at once; the others wait in the outbox.
WAN_IN_FLIGHT_MAX = 20_000
# Where time runs faster than real: how far ahead of the homes it may be, in real time.
CLOCK_LEAD_MS = 10_000
# A supplier takes a device for silent after this.
SILENCE_DEADLINE_DAYS = 14
# Before it does, it asks which version the device runs (11.2), so often and so far apart.
READ_BACK_TRIES = 3
READ_BACK_PERIOD_H = 24
# Answer to an Image Block Request before the client asks again (Silicon Labs' client: 3 s).
RESPONSE_TIMEOUT_MS = 3_000
# Tries of one Image Block Request before the client gives the download up (Silicon Labs: 10).
BLOCK_TRIES_MAX = 10
# Pause before a query or an Image Block Request is repeated (Silicon Labs' client: 2 s).
RETRY_PAUSE_MS = 2_000
# An Upgrade End Request is repeated this often, this far apart (Silicon Labs' client).
UPGRADE_END_RETRY_MIN = 10
UPGRADE_END_TRIES_MAX = 10
# A client waits no longer than this on WAIT_FOR_DATA or an upgrade time, then asks again.
WAIT_MINUTES_MAX = 60
# What a client waits when the time that a server names is past (Silicon Labs' client).
PAST_REQUEST_TIME_WAIT_MIN = 5
PAST_UPGRADE_TIME_WAIT_MIN = 60
# Times that a new image may start without confirming itself; then the old one runs again.
TRIAL_BOOTS_MAX = 3
# A device's slot for one image: as large as the largest image, unless its maker says otherwise.
DEVICE_SLOT_OCTETS = IMAGE_OCTETS_MAX
# Devices that a hub serves at the same time; the others are told to wait.
HUB_TRANSFERS_MAX = 2
HUB_BUSY_WAIT_S = 60
# A transfer without a request for this long no longer counts as under way.
HUB_TRANSFER_IDLE_S = 90
# A hub notifies a device again after this, until the device fetches its image.
NOTIFY_INTERVAL_MIN = 60
# A GBCS message without a receipt is sent again through the tunnel after this, doubling up to
# the next.
TUNNEL_RETRY_S = 10
TUNNEL_RETRY_S_MAX = 3_600
# Messages that one outbox of a hub or device holds; the oldest makes room.
OUTBOX_MESSAGES_MAX = 64
# From power to a working node of the HAN.
BOOT_MS = 2_000
# From one node of the HAN to the next: channel access, about 3 ms of air, acknowledgement.
FRAME_LATENCY_MS = 8
# A GBCS message on the HAN, whole: GBCS tunnels carry at most 1,500 octets.
TUNNEL_MESSAGE_OCTETS_MAX = 1_500
# Octets of one tunnel chunk: fits a frame with NWK and APS security.
TUNNEL_CHUNK_OCTETS = 44
# Size of the images that the demo sends to PPMIDs and HCALCSs, and of that which the simulator and
# the power-cut tests send.
DEMO_IMAGE_OCTETS = 65_536
DEMO_HCALCS_IMAGE_OCTETS = 8_192
SIMULATE_IMAGE_OCTETS = 16_384
POWERCUT_IMAGE_OCTETS = 4_096
# A ledger: page cache of a connection, pages of the log before they go to the file (200 MB), and
# how long one writer waits for another. On a server a writer that is silent for so long inside a
# batch is taken for dead, and loses it.
LEDGER_CACHE_KIB = 65_536
LEDGER_LOG_PAGES = 50_000
LEDGER_WAIT_MS = 10_000
LEDGER_IDLE_MS = 30_000
# How many entries the journal loses in one transaction, others waiting meanwhile.
LEDGER_DROPPED_AT_ONCE = 20_000
# An export reads so many rows at once; a longer message is not in it.
LEDGER_EXPORT_ROWS = 5_000
EXPORTED_OCTETS_MAX = 4_096
# How far counters go on after a restored backup: more than were given out since it was made.
LEDGER_EPOCH_VALUES = 1 << 32

# Deliveries that a batch remembers, so that it need not read again what it wrote.
DELIVERIES_KEPT_MAX = 5_000
# A filter of an estate: longer ones are machine-made, and belong into a file of ids.
FILTER_CHARACTERS_MAX = 8_192
FILTER_TERMS_MAX = 32
FILTER_VALUES_MAX = 200
# A verb waits no longer than this for a push (a day), and a DCC makes up no more homes.
WAIT_S_MAX = 86_400
HOMES_MADE_UP_MAX = 10_000
# A file of options.
CONFIG_OCTETS_MAX = 65_536
# A plan of a campaign, in JSON, and its waves.
PLAN_OCTETS_MAX = 262_144
WAVES_MAX = 32
# A rate an hour is spent in portions of this length.
PACING_PORTION_MIN = 5
# A pause before a retry doubles at most so often.
RETRY_DOUBLINGS_MAX = 16

# Rows of a large estate or campaign that are read or written at once.
LEDGER_BATCH_ROWS = 5_000
# A device for which another request is in progress is asked again after this, so often.
IN_PROGRESS_REST_H = 24
IN_PROGRESS_TRIES_MAX = 14
# Devices of a campaign that are asked to activate at once: each takes two signatures.
ACTIVATIONS_PER_STEP = 200
# A campaign that takes late joiners looks for them so often.
LATE_JOINERS_PERIOD_H = 1
# A name of a release, of a campaign, or of whoever acts.
NAME_CHARACTERS_MAX = 100

# An impact assessment: devices that a run follows, at least those of a wave; runs; how far ahead it
# looks; a file of its inputs.
IMPACT_SAMPLE_DEVICES = 300_000
IMPACT_WAVE_SAMPLE_MIN = 3_000
IMPACT_RUNS_MAX = 1_000
IMPACT_HORIZON_DAYS = 365
IMPACT_FILE_OCTETS_MAX = 262_144

# Later than any instant: the end of the year 9999.
LATEST_MS = 253_402_300_799_999
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
