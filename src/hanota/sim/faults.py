"""What can go wrong in a simulated world, how often, and named sets of it.

Every fault has a rate, 0 unless asked for. A rate is a chance (of each message, frame, step, ...)
or a number a day (of each hub, device or process); `FAULTS` says which. Each fault draws from a
stream of its own, made from the seed and its name, so that a run in which one fault is switched
off meets the others at other instants but with the same luck.

Not here: what a fault does; the module that it hits does that.
"""

import math
import random
from enum import Enum, StrEnum

import msgspec

from hanota.errors import LocalError


class Fault(StrEnum):
    """The faults, by the names of `--faults`."""

    WAN_LOST = "wan-lost"
    WAN_DOUBLED = "wan-doubled"
    WAN_DELAYED = "wan-delayed"
    LINK_DOWN = "link-down"
    FRAME_LOST = "frame-lost"
    FRAME_DOUBLED = "frame-doubled"
    FRAME_DELAYED = "frame-delayed"
    DEAF = "deaf"
    IMAGE_DAMAGED = "image-damaged"
    FLASH_DAMAGED = "flash-damaged"
    POWER_CUT = "power-cut"
    TORN_WRITE = "torn-write"
    SWITCHED_OFF = "switched-off"
    HUB_OFF = "hub-off"
    HUB_REPLACED = "hub-replaced"
    DOES_NOT_START = "does-not-start"
    NOT_RELEASED = "not-released"
    OTHER_HARDWARE = "other-hardware"
    STORE_FULL = "store-full"
    ANSWER_LOST = "answer-lost"
    RECEIVER_DOWN = "receiver-down"
    RECEIVER_REFUSES = "receiver-refuses"
    KILLED = "killed"
    CLOCK_STEP = "clock-step"
    HOME_CLOCK_STEP = "home-clock-step"
    CERTIFICATE_REPLACED = "certificate-replaced"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CHANGE_OF_SUPPLIER = "change-of-supplier"


class Of(Enum):
    """What a rate counts."""

    CHANCE = "chance"
    A_DAY = "a day"


class Meaning(msgspec.Struct, frozen=True):
    """What a fault is, and the rate that it has in a profile."""

    of: Of
    rate: float
    text: str


FAULTS: dict[Fault, Meaning] = {
    Fault.WAN_LOST: Meaning(Of.CHANCE, 0.05, "a WAN message or its acknowledgement is lost"),
    Fault.WAN_DOUBLED: Meaning(Of.CHANCE, 0.05, "a WAN message arrives twice, perhaps hours apart"),
    Fault.WAN_DELAYED: Meaning(Of.CHANCE, 0.1, "a WAN message is overtaken by later ones"),
    Fault.LINK_DOWN: Meaning(Of.A_DAY, 0.2, "a hub has no WAN for hours"),
    Fault.FRAME_LOST: Meaning(Of.CHANCE, 0.01, "a radio frame is lost"),
    Fault.FRAME_DOUBLED: Meaning(Of.CHANCE, 0.003, "a radio frame arrives twice"),
    Fault.FRAME_DELAYED: Meaning(Of.CHANCE, 0.003, "a radio frame is late, up to minutes"),
    Fault.DEAF: Meaning(Of.A_DAY, 0.3, "a device hears nothing for a while, up to hours"),
    Fault.IMAGE_DAMAGED: Meaning(Of.CHANCE, 0.05, "a hub's store gives other octets than it got"),
    Fault.FLASH_DAMAGED: Meaning(Of.CHANCE, 0.0001, "a write to an image slot keeps other octets"),
    Fault.POWER_CUT: Meaning(Of.CHANCE, 0.0005, "power fails before a step of a hub or device"),
    Fault.TORN_WRITE: Meaning(Of.CHANCE, 0.5, "a power cut at a write leaves a part of it"),
    Fault.SWITCHED_OFF: Meaning(Of.A_DAY, 0.03, "a device is switched off, up to days"),
    Fault.HUB_OFF: Meaning(Of.A_DAY, 0.03, "a hub is switched off, up to a day"),
    Fault.HUB_REPLACED: Meaning(Of.A_DAY, 0.01, "a home gets another hub, the old one is gone"),
    Fault.DOES_NOT_START: Meaning(Of.CHANCE, 0.05, "a new image does not come up on a device"),
    Fault.NOT_RELEASED: Meaning(Of.CHANCE, 0.05, "an image that a device's maker did not release"),
    Fault.OTHER_HARDWARE: Meaning(Of.CHANCE, 0.05, "a device of other hardware than is known"),
    Fault.STORE_FULL: Meaning(Of.CHANCE, 0.2, "a hub with room for one image only"),
    Fault.ANSWER_LOST: Meaning(Of.CHANCE, 0.1, "the answer to a DUIS request is lost"),
    Fault.RECEIVER_DOWN: Meaning(Of.A_DAY, 0.1, "a supplier's receiver is down, up to days"),
    Fault.RECEIVER_REFUSES: Meaning(Of.CHANCE, 0.05, "a supplier's receiver answers 4xx or 5xx"),
    Fault.KILLED: Meaning(Of.CHANCE, 0.02, "a DCC or supplier process dies around a transaction"),
    Fault.CLOCK_STEP: Meaning(Of.A_DAY, 0.1, "the clock of the DCC or a supplier is set"),
    Fault.HOME_CLOCK_STEP: Meaning(Of.A_DAY, 0.05, "the clock of a hub or device is set"),
    Fault.CERTIFICATE_REPLACED: Meaning(Of.A_DAY, 0.02, "an organisation gets a new signing key"),
    Fault.CERTIFICATE_EXPIRED: Meaning(Of.A_DAY, 0.02, "a signing certificate expires for hours"),
    Fault.CHANGE_OF_SUPPLIER: Meaning(Of.CHANCE, 0.1, "a home changes its supplier"),
}

