"""A supplier of a small town at work: what it asks for, and what its ledger says came of it."""

from hanota.limits import DAY_MS
from hanota.model import Milestone
from hanota.sim.world import START_MS
from hanota.smki.organisations import SUPPLIER
from hanota.wire.duis import decode_response, open_document
from hanota.wire.duis.values import GBCSPayload, ResponseMessage
from hanota.wire.gbcs import message as gbcs
from hanota.wire.gbcs.content import decode_content
from hanota.wire.gbcs.cs06 import ActivateFirmwareOutcome
from hanota.wire.image import manufacturer_image_hash

UNTIL_MS = START_MS + 40 * DAY_MS


class AServiceUser:
    """One of the suppliers of an ATown."""

    def __init__(self, town, supplier_id=SUPPLIER) -> None:
        self.world = town.world
        self.id = supplier_id
        self.shell = town.world.suppliers[supplier_id]
        self.ledger = town.ledgers[supplier_id]

    @property
    def now_ms(self):
        return self.world.now_ms

    def hash_of(self, kind):
        return manufacturer_image_hash(self.world.images[kind])

    def distribute(self, kind, *device_ids, until=Milestone.DISTRIBUTED):
        """11.1, and run until all of the devices are in that state."""
        self.shell.update_firmware(self.world.image_file(kind, self.id), device_ids, self.now_ms)
        self.run_until(until, *device_ids)

    def activate(self, kind, *device_ids, at_ms=None, image_hash=None, until=None):
        """11.3 for each; with `until`, run until all of the devices are in that state."""
        image_hash = image_hash or self.hash_of(kind)
        rows = self.shell.activate_firmware(device_ids, image_hash, at_ms, self.now_ms)
        if until is not None:
            self.run_until(until, *device_ids)
        return rows

    def run_until(self, state, *device_ids):
        self.run(lambda: self.states(*device_ids) == [state] * len(device_ids))
        assert self.states(*device_ids) == [state] * len(device_ids), self.story(device_ids[0])

    def run(self, is_over, until_ms=UNTIL_MS):
        for _ in self.world.chain.run(is_over, until_ms=until_ms):
            pass

    def settle(self):
        """Run until nothing is under way any more."""
        self.run(self.world.chain.is_quiet)

    def states(self, *device_ids):
        with self.ledger.view() as view:
            last = view.last_deliveries(device_ids)
        return [last[device_id].state for device_id in device_ids]

    def reasons(self, *device_ids):
        with self.ledger.view() as view:
            last = view.last_deliveries(device_ids)
        return [last[device_id].reason for device_id in device_ids]

    def story(self, device_id):
        with self.ledger.view() as view:
            return [entry.event for entry in view.timeline(device_id, 50)]

    def answer(self, row):
        """The response code with which the DCC answered a request."""
        with self.ledger.view() as view:
            octets = view.request(row.request_id, row.command_variant).answer
        return decode_response(open_document(octets)).response_code

    def outcomes(self, device_id):
        """What the device has answered to commands that were to activate at once, in its order."""
        with self.ledger.view() as view:
            messages = [entry.message for entry in view.timeline(device_id, 50)]
        messages = [octets for octets in messages if octets.startswith(b"<?xml")]
        told = (decode_response(open_document(octets)).body for octets in messages)
        contents = [
            decode_content(gbcs.decode(body.content.payload))
            for body in told
            if isinstance(body, ResponseMessage) and isinstance(body.content, GBCSPayload)
        ]
        return [one.result for one in contents if isinstance(one, ActivateFirmwareOutcome)]
