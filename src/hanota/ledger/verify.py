"""Is a ledger sound: is its state what its journal tells?

Deliveries and counts are rebuilt from the journal by the database itself and compared as sets, so
that the size of a ledger costs time and room on the disk, not memory.

Not here: whether somebody wrote another journal and a state to match.
"""

import hashlib
from collections.abc import Iterator

from hanota.ledger.columns import unsigned
from hanota.ledger.database import Database
from hanota.model import eui_text

# Of each kind of fault; the first few tell what happened.
_TOLD = 10


def faults(database: Database) -> list[str]:
    """What is unsound, a sentence each, at most ten of a kind; inside a transaction."""
    told = [f"the file is damaged: {damage}" for damage in database.damages()]
    for query, sentence in _OF_DELIVERIES.items():
        told += [
            sentence.format(device=eui_text(unsigned(device_id)), number=number)
            for device_id, number in database.rows(query, _TOLD)
        ]
    for query, sentence in _OF_COUNTS.items():
        told += [
            sentence.format(request=request, state=f"{state} {reason}".strip())
            for request, state, reason in database.rows(query, _TOLD)
        ]
    for query, sentence in _OF_CAMPAIGNS.items():
        told += [
            sentence.format(campaign=campaign, wave=wave, state=state)
            for campaign, wave, state in database.rows(query, _TOLD)
        ]
    return told + list(_images(database))


_OF_DELIVERIES = {
    "verify_deliveries_kept": "the journal tells of {device} in request {number} otherwise",
    "verify_deliveries_lost": "{device} in request {number} is journalled and has no delivery",
    "verify_requests": "{device} has a delivery in request {number}, which does not exist",
    "verify_commands": "the journal tells of the command {number} for {device} otherwise",
    "verify_chains": "entry {number} of {device} does not lead to the entry before it",
}
_OF_COUNTS = {
    "verify_counts_kept": "the count of {state} in request {request} is not what the journal tells",
    "verify_counts_lost": "the count of {state} in request {request} is missing",
}
_OF_CAMPAIGNS = {
    "verify_campaign_counts_kept": (
        "the count of {state} in wave {wave} of campaign {campaign} is not what its devices tell"
    ),
    "verify_campaign_counts_lost": (
        "the count of {state} in wave {wave} of campaign {campaign} is missing"
    ),
}


def _images(database: Database) -> Iterator[str]:
    for (name,) in database.rows("image_names"):
        ((octets,),) = database.rows("image", name)
        if hashlib.sha256(octets).digest() != name:
            yield f"the image {name.hex()} has other octets than its name says"
