"""The sizes that the model counts with are those of real messages in a town."""

import pytest
from tests.sim.a_town import ATown

from hanota.wire import wan
from hanota.wire.wan import FromDevice, ImageStored

pytest.importorskip("numpy")

from hanota.impact import messages
from hanota.impact.home import CS09_CHUNKS
from hanota.limits import TUNNEL_CHUNK_OCTETS


def test_octets_are_those_of_the_envelopes_and_pushes_of_a_town():
    town = ATown(homes=1)
    down, up = [], []
    chain, homes = town.world.chain, town.world.homes
    receive_wan, take = homes.receive_wan, chain._from_hubs.send

    def heard(hub_id, body):
        down.append(len(body))
        return receive_wan(hub_id, body)

    def sent(message, now_ms):
        up.append(wan.decode(message.body))
        take(message, now_ms)

    homes.receive_wan, chain._from_hubs.send = heard, sent
    town.run()
    stored = [len(wan.encode(each)) for each in up if isinstance(each, ImageStored)]
    alerts = [each for each in up if isinstance(each, FromDevice)]
    assert down == [messages.DELIVER_IMAGE_OCTETS]
    assert stored == [messages.IMAGE_STORED_OCTETS]
    ccs08, cs09 = (len(wan.encode(each)) for each in alerts)
    assert (ccs08, cs09) == (messages.CCS08_OCTETS, messages.CS09_OCTETS)
    assert -(-len(alerts[1].gbcs) // TUNNEL_CHUNK_OCTETS) == CS09_CHUNKS
    assert all(abs(len(push) / messages.PUSH_OCTETS - 1) < 0.1 for push in town.pushes)
