"""The client side of the OTA Upgrade cluster: query, download, verify, and the time to upgrade.

Source: ZCL8 chapter 11; where it leaves a choice, Silicon Labs' client. Shared by every kind of
device: what makes an image sound, and what upgrading is, come in as arguments.

After a power cut the flash says where the client was: a part of an image is asked for again, a
whole one is verified anew and the server asked again when to upgrade.

Not here: discovery (a device belongs to the hub that it joined), page requests, several files.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, ClassVar

import msgspec

from hanota.han.download import Download, Offer
from hanota.han.effects import Effects, Send, Wake
from hanota.han.flash import FlashView
from hanota.han.patience import Patience, Watch
from hanota.han.refusal import refuse
from hanota.han.verification import Make
from hanota.han.waiting import wait_ms
from hanota.limits import (
    BLOCK_SIZE_OCTETS,
    BLOCK_TRIES_MAX,
    HOUR_MS,
    MINUTE_MS,
    PAST_REQUEST_TIME_WAIT_MIN,
    PAST_UPGRADE_TIME_WAIT_MIN,
    QUERY_INTERVAL_H,
    RESPONSE_TIMEOUT_MS,
    RETRY_PAUSE_MS,
    UPGRADE_END_RETRY_MIN,
    UPGRADE_END_TRIES_MAX,
    WAIT_MINUTES_MAX,
)
from hanota.wire import ota, ota_codec
from hanota.wire.codes import ZclStatus
from hanota.wire.image import OtaImage
from hanota.wire.ota import ImageUpgradeStatus, UpgradeActivationPolicy, UpgradeTimeoutPolicy
from hanota.wire.zcl import DefaultResponse


class State(IntEnum):
    """Where a client is."""

    NORMAL = 0
    QUERYING = 1
    DOWNLOADING = 2
    VERIFYING = 3  # every octet is there
    DISCARDING = 4  # has told the server INVALID_IMAGE
    WAITING_TO_UPGRADE = 5  # has told the server SUCCESS
    COUNT_DOWN = 6  # knows when


# What a client takes from its server in each state, and where it may be afterwards. A pair that is
# not here changes nothing: a command for servers is refused, anything else is late or doubled.
TRANSITIONS: dict[tuple[State, type], frozenset[State]] = {
    (State.NORMAL, ota.ImageNotify): frozenset({State.QUERYING}),
    (State.QUERYING, ota.QueryNextImageResponse): frozenset(
        {State.NORMAL, State.DOWNLOADING, State.VERIFYING, State.DISCARDING}
    ),
    (State.QUERYING, ota.QueryNextImageRefused): frozenset({State.NORMAL}),
    (State.QUERYING, DefaultResponse): frozenset({State.QUERYING, State.NORMAL}),
    (State.DOWNLOADING, ota.ImageBlockResponse): frozenset({State.DOWNLOADING, State.VERIFYING}),
    (State.DOWNLOADING, ota.ImageBlockWait): frozenset({State.DOWNLOADING}),
    (State.DOWNLOADING, ota.ImageBlockRefused): frozenset({State.NORMAL}),
    (State.DOWNLOADING, DefaultResponse): frozenset({State.DOWNLOADING, State.NORMAL}),
    (State.DISCARDING, DefaultResponse): frozenset({State.DISCARDING, State.NORMAL}),
    (State.WAITING_TO_UPGRADE, ota.ImageNotify): frozenset({State.WAITING_TO_UPGRADE}),
    (State.WAITING_TO_UPGRADE, ota.UpgradeEndResponse): frozenset(
        {State.WAITING_TO_UPGRADE, State.COUNT_DOWN, State.NORMAL}
    ),
    (State.WAITING_TO_UPGRADE, DefaultResponse): frozenset(
        {State.WAITING_TO_UPGRADE, State.NORMAL}
    ),
    (State.COUNT_DOWN, ota.UpgradeEndResponse): frozenset(
        {State.WAITING_TO_UPGRADE, State.COUNT_DOWN}
    ),
}

# The names of the client's wakes.
QUERY = "ota-query"  # it is time to look for an image
NEXT = "ota-next"  # it is time for what this state does next
ANSWER = "ota-answer"  # an answer may be overdue


class ClientSettings(msgspec.Struct, frozen=True, gc=False):
    """How a client behaves where a device's maker chooses."""

    block_size_octets: int = BLOCK_SIZE_OCTETS
    query_interval_ms: int = QUERY_INTERVAL_H * HOUR_MS
    first_query_ms: int = 0  # after power-on; a random delay keeps devices from asking together
    refuses_downgrade: bool = False  # versions are opaque: none promises an order
    upgrade_timeout_policy: UpgradeTimeoutPolicy = UpgradeTimeoutPolicy.DO_NOT_APPLY_AFTER_TIMEOUT
    upgrade_activation_policy: UpgradeActivationPolicy = UpgradeActivationPolicy.SERVER


