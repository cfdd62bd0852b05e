"""An HCALCS, ESME or GSME: distribution with 11.1, activation with 11.3, reading with 11.2.

One party for the three kinds; what differs between them stands in tables: the form of the receipt
(`firmware_distribution.RECEIPT_FORMS`), the read (`firmware_version_read.READ_OF`), and that a GSME
sleeps. It takes an image as every OTA client does, but nothing that its hub says makes it run that
image: only its supplier's signed command does. The new image runs on trial as a PPMID's does, and
the outcome is told when that is over.

A sleepy device speaks when it has something to say, and hears only for a while after that; it asks
its hub for an image whenever it wakes, from which the hub knows that it listens.

Not here: every use case beside those of firmware.
"""

from collections.abc import Callable, Container
from functools import partial

import msgspec

from hanota.han import bootloader, download
from hanota.han.bootloader import Boot, Stage
from hanota.han.command_reception import ACTIVATE_FIRMWARE, Command, CommandReception, Trust
from hanota.han.effects import Effects, HanMessage, Record, Restart, Send, Wake
from hanota.han.firmware_activation import FirmwareActivation, Step
from hanota.han.firmware_distribution import RECEIPT_FORMS, FirmwareDistribution
from hanota.han.firmware_version_read import READ_OF, answer_read
from hanota.han.flash import FlashView
from hanota.han.gbcs_tunnel import GbcsTunnel
from hanota.han.originator import Originator
from hanota.han.ota_client import ClientSettings, OtaClient, State
from hanota.han.outbox import Outbox, Values
from hanota.han.ppmid import comes_up
from hanota.han.verification import Make, verify_image
from hanota.limits import GSME_LISTEN_S, GSME_WAKE_MIN, MINUTE_MS
from hanota.model import DeviceType
from hanota.wire.gbcs.cs06 import ActivateFirmwareCommand, ActivateFirmwareResult
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.image import DEVICE_TYPES, OtaImage
from hanota.wire.ota import UpgradeActivationPolicy
from hanota.wire.tunnel import MessageChunk, MessageReceipt
from hanota.wire.zcl import Direction

# Kinds that hear nothing while they sleep.
SLEEPY = frozenset({DeviceType.GSME})

TUNNEL = "tunnel"  # the outbox of GBCS messages, and the wake that repeats them
BEGIN = "begin"  # the wake after something was settled at power-on
EXECUTE = "execute"  # the wake at the time of a future-dated command

# What the first start of an image after its activation came to.
RESULTS = {
    Stage.TRIAL: ActivateFirmwareResult.SUCCESS,
    Stage.ROLLED_BACK: ActivateFirmwareResult.ACTIVATION_FAILURE,
}


class SignedImageDeviceSetup(msgspec.Struct, frozen=True):
    """What makes one device that device, and the world in which it lives."""

    device_id: int  # EUI-64
    hub_id: int  # EUI-64 of the hub that it has joined
    make: Make  # its image type is that of an HCALCS, ESME or GSME
    sign: Callable[[GbcsMessage], GbcsMessage]  # with its digital signature key
    released: Container[bytes]  # Manufacturer Image Hashes that its maker released
    trust: Trust  # with at least one supplier
    starts: Callable[[bytes], bool] = comes_up  # whether an image on trial comes up
    client: ClientSettings = ClientSettings()
    wake_interval_ms: int = GSME_WAKE_MIN * MINUTE_MS  # of a sleepy device

    @property
    def kind(self) -> DeviceType:
        """The kind of device, by its image type."""
        return DEVICE_TYPES[self.make.image_type]