PROFILES: dict[str, tuple[Fault, ...]] = {
    "none": (),
    "wan": (Fault.WAN_LOST, Fault.WAN_DOUBLED, Fault.WAN_DELAYED, Fault.LINK_DOWN),
    "radio": (Fault.FRAME_LOST, Fault.FRAME_DOUBLED, Fault.FRAME_DELAYED, Fault.DEAF),
    "power": (Fault.POWER_CUT, Fault.TORN_WRITE, Fault.SWITCHED_OFF, Fault.HUB_OFF),
    "flash": (Fault.IMAGE_DAMAGED, Fault.FLASH_DAMAGED, Fault.TORN_WRITE, Fault.POWER_CUT),
    "devices": (
        Fault.DOES_NOT_START,
        Fault.NOT_RELEASED,
        Fault.OTHER_HARDWARE,
        Fault.STORE_FULL,
    ),
    "http": (Fault.ANSWER_LOST, Fault.RECEIVER_DOWN, Fault.RECEIVER_REFUSES),
    "kill": (Fault.KILLED, Fault.ANSWER_LOST),
    "clock": (Fault.CLOCK_STEP, Fault.HOME_CLOCK_STEP),
    "keys": (Fault.CERTIFICATE_REPLACED, Fault.CERTIFICATE_EXPIRED),
    "hubs": (Fault.HUB_OFF, Fault.HUB_REPLACED, Fault.LINK_DOWN),
    "suppliers": (Fault.CHANGE_OF_SUPPLIER,),
    "all": tuple(Fault),
}

# A fault that happens oftener than this a day leaves no day without it.
_A_DAY_MAX = 100.0

Rates = dict[Fault, float]


def parse_rates(text: str) -> Rates:
    """The rates that `--faults` asks for: profiles and `name=rate`, joined by commas.

    What comes later counts: `all,power-cut=0` is everything but power cuts. LocalError with the
    good names for one that is none, and for a rate that is out of range.
    """
    rates = dict.fromkeys(Fault, 0.0)
    for part in text.split(","):
        name, given, value = part.strip().partition("=")
        if given:
            fault = _fault(name)
            rates[fault] = _rate(fault, value)
        else:
            rates |= {fault: FAULTS[fault].rate for fault in _profile(name)}
    return rates


class Luck:
    """What chance decides in one world; `over` ends every fault for good."""

    def __init__(self, seed: int, rates: Rates) -> None:
        self.over = False
        self._rates = rates
        self._streams = {
            fault: random.Random(f"{seed} {fault}")  # noqa: S311 -- a world, not a key
            for fault in Fault
        }

    def rate(self, fault: Fault) -> float:
        """How often this fault happens."""
        return self._rates[fault]

    def stream(self, fault: Fault) -> random.Random:
        """Where everything about this fault is drawn from."""
        return self._streams[fault]

    def strikes(self, fault: Fault) -> bool:
        """Whether a fault of CHANCE happens this time."""
        rate = self._rates[fault]
        return rate > 0 and not self.over and self._streams[fault].random() < rate

    def instants_ms(self, fault: Fault, begin_ms: int, end_ms: int) -> list[int]:
        """When a fault of A_DAY happens to one subject, between two instants."""
        rate, stream = self._rates[fault], self._streams[fault]
        instants: list[int] = []
        at_ms = float(begin_ms)
        while rate > 0:
            at_ms += stream.expovariate(rate) * 86_400_000
            if at_ms >= end_ms:
                break
            instants.append(int(at_ms))
        return instants


class Countdown:
    """A fault of CHANCE at a place that is passed a hundred thousand times a second.

    It draws how many times nothing happens and counts them down: `left` is the number of passes
    until it happens, and whoever passes takes one off. At 0 it calls `again`.
    """

    __slots__ = ("_log", "_stream", "left")

    def __init__(self, luck: Luck, fault: Fault) -> None:
        rate = luck.rate(fault)
        self._stream = luck.stream(fault)
        self._log = math.log1p(-min(rate, _CHANCE_MAX)) if rate > 0 else 0.0
        self.left = -1  # never 0 by counting down
        self.again()

    def again(self) -> None:
        """Draw anew."""
        if self._log:
            self.left = 1 + int(math.log1p(-self._stream.random()) / self._log)


# As near to certainty as the logarithm allows.
_CHANCE_MAX = 0.999_999


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        good = ", ".join(Fault)
        raise LocalError(f"{name!r} is no fault: choose among {good}") from None


def _profile(name: str) -> tuple[Fault, ...]:
    if name not in PROFILES:
        raise LocalError(
            f"{name!r} is no profile of faults: choose among {', '.join(PROFILES)}, or give "
            f"NAME=RATE with one of {', '.join(Fault)}"
        )
    return PROFILES[name]


def _rate(fault: Fault, text: str) -> float:
    meaning = FAULTS[fault]
    highest = 1.0 if meaning.of is Of.CHANCE else _A_DAY_MAX
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= highest:
        raise LocalError(
            f"the rate of {fault} is a number from 0 to {highest:g} ({meaning.of.value}), "
            f"not {text!r}"
        )
    return rate