def says_nothing(_image: OtaImage | None, _now_ms: int) -> Effects:
    """What a device says of a verification that nobody wants to hear of."""
    return ()


class OtaClient:
    """The client of one device.

    Args:
        server: EUI-64 of the hub; from other nodes only an Image Notify is taken.
        make: what the device is.
        running_version: file version of the image that runs.
        slot: the image slot that is free.
        flash: the device's own.
        verify: gives the image if it may run on this device.
        upgrade: gives the effects that make the image in the slot run.
        verified: gives what comes of a verification before the server hears of it; its arguments
            are the image, None where it is discarded, and the instant.
        settings: the maker's choices.
    """

    def __init__(
        self,
        *,
        server: int,
        make: Make,
        running_version: int,
        slot: int,
        flash: FlashView,
        verify: Callable[[bytes], OtaImage | None],
        upgrade: Callable[[int, int], Effects],
        settings: ClientSettings,
        verified: Callable[[OtaImage | None, int], Effects] = says_nothing,
    ) -> None:
        self._server = server
        self._make = make
        self._running_version = running_version
        self._slot = slot
        self._flash = flash
        self._verify = verify
        self._upgrade = upgrade
        self._verified = verified
        self._settings = settings
        self._download = Download(flash, slot, make)
        self._watch = Watch(ANSWER)
        self._state = State.NORMAL
        self._tsn = 0
        self._tries = 0
        self._asked_ms = 0
        self._block_period_ms = 0  # attribute MinimumBlockPeriod
        self._upgrade_at_ms = 0

    @property
    def state(self) -> State:
        """Where the client is."""
        return self._state

    @property
    def status(self) -> ImageUpgradeStatus:
        """Attribute ImageUpgradeStatus."""
        return _STATUS[self._state]

    @property
    def progress(self) -> tuple[int, int]:
        """Octets that are downloaded, and octets of the image; 0 and 0 where there is none."""
        offer = self._download.offer
        return (0, 0) if offer is None else (self._download.offset, offer.size_octets)

    def power_on(self, now_ms: int) -> Effects:
        """Begin, or go on where the flash says that the client was."""
        look = Wake(now_ms + self._settings.first_query_ms, QUERY)
        offer = self._download.offer
        if offer is None or not self._download.complete or self._runs(offer):
            return (look,)
        self._state = State.VERIFYING
        return (look, Wake(now_ms, NEXT))

    def receive(self, source: int, message: ota_codec.Message, now_ms: int) -> Effects:
        """Take a command of the OTA cluster, whoever sends it."""
        kind = type(message)
        if source != self._server and kind is not ota.ImageNotify:
            return refuse(source, message, ZclStatus.NOT_AUTHORIZED)
        if (self._state, kind) in TRANSITIONS:
            return self._TAKE[kind](self, message, now_ms)
        if kind in _FOR_SERVERS:
            return refuse(source, message, ZclStatus.UNSUP_CLUSTER_COMMAND)
        return ()

    def wake(self, token: str, now_ms: int) -> Effects:
        """One of the client's wakes has come."""
        return self._WAKES[token](self, now_ms)

    def await_span(self, until_ms: int) -> Effects:
        """The radio brings many blocks at once (depth `flow`), but not before this."""
        if self._state is not State.DOWNLOADING:
            return ()
        return self._watch.expect(until_ms + RESPONSE_TIMEOUT_MS)

    def receive_span(self, offset: int, data: bytes, now_ms: int) -> Effects:
        """Take the blocks from `offset` on that the radio brings at once (depth `flow`)."""
        if self._state is not State.DOWNLOADING or offset != self._download.offset:
            return ()
        return self._write(data, now_ms)

    def _runs(self, offer: Offer) -> bool:
        return offer.file_version == self._running_version

    # Requests

    def _query_due(self, now_ms: int) -> Effects:
        again = Wake(now_ms + self._settings.query_interval_ms, QUERY)
        return (again, *self._look_for_image(now_ms))

    def _go_on(self, now_ms: int) -> Effects:
        return self._NEXT[self._state](self, now_ms)

    def _look_for_image(self, now_ms: int) -> Effects:
        match self._state:
            case State.NORMAL:
                return self._begin(State.QUERYING, now_ms)
            case State.WAITING_TO_UPGRADE:
                return self._begin(State.WAITING_TO_UPGRADE, now_ms)
        return ()

    def _begin(self, state: State, now_ms: int) -> Effects:
        """Enter a state whose first act is its request."""
        self._state = state
        self._tries = 0
        return self._ask(now_ms)

    def _ask(self, now_ms: int) -> Effects:
        self._tsn = (self._tsn + 1) & 0xFF
        self._tries += 1
        self._asked_ms = now_ms
        request = Send(self._server, self._REQUEST[self._state](self))
        return (request, *self._watch.expect(now_ms + _PATIENCE[self._state].timeout_ms))

    def _look_for_answer(self, now_ms: int) -> Effects:
        overdue, effects = self._watch.overdue(now_ms)
        if not overdue:
            return effects
        patience = _PATIENCE[self._state]
        if self._tries < patience.tries:
            return self._pause(now_ms + patience.pause_ms)
        return self._UNANSWERED[self._state](self, now_ms)

    def _pause(self, until_ms: int) -> Effects:
        self._watch.answered()
        return (Wake(until_ms, NEXT),)

    def _stop(self, _now_ms: int) -> Effects:
        """Wait for the next query; what is downloaded stays."""
        self._watch.answered()
        self._state = State.NORMAL
        return ()

    def _query_request(self) -> ota.QueryNextImageRequest:
        make = self._make
        return ota.QueryNextImageRequest(
            self._tsn,
            make.manufacturer_code,
            make.image_type,
            self._running_version,
            make.hardware_version,
        )

    def _block_request(self) -> ota.ImageBlockRequest:
        return ota.ImageBlockRequest(
            self._tsn,
            self._make.manufacturer_code,
            self._make.image_type,
            self._download.wanted.file_version,
            self._download.offset,
            self._settings.block_size_octets,
            None,
            self._block_period_ms,
        )

    def _end_request(self) -> ota.UpgradeEndRequest:
        discarding = self._state is State.DISCARDING
        return ota.UpgradeEndRequest(
            self._tsn,
            ZclStatus.INVALID_IMAGE if discarding else ZclStatus.SUCCESS,
            self._make.manufacturer_code,
            self._make.image_type,
            self._download.wanted.file_version,
        )

    # Answers

    def _notified(self, _message: ota.ImageNotify, now_ms: int) -> Effects:
        return self._look_for_image(now_ms)

    def _offered(self, message: ota.QueryNextImageResponse, now_ms: int) -> Effects:
        self._stop(now_ms)
        offer = Offer(message.file_version, message.image_size_octets)
        named = (message.manufacturer_code, message.image_type)
        if named != (self._make.manufacturer_code, self._make.image_type):
            return refuse(self._server, message, ZclStatus.INVALID_FIELD)
        if self._runs(offer):
            return ()
        if not 0 < offer.size_octets <= self._flash.slot_octets:
            return refuse(self._server, message, ZclStatus.INSUFFICIENT_SPACE)
        if self._settings.refuses_downgrade and offer.file_version < self._running_version:
            self._download.offer = offer
            return self._begin(State.DISCARDING, now_ms)
        return self._fetch(offer, now_ms)

    def _fetch(self, offer: Offer, now_ms: int) -> Effects:
        effects = self._download.accept(offer)
        if self._download.complete:
            return (*effects, *self._completed(now_ms))
        return (*effects, *self._begin(State.DOWNLOADING, now_ms))

    def _block(self, message: ota.ImageBlockResponse, now_ms: int) -> Effects:
        download = self._download
        wanted = download.wanted
        if message.file_offset != download.offset or message.file_version != wanted.file_version:
            return ()  # the answer to a request of before
        octets = len(message.data)
        fits = download.offset + octets <= wanted.size_octets
        if not (fits and 0 < octets <= self._settings.block_size_octets):
            return refuse(self._server, message, ZclStatus.MALFORMED_COMMAND)
        return self._write(message.data, now_ms)

    def _write(self, data: bytes, now_ms: int) -> Effects:
        download = self._download
        write = download.append(data)
        if download.complete:
            return (write, *self._completed(now_ms))
        self._tries = 0
        self._watch.answered()
        return (write, Wake(max(now_ms, self._asked_ms + self._block_period_ms), NEXT))

    def _told_to_wait(self, message: ota.ImageBlockWait, now_ms: int) -> Effects:
        if message.minimum_block_period_ms is not None:
            self._block_period_ms = message.minimum_block_period_ms
        wait = wait_ms(
            message.current_time_s,
            message.request_time_s,
            past_ms=PAST_REQUEST_TIME_WAIT_MIN * MINUTE_MS,
        )
        self._tries = 0
        return self._pause(
            max(now_ms + min(wait, _WAIT_MS_MAX), self._asked_ms + self._block_period_ms)
        )

    def _refused(self, _message: ota_codec.Message, now_ms: int) -> Effects:
        return self._stop(now_ms)

    def _default_response(self, message: DefaultResponse, now_ms: int) -> Effects:
        if message.tsn != self._tsn:
            return ()
        if self._state is State.DISCARDING:
            return self._discard(now_ms)
        return () if message.status == ZclStatus.SUCCESS else self._stop(now_ms)

    # Every octet is there

    def _completed(self, now_ms: int) -> Effects:
        """Verify in a step of its own: what is being written can be read only then."""
        self._state = State.VERIFYING
        return self._pause(now_ms)

    def _verify_download(self, now_ms: int) -> Effects:
        image = self._verify(self._flash.content(self._slot))
        if image is not None and image.header.file_version != self._download.wanted.file_version:
            image = None
        state = State.DISCARDING if image is None else State.WAITING_TO_UPGRADE
        return (*self._verified(image, now_ms), *self._begin(state, now_ms))

    def _discard(self, now_ms: int) -> Effects:
        self._stop(now_ms)
        return self._download.discard()

    def _told_when(self, message: ota.UpgradeEndResponse, now_ms: int) -> Effects:
        if not self._means_this_image(message):
            return ()
        if self._settings.upgrade_activation_policy is UpgradeActivationPolicy.OUT_OF_BAND_ONLY:
            return self._told_by_the_wrong_party(message, now_ms)
        if message.upgrade_time_s == ota.UPGRADE_TIME_HOLD:
            self._state = State.WAITING_TO_UPGRADE
            self._tries = 0
            return self._pause(now_ms + _WAIT_MS_MAX)
        self._state = State.COUNT_DOWN
        self._upgrade_at_ms = now_ms + wait_ms(
            message.current_time_s,
            message.upgrade_time_s,
            past_ms=PAST_UPGRADE_TIME_WAIT_MIN * MINUTE_MS,
        )
        return self._pause(min(self._upgrade_at_ms, now_ms + _WAIT_MS_MAX))

    def _told_by_the_wrong_party(self, message: ota.UpgradeEndResponse, now_ms: int) -> Effects:
        """Somebody else decides when to upgrade: the image stays, and the server has been told."""
        self._stop(now_ms)
        if message.upgrade_time_s == ota.UPGRADE_TIME_HOLD:
            return ()
        return refuse(self._server, message, ZclStatus.NOT_AUTHORIZED)

    def _means_this_image(self, message: ota.UpgradeEndResponse) -> bool:
        make = self._make
        return (
            message.manufacturer_code in {make.manufacturer_code, ota.ANY_MANUFACTURER}
            and message.image_type in {make.image_type, ota.ANY_IMAGE_TYPE}
            and message.file_version in {self._download.wanted.file_version, ota.ANY_FILE_VERSION}
        )

    def _count_down(self, now_ms: int) -> Effects:
        if now_ms < self._upgrade_at_ms:
            return self._begin(State.WAITING_TO_UPGRADE, now_ms)
        return self._upgrade(self._slot, self._download.wanted.file_version)

    def _apply_or_keep(self, _now_ms: int) -> Effects:
        """No Upgrade End Response comes. A kept image is asked about again with the next query."""
        if self._settings.upgrade_timeout_policy is UpgradeTimeoutPolicy.APPLY_AFTER_TIMEOUT:
            return self._upgrade(self._slot, self._download.wanted.file_version)
        return ()

    def _rest(self, _now_ms: int) -> Effects:
        return ()

    _TAKE: ClassVar[dict[type, Callable[["OtaClient", Any, int], Effects]]] = {
        ota.ImageNotify: _notified,
        ota.QueryNextImageResponse: _offered,
        ota.QueryNextImageRefused: _refused,
        ota.ImageBlockResponse: _block,
        ota.ImageBlockWait: _told_to_wait,
        ota.ImageBlockRefused: _refused,
        ota.UpgradeEndResponse: _told_when,
        DefaultResponse: _default_response,
    }

    _WAKES: ClassVar[dict[str, Callable[["OtaClient", int], Effects]]] = {
        QUERY: _query_due,
        NEXT: _go_on,
        ANSWER: _look_for_answer,
    }

    # What a state does when its pause is over.
    _NEXT: ClassVar[dict[State, Callable[["OtaClient", int], Effects]]] = {
        State.NORMAL: _rest,
        State.QUERYING: _ask,
        State.DOWNLOADING: _ask,
        State.VERIFYING: _verify_download,
        State.DISCARDING: _ask,
        State.WAITING_TO_UPGRADE: _ask,
        State.COUNT_DOWN: _count_down,
    }

    # The states that ask their server for something: what, how patiently, and what if in vain.
    _REQUEST: ClassVar[dict[State, Callable[["OtaClient"], ota_codec.Message]]] = {
        State.QUERYING: _query_request,
        State.DOWNLOADING: _block_request,
        State.DISCARDING: _end_request,
        State.WAITING_TO_UPGRADE: _end_request,
    }

    _UNANSWERED: ClassVar[dict[State, Callable[["OtaClient", int], Effects]]] = {
        State.QUERYING: _stop,
        State.DOWNLOADING: _stop,
        State.DISCARDING: _discard,
        State.WAITING_TO_UPGRADE: _apply_or_keep,
    }