class SignedImageDevice:
    """One device while it has power. `flash` is its own, for reading."""

    def __init__(self, setup: SignedImageDeviceSetup, flash: FlashView) -> None:
        self._setup = setup
        self._flash = flash
        self._sleepy = setup.kind in SLEEPY
        self._hears_until_ms = 0
        self._image: _RunningImage | None = None

    @property
    def running_version(self) -> int | None:
        """File version of the image that runs; None while none does."""
        return None if self._image is None else self._image.version

    @property
    def client(self) -> OtaClient | None:
        """Its OTA client; None while no image runs."""
        return None if self._image is None else self._image.client

    def power_on(self, now_ms: int) -> Effects:
        """Let the bootloader choose the image, settle an activation, then begin."""
        verify = partial(verify_image, make=self._setup.make, released=self._setup.released)
        booted = bootloader.boot(self._flash, verify, self._setup.starts)
        if booted.image is None:
            return booted.effects
        version = booted.image.header.file_version
        self._image = _RunningImage(self._setup, self._flash, verify, booted.slot, version)
        first = self._image.before_it_begins(RESULTS.get(booted.stage), now_ms)
        if first is None:
            return (*booted.effects, *self._listen(self._image.begin(now_ms), now_ms))
        # The client reads what is being recorded here: it begins in the next step.
        return (*booted.effects, first, Wake(now_ms, BEGIN))

    def receive(self, source: int, message: HanMessage, now_ms: int) -> Effects:
        """Take a message of the OTA cluster, or of the tunnel to the hub."""
        if self._image is None or (self._sleepy and now_ms > self._hears_until_ms):
            return ()
        self._hears_until_ms = now_ms + _LISTEN_MS
        return self._image.receive(source, message, now_ms)

    def wake(self, token: str, now_ms: int) -> Effects:
        """One of the device's wakes has come."""
        if self._image is None:
            return ()
        return self._listen(self._image.wake(token, now_ms), now_ms)

    def await_span(self, until_ms: int) -> Effects:
        """For depth `flow`: as for the OTA client."""
        return () if self.client is None else self.client.await_span(until_ms)

    def receive_span(self, offset: int, data: bytes, now_ms: int) -> Effects:
        """For depth `flow`: as for the OTA client."""
        return () if self.client is None else self.client.receive_span(offset, data, now_ms)

    def _listen(self, effects: Effects, now_ms: int) -> Effects:
        """Who has said something listens for the answer."""
        if any(type(effect) is Send for effect in effects):
            self._hears_until_ms = now_ms + _LISTEN_MS
        return effects


