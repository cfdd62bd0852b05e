"""Codes that travel on the wire, and the codes with which a decoder names a fault.

The DUIS schema gives the codes, not their meanings: which check stands behind which code is an
assignment of this project (docs/codes.md, `hanota codes`). Sourced: I0, I99 and E5.
"""

from enum import Enum, IntEnum, StrEnum


class ResponseCode(StrEnum):
    """DUIS response codes that hanota sends; a received one may be any of the schema's 194."""

    I0 = "I0"  # the result
    I99 = "I99"  # acknowledged, the real answer follows
    W110101 = "W110101"  # 11.1 accepted in part: the warning body says who is left out
    W110401 = "W110401"  # 11.4 likewise
    E1 = "E1"  # the role may not use the service
    E4 = "E4"  # device type
    E5 = "E5"  # device status
    E11 = "E11"  # command variant
    E12 = "E12"  # service reference
    E13 = "E13"  # service reference variant
    E17 = "E17"  # execution time
    E19 = "E19"  # unknown device
    E21 = "E21"  # no answer from the device
    E48 = "E48"  # XML signature, certificate or replay
    E100 = "E100"  # anything else
    E110101 = "E110101"  # 11.1: image malformed or over a limit
    E110102 = "E110102"  # 11.1: no product entry with this hash, or not Active
    E110103 = "E110103"  # 11.1: trailer missing, not this supplier's, or another device kind
    E110105 = "E110105"  # 11.1: no device left
    E110401 = "E110401"
    E110402 = "E110402"
    E110403 = "E110403"
    E110405 = "E110405"


class DccAlertCode(StrEnum):
    """N-codes of DCC Alerts; N60 and N61 are sourced, the others are assumptions.

    No rule may key on them: the body element says what an alert is.
    """

    N13 = "N13"  # CommandFailure
    N18 = "N18"  # FirmwareDistributionFailure
    N39 = "N39"  # PPMIDAlert
    N46 = "N46"  # QuarantinedRequest
    N49 = "N49"  # FirmwareVersionMismatch
    N59 = "N59"  # FirmwareUpgradeRequested
    N60 = "N60"  # CSPFirmwareDeliveryStatus, delivered to the Communications Hub
    N61 = "N61"  # CSPFirmwareDeliveryStatus, not delivered
    N62 = "N62"  # CommsHubAlert
    N64 = "N64"  # CommsHubFirmwareActivation


class AlertCode(IntEnum):
    """GBCS alert codes of the firmware services."""

    FIRMWARE_VERIFICATION_FAILED = 0x8F1C
    FUTURE_DATED_ACTIVATION_SUCCESS = 0x8F66
    FUTURE_DATED_ACTIVATION_FAILURE = 0x8F67
    FIRMWARE_VERIFIED = 0x8F72
    FIRMWARE_TRANSFER_FAILURE = 0x8F89
    FIRMWARE_TRANSFER_SUCCESS = 0x8F8A
    PPMID_FIRMWARE_ACTIVATION = 0x8F8B


class ZclStatus(IntEnum):
    """ZCL statuses that the OTA cluster uses (ZCL 2.6.3)."""

    SUCCESS = 0x00
    FAILURE = 0x01
    NOT_AUTHORIZED = 0x7E
    MALFORMED_COMMAND = 0x80
    UNSUP_CLUSTER_COMMAND = 0x81
    INVALID_FIELD = 0x85
    INSUFFICIENT_SPACE = 0x89
    TIMEOUT = 0x94
    ABORT = 0x95
    INVALID_IMAGE = 0x96
    WAIT_FOR_DATA = 0x97
    NO_IMAGE_AVAILABLE = 0x98
    REQUIRE_MORE_IMAGE = 0x99


class DuisFault(Enum):
    """A document that no DUIS Response can answer; over HTTP the answer is 400."""

    NOT_DUIS = "not-duis"  # no XML, no DUIS, or no legal service reference and variant


class ImageFault(Enum):
    """What is wrong with an OTA image file; a DCC answers E110101 or E110401."""

    TRUNCATED = "truncated"
    TOO_LARGE = "too-large"
    MAGIC = "magic"
    HEADER_VERSION = "header-version"
    HEADER_LENGTH = "header-length"
    FIELD_CONTROL = "field-control"
    TOTAL_SIZE = "total-size"
    WILDCARD = "wildcard"
    HARDWARE_RANGE = "hardware-range"
    EMPTY_IMAGE = "empty-image"
    TRAILER = "trailer"


class GbcsFault(Enum):
    """What is wrong with a GBCS message; GBCS has no answer to one, so it is journalled."""

    TRUNCATED = "truncated"
    TOO_LARGE = "too-large"
    TRAILING = "trailing"
    MALFORMED = "malformed"
    UNSUPPORTED = "unsupported"


class WanFault(Enum):
    """What is wrong with an envelope between DCC and hub; it is journalled and dropped."""

    MALFORMED = "malformed"
    TOO_LARGE = "too-large"


class CertificateFault(Enum):
    """What is wrong with an SMKI certificate; a DCC answers E48, other parties journal it."""

    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    ALGORITHM = "algorithm"
    KEY = "key"
    USAGE = "usage"
    IDENTITY = "identity"
    EXTENSION = "extension"
    UNKNOWN_ISSUER = "unknown-issuer"
    SIGNATURE = "signature"
    DATES = "dates"


class FileFault(Enum):
    """What is wrong with a file of devices or products; nothing of it is kept."""

    HEADER = "header"
    ROW = "row"


class CertificateServiceFault(Enum):
    """What is wrong with a request to the SMKI service; over HTTP the answer is 401."""

    MALFORMED = "malformed"


class RadioFault(Enum):
    """What is wrong with an 802.15.4 frame; a receiver drops it in silence."""

    LENGTH = "length"
    CHECK_SEQUENCE = "check-sequence"
    UNSUPPORTED = "unsupported"
    ADDRESS = "address"
    SECURITY = "security"
