"""Which NATS a link uses; apart from the link, which needs an extra of the package."""

import msgspec

from hanota.limits import LINK_RETRY_MS


class NatsSettings(msgspec.Struct, frozen=True):
    """Which NATS, and how safely it keeps what it is given."""

    url: str  # nats://host:port, several joined with commas
    replicas: int = 1  # of every stream: 3 where there are three nodes
    retry_ms: int = LINK_RETRY_MS  # after which what is not acknowledged is handed over again
