"""The second method on a world: one 11.1 for its HCALCSs, then an 11.3 for each that has the image.

Most are activated at once, some a day later, and of those some are cancelled before; what else is
not as usual in an activation belongs to the fate of a home as well.
"""

from collections.abc import Iterable
from enum import StrEnum

from hanota.limits import DAY_MS
from hanota.model import DeviceType, Milestone
from hanota.rows import Delivery, RequestRow
from hanota.sim.rollout import Rollout
from hanota.sim.town import Fate
from hanota.sim.town_homes import lose_image
from hanota.sim.town_images import factory_image
from hanota.sim.world import World
from hanota.smki.organisations import SUPPLIER
from hanota.wire.image import manufacturer_image_hash


class Activation(StrEnum):
    """How a supplier has a device activate its image."""

    AT_ONCE = "at once"
    AT_A_TIME = "at a time"
    CANCELLED = "cancelled"  # after it had been asked for, at a time


_LATER = frozenset({Fate.DATED, Fate.CANCELLED})
# What a device has come to when it is to be activated, and when that may be cancelled.
_ACTED_UPON = frozenset({Milestone.DISTRIBUTED, Milestone.ACTIVATION_ACCEPTED})


class HcalcsRollout(Rollout):
    """One 11.1 of the town's electricity supplier, and an 11.3 or two for each device.

    `activations` says of each device what was asked for last; where it has no image it is not
    among them.
    """

    def __init__(self, world: World) -> None:
        fates = {
            device.device_id: home.hcalcs_fate
            for home in world.town
            for device in home.devices_of(DeviceType.HCALCS)
        }
        super().__init__(world, DeviceType.HCALCS, SUPPLIER, fates)
        self.activations: dict[int, Activation] = {}
        self._hash = manufacturer_image_hash(self.image)
        self._other_hash = manufacturer_image_hash(factory_image(DeviceType.HCALCS))

    def _send(self, now_ms: int) -> RequestRow:
        image_file = self.world.image_file(DeviceType.HCALCS, self._supplier_id)
        return self._supplier.update_firmware(image_file, self.device_ids, now_ms)

    def act(self, now_ms: int) -> None:
        """Activate whatever has come to hold the image, and cancel what is to be cancelled."""
        if _ACTED_UPON.isdisjoint(state for state, _ in self.counts()):
            return
        deliveries = list(self.deliveries())
        self._activate(_in(deliveries, Milestone.DISTRIBUTED) - self.activations.keys(), now_ms)
        self._cancel(_in(deliveries, Milestone.ACTIVATION_ACCEPTED), now_ms)

    @property
    def is_settled(self) -> bool:
        """As of any rollout; and the time that was cancelled has passed without effect."""
        return super().is_settled and self.world.now_ms > self._later_ms

    @property
    def _later_ms(self) -> int:
        """When what is not activated at once is to be: a whole second."""
        return self._row.at_ms // 1000 * 1000 + DAY_MS

    def _activate(self, device_ids: Iterable[int], now_ms: int) -> None:
        alike: dict[tuple[bytes, int | None], list[int]] = {}
        for device_id in sorted(device_ids):
            fate = self._fates[device_id]
            if fate is Fate.IMAGE_LOST:
                lose_image(self.world.homes, device_id)
            alike.setdefault(self._command(fate), []).append(device_id)
        for (firmware_hash, execution_ms), ids in alike.items():
            self._supplier.activate_firmware(ids, firmware_hash, execution_ms, now_ms)
            asked = Activation.AT_ONCE if execution_ms is None else Activation.AT_A_TIME
            self.activations |= dict.fromkeys(ids, asked)

    def _command(self, fate: Fate) -> tuple[bytes, int | None]:
        """Hash and execution time of the 11.3 for a device with that fate."""
        firmware_hash = self._other_hash if fate is Fate.WRONG_HASH else self._hash
        return firmware_hash, self._later_ms if fate in _LATER else None

    def _cancel(self, device_ids: Iterable[int], now_ms: int) -> None:
        unwanted = [
            device_id
            for device_id in sorted(device_ids)
            if self._fates[device_id] is Fate.CANCELLED
            and self.activations[device_id] is not Activation.CANCELLED
        ]
        if unwanted:
            self._supplier.cancel_activation(unwanted, self._hash, now_ms)
            self.activations |= dict.fromkeys(unwanted, Activation.CANCELLED)


def _in(deliveries: Iterable[Delivery], state: Milestone) -> set[int]:
    return {delivery.device_id for delivery in deliveries if delivery.state == state}
