"""The first method on a world: one signed 11.4 for its PPMIDs, and nothing more to do."""

from hanota.model import DeviceType
from hanota.rows import RequestRow
from hanota.sim.rollout import Rollout
from hanota.sim.world import World
from hanota.smki.organisations import SUPPLIER
from hanota.wire.duis.values import Request


class PpmidRollout(Rollout):
    """One 11.4 of the town's electricity supplier.

    Without a `request` of somebody else's making, one is made for every PPMID of the town.
    """

    def __init__(self, world: World, request: Request | None = None) -> None:
        fates = {home.device(DeviceType.PPMID).device_id: home.ppmid_fate for home in world.town}
        super().__init__(world, DeviceType.PPMID, SUPPLIER, fates)
        self.request = request

    def _send(self, now_ms: int) -> RequestRow:
        if self.request is not None:
            return self._supplier.send(self.request, now_ms)
        image_file = self.world.image_file(DeviceType.PPMID, self._supplier_id)
        return self._supplier.update_ppmid_firmware(image_file, self.device_ids, now_ms)

    def act(self, now_ms: int) -> None:
        """The hub has a PPMID activate its image: nothing is left to do."""