class _RunningImage:
    """What the image that runs does; before `begin` it takes nothing."""

    def __init__(
        self,
        setup: SignedImageDeviceSetup,
        flash: FlashView,
        verify: Callable[[bytes], OtaImage | None],
        slot: int,
        version: int,
    ) -> None:
        records = flash.records
        self.version = version
        self.client: OtaClient | None = None
        self._setup = setup
        self._flash = flash
        self._slot = slot
        self._resumes = False
        self._tunnel = GbcsTunnel(
            setup.hub_id, Direction.TO_SERVER, Outbox(TUNNEL, records), TUNNEL
        )
        codes = frozenset({ACTIVATE_FIRMWARE, READ_OF[setup.kind]})
        self._reception = CommandReception(setup.device_id, setup.trust, codes, records)
        originator = Originator(setup.device_id, setup.trust.acb, setup.sign, records)
        self._distribution = FirmwareDistribution(
            form=RECEIPT_FORMS[setup.kind],
            trust=setup.trust,
            originator=originator,
            slot=1 - slot,
            flash=flash,
            verify=verify,
        )
        self._activation = FirmwareActivation(
            originator=originator,
            running_version=version,
            held=self._distribution.held,
            records=records,
        )

    def before_it_begins(self, result: ActivateFirmwareResult | None, now_ms: int) -> Record | None:
        """What has to be recorded first; None where nothing is."""
        if result is not None:
            return self._settle(result, now_ms)
        if self._distribution.outlives_its_supplier():
            # The image stays, as that supplier's; whatever is offered from now on is another.
            return Record({download.DOWNLOAD_KEY: None})
        return None

    def _settle(self, result: ActivateFirmwareResult, now_ms: int) -> Record:
        """End an activation: what runs is confirmed, and the outcome is kept, at one stroke."""
        step = self._activation.settle(result, now_ms)
        return Record(
            {
                **bootloader.written(Boot(self._slot, Stage.CONFIRMED)),
                **download.FORGOTTEN,
                **self._values(step),
            }
        )

    def begin(self, now_ms: int) -> Effects:
        """Go on where the flash says that the device was."""
        self.client = OtaClient(
            server=self._setup.hub_id,
            make=self._setup.make,
            running_version=self.version,
            slot=1 - self._slot,
            flash=self._flash,
            verify=self._distribution.verify,
            upgrade=_not_by_the_hub,
            settings=_client_settings(self._setup),
            verified=self._tell,
        )
        begun = self.client.power_on(now_ms)
        self._resumes = self.client.state is State.VERIFYING
        waiting = self._carry_out(self._activation.power_on(now_ms), now_ms)
        return (*self._tunnel.send(now_ms), *begun, *waiting)

    def receive(self, source: int, message: HanMessage, now_ms: int) -> Effects:
        """Take a message of the OTA cluster, or of the tunnel to the hub."""
        if self.client is None:
            return ()
        match message:
            case MessageChunk():
                return self._receive_chunk(source, message, now_ms)
            case MessageReceipt():
                if source != self._setup.hub_id:
                    return ()
                return self._tunnel.receive_receipt(message, now_ms)
            case _:
                return self.client.receive(source, message, now_ms)

    def wake(self, token: str, now_ms: int) -> Effects:
        """One of the device's wakes has come."""
        if token == BEGIN:
            return self.begin(now_ms)
        if token == TUNNEL:
            return self._tunnel.repeat(now_ms)
        if token == EXECUTE:
            return self._carry_out(self._activation.time_reached(now_ms), now_ms)
        return () if self.client is None else self.client.wake(token, now_ms)

    def _receive_chunk(self, source: int, chunk: MessageChunk, now_ms: int) -> Effects:
        if source != self._setup.hub_id or chunk.direction is not Direction.TO_CLIENT:
            return ()
        whole = self._tunnel.receive_chunk(chunk)
        if whole is None:
            return ()
        receipt = self._tunnel.receipt(chunk)
        match self._reception.receive(whole):
            case Command() as command:
                step = self._obey(command, now_ms)
                return self._carry_out(step, now_ms, command.values, (receipt,))
        return (receipt,)

    def _obey(self, command: Command, now_ms: int) -> Step:
        match command.content:
            case ActivateFirmwareCommand() as content:
                return self._activation.receive(command.message.originator, content, now_ms)
        return Step(message=answer_read(command, self.version, self._setup.trust))

    def _tell(self, image: OtaImage | None, now_ms: int) -> Effects:
        step = self._distribution.tell(image, now_ms, again=self._resumes)
        self._resumes = False
        return self._carry_out(step, now_ms)

    def _values(self, step: Step) -> Values:
        told = {} if step.message is None else self._tunnel.add(step.message)
        return {**step.values, **told}

    def _carry_out(
        self, step: Step, now_ms: int, values: Values | None = None, sends: Effects = ()
    ) -> Effects:
        """Record everything at one stroke, then send."""
        recorded = {**(values or {}), **self._values(step)}
        if step.activates:
            trial = bootloader.written(
                Boot(1 - self._slot, Stage.TRIAL, 0, self._distribution.version)
            )
            return (Record({**recorded, **trial}), *sends, Restart())
        effects: Effects = (Record(recorded), *sends) if recorded else sends
        if step.message is not None:
            effects += self._tunnel.send(now_ms)
        if step.wake_at_ms is not None:
            effects += (Wake(max(now_ms, step.wake_at_ms), EXECUTE),)
        return effects


_LISTEN_MS = GSME_LISTEN_S * 1000


def _client_settings(setup: SignedImageDeviceSetup) -> ClientSettings:
    settings = msgspec.structs.replace(
        setup.client, upgrade_activation_policy=UpgradeActivationPolicy.OUT_OF_BAND_ONLY
    )
    if setup.kind not in SLEEPY:
        return settings
    return msgspec.structs.replace(settings, query_interval_ms=setup.wake_interval_ms)


def _not_by_the_hub(_slot: int, _version: int) -> Effects:
    return ()
