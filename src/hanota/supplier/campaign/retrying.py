"""Whether a device that failed is tried again, and when."""

from collections.abc import Iterable

from hanota.limits import RETRY_DOUBLINGS_MAX
from hanota.supplier.campaign.plan import Retry


def next_try_ms(retries: Iterable[Retry], cause: str, tries: int, now_ms: int) -> int | None:
    """When a device is tried again that failed for `cause` now, after `tries` tries in all.

    Pauses double from try to try. None: it stays failed.
    """
    for retry in retries:
        if cause in retry.causes:
            if tries > retry.tries:
                return None
            return now_ms + (retry.pause_ms << min(tries - 1, RETRY_DOUBLINGS_MAX))
    return None
