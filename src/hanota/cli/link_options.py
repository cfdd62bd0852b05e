"""The options of the link between a DCC and homes in other processes."""

from typing import Annotated, TypeAlias

import typer

from hanota.errors import LocalError
from hanota.limits import LINK_RETRY_MS, LINK_RETRY_REAL_MS_MIN
from hanota.link.nats_settings import NatsSettings

_REPLICAS_HELP = "Nodes of NATS that keep each message; 3 of three survive the loss of one."

Link: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Speak with homes in other processes over this NATS, nats://HOST:PORT.",
        show_default=False,
    ),
]
LinkReplicas: TypeAlias = Annotated[int, typer.Option(min=1, max=5, help=_REPLICAS_HELP)]


def link_settings(url: str, replicas: int, speed: float) -> NatsSettings:
    """The link of these options; where time runs faster, so does its patience.

    LocalError where the URL names no NATS.
    """
    if not all(each.startswith(("nats://", "tls://")) for each in url.split(",")):
        raise LocalError(f"{url!r} names no NATS: write nats://HOST:PORT")
    retry_ms = max(round(LINK_RETRY_MS / speed), LINK_RETRY_REAL_MS_MIN)
    return NatsSettings(url, replicas, min(retry_ms, LINK_RETRY_MS))
