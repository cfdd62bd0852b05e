"""Which envelopes an accepted request sends to which hubs."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st
from tests.dcc.samples import ACB, HUB_ID, SUPPLIER, device

from hanota.dcc.distribution import distribute
from hanota.limits import DEVICES_PER_HUB_MAX
from hanota.model import DeviceType, RequestID
from hanota.wire import wan

REQUEST_ID = RequestID(SUPPLIER, ACB, 1000)
DIGEST = bytes(range(32))


@given(st.dictionaries(st.integers(1, 50), st.integers(1, 40), max_size=8))
def test_every_device_is_named_once_to_its_own_hub(sizes):
    accepted = {
        hub: tuple(device(DeviceType.PPMID, device_id=100 * hub + n) for n in range(size))
        for hub, size in sizes.items()
    }
    sent = list(distribute(REQUEST_ID, DIGEST, accepted))
    for hub, devices in accepted.items():
        named = chain.from_iterable(m.device_ids for to, m in sent if to == hub)
        assert list(named) == [row.device_id for row in devices]
    for _, message in sent:
        assert wan.decode(wan.encode(message)) == message
    assert len(sent) == sum(-(-size // DEVICES_PER_HUB_MAX) for size in sizes.values())


def test_one_envelope_for_the_devices_of_one_hub():
    rows = tuple(device(DeviceType.PPMID, device_id=n) for n in (5, 3))
    sent = list(distribute(REQUEST_ID, DIGEST, {HUB_ID: rows}))
    assert sent == [(HUB_ID, wan.DeliverImage(REQUEST_ID, DIGEST, (5, 3)))]