_WAIT_MS_MAX = WAIT_MINUTES_MAX * MINUTE_MS

_STATUS = {
    State.NORMAL: ImageUpgradeStatus.NORMAL,
    State.QUERYING: ImageUpgradeStatus.NORMAL,
    State.DOWNLOADING: ImageUpgradeStatus.DOWNLOADING,
    State.VERIFYING: ImageUpgradeStatus.DOWNLOAD_COMPLETE,
    State.DISCARDING: ImageUpgradeStatus.DOWNLOAD_COMPLETE,
    State.WAITING_TO_UPGRADE: ImageUpgradeStatus.WAITING_TO_UPGRADE,
    State.COUNT_DOWN: ImageUpgradeStatus.COUNT_DOWN,
}

_FOR_SERVERS = frozenset(
    {
        ota.QueryNextImageRequest,
        ota.ImageBlockRequest,
        ota.ImagePageRequest,
        ota.UpgradeEndRequest,
        ota.QueryDeviceSpecificFileRequest,
    }
)


_BRIEF = Patience(RESPONSE_TIMEOUT_MS, RETRY_PAUSE_MS, BLOCK_TRIES_MAX)
_LONG = Patience(UPGRADE_END_RETRY_MIN * MINUTE_MS, 0, UPGRADE_END_TRIES_MAX)
_PATIENCE = {
    State.QUERYING: _BRIEF,
    State.DOWNLOADING: _BRIEF,
    State.DISCARDING: _LONG,
    State.WAITING_TO_UPGRADE: _LONG,
}
