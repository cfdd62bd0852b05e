"""11.1 and 11.4: every refusal, every reason, their order, and what many devices cost."""

import msgspec
import pytest
from tests.dcc.samples import (
    DEVICE_ID,
    HUB_ID,
    OLD,
    OTHER_SUPPLIER,
    SUPPLIER,
    device,
    entry,
    hub,
    image,
)

from hanota.dcc.products import ProductList
from hanota.dcc.update_firmware import (
    DEVICE_CHECKS,
    UPDATE_SERVICES,
    Case,
    code_of_image_fault,
    decide,
    lists_of,
)
from hanota.limits import DEVICES_PER_REQUEST_MAX
from hanota.model import DeviceStatus, DeviceType, LeftOut, LeftOutList
from hanota.rows import ProductStatus
from hanota.wire.codes import ImageFault, ResponseCode

KIND = {"11.1": DeviceType.HCALCS, "11.4": DeviceType.PPMID}
SERVICES = tuple(KIND)


def case(service: str, devices=None, entries=None, the_image=None, **changes) -> Case:
    kind = KIND[service]
    devices = [device(kind), hub()] if devices is None else devices
    the_image = the_image or image(kind)
    products = ProductList([entry(kind)] if entries is None else entries)
    sound = Case(
        service=UPDATE_SERVICES[service],
        user_id=SUPPLIER,
        image=the_image,
        signature_valid=UPDATE_SERVICES[service].signed,
        entries=products.of_image(the_image),
        devices={row.device_id: row for row in devices},
        in_progress=frozenset(),
    )
    return msgspec.structs.replace(sound, **changes)


@pytest.mark.parametrize("service", SERVICES)
def test_a_sound_request_is_accepted_whole(service):
    decision = decide(case(service), [DEVICE_ID])
    assert decision.code is ResponseCode.I0
    assert decision.accepted == {HUB_ID: (device(KIND[service]),)}
    assert decision.left_out == {}


# One minimal case a reason: what is unlike the sound one.
REASONS = {
    "unknown": (LeftOut.UNKNOWN_DEVICE, lambda _: {"devices": [hub()]}),
    "other supplier": (
        LeftOut.NOT_YOUR_DEVICE,
        lambda kind: {"devices": [device(kind, suppliers=(OTHER_SUPPLIER,)), hub()]},
    ),
    "no supplier": (
        LeftOut.NOT_YOUR_DEVICE,
        lambda kind: {"devices": [device(kind, suppliers=()), hub()]},
    ),
    "IHD": (LeftOut.WRONG_TYPE, lambda _: {"devices": [device(DeviceType.IHD), hub()]}),
    "CAD": (LeftOut.WRONG_TYPE, lambda _: {"devices": [device(DeviceType.CAD), hub()]}),
    "GPF": (LeftOut.WRONG_TYPE, lambda _: {"devices": [device(DeviceType.GPF), hub()]}),
    "hub": (LeftOut.WRONG_TYPE, lambda _: {"devices": [device(DeviceType.CHF), hub()]}),
    **{
        status: (
            LeftOut.NOT_COMMISSIONED,
            lambda kind, status=status: {"devices": [device(kind, status=status), hub()]},
        )
        for status in DeviceStatus
        if status is not DeviceStatus.COMMISSIONED
    },
    "other maker": (
        LeftOut.NO_PRODUCT_ENTRY,
        lambda kind: {"devices": [device(kind, manufacturer="Another"), hub()]},
    ),
    "other model": (
        LeftOut.WRONG_MODEL,
        lambda kind: {"devices": [device(kind, model="Another"), hub()]},
    ),
    "withdrawn for this model": (
        LeftOut.ENTRY_NOT_ACTIVE,
        lambda kind: {
            "entries": [entry(kind, status=ProductStatus.WITHDRAWN), entry(kind, model="Another")]
        },
    ),
    "hardware unknown": (
        LeftOut.WRONG_HARDWARE,
        lambda kind: {"devices": [device(kind, hardware_version=None), hub()]},
    ),
    "hardware not of the entry": (
        LeftOut.WRONG_HARDWARE,
        lambda kind: {"devices": [device(kind, hardware_version=0x1113), hub()]},
    ),
    "hardware not of the header": (
        LeftOut.WRONG_HARDWARE,
        lambda kind: {"devices": [device(kind, hardware_version=0x3333), hub()]},
    ),
    "image for one other device": (
        LeftOut.WRONG_HARDWARE,
        lambda kind: {"the_image": image(kind, destination=DEVICE_ID + 1)},
    ),
    "off the pathway": (
        LeftOut.NOT_ON_PATHWAY,
        lambda kind: {"devices": [device(kind, firmware_version="00000009"), hub()]},
    ),
    "in progress": (LeftOut.IN_PROGRESS, lambda _: {"in_progress": frozenset({DEVICE_ID})}),
    "old hub": (
        LeftOut.HUB_TOO_OLD,
        lambda kind: {"devices": [device(kind), hub(gbcs_version="3.2")]},
    ),
    "unknown hub": (LeftOut.HUB_TOO_OLD, lambda kind: {"devices": [device(kind)]}),
    "hub of unknown version": (
        LeftOut.HUB_TOO_OLD,
        lambda kind: {"devices": [device(kind), hub(gbcs_version="")]},
    ),
    "old device": (
        LeftOut.GBCS_TOO_OLD,
        lambda kind: {"devices": [device(kind, gbcs_version="3.2"), hub()]},
    ),
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", REASONS)
def test_every_reason_leaves_the_device_out(service, name):
    reason, changes = REASONS[name]
    decision = decide(case(service, **changes(KIND[service])), [DEVICE_ID])
    assert decision.left_out == {DEVICE_ID: reason}
    assert decision.accepted == {}
    assert decision.code is UPDATE_SERVICES[service].no_device_left


def test_every_reason_has_a_case_and_a_check():
    assert {reason for reason, _ in REASONS.values()} == set(LeftOut)
    assert {reason for _, reason in DEVICE_CHECKS} | {LeftOut.UNKNOWN_DEVICE} == set(LeftOut)


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("11.1", DeviceType.PPMID),
        *(("11.4", kind) for kind in sorted(UPDATE_SERVICES["11.1"].device_types)),
    ],
)
def test_a_device_of_the_other_service_is_of_the_wrong_type(service, kind):
    rows = [device(KIND[service]), hub(), device(kind, device_id=1)]
    decision = decide(case(service, devices=rows), [DEVICE_ID, 1])
    assert decision.left_out == {1: LeftOut.WRONG_TYPE}
    assert decision.code is UPDATE_SERVICES[service].accepted_in_part


@pytest.mark.parametrize("kind", [DeviceType.ESME, DeviceType.GSME])
def test_meters_do_not_need_secmp0007(kind):
    old = device(kind, gbcs_version="1.0")
    sound = case(
        "11.1", devices=[old, hub(gbcs_version="1.0")], entries=[entry(kind)], the_image=image(kind)
    )
    assert decide(sound, [DEVICE_ID]).code is ResponseCode.I0


def test_an_image_for_all_hardware_and_without_pathway_suits_what_its_entry_lists():
    kind = DeviceType.PPMID
    rows = [device(kind, hardware_version=0x3333, firmware_version="00000009"), hub()]
    sound = case(
        "11.4",
        devices=rows,
        entries=[entry(kind, follows=())],
        the_image=image(kind, hardware=None, destination=DEVICE_ID),
    )
    assert decide(sound, [DEVICE_ID]).code is ResponseCode.I0


# What is wrong with the request as a whole, in the order of the checks.
REFUSALS = {
    "no entry": ("no_product_entry", lambda _: {"entries": []}),
    "other hash": ("no_product_entry", lambda kind: {"entries": [entry(kind, hash=bytes(32))]}),
    "other maker code": (
        "no_product_entry",
        lambda kind: {"entries": [entry(kind, manufacturer_code=1)]},
    ),
    "other version": (
        "no_product_entry",
        lambda kind: {"entries": [entry(kind, firmware_version="00000003")]},
    ),
    **{
        status: (
            "no_product_entry",
            lambda kind, status=status: {"entries": [entry(kind, status=status)]},
        )
        for status in ProductStatus
        if status is not ProductStatus.ACTIVE
    },
    "image type of no kind": (
        "image_not_acceptable",
        lambda kind: {"the_image": image(kind, image_type=0x7777)},
    ),
    "image type of a hub": (
        "image_not_acceptable",
        lambda _: {"the_image": image(DeviceType.CHF)},
    ),
    "entry of another kind": (
        "image_not_acceptable",
        lambda _: {"entries": [entry(DeviceType.GSME)]},
    ),
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_of_the_whole_request(service, name):
    code, changes = REFUSALS[name]
    decision = decide(case(service, **changes(KIND[service])), [DEVICE_ID])
    assert decision.code is getattr(UPDATE_SERVICES[service], code)
    assert decision.sentence
    assert (decision.accepted, decision.left_out) == ({}, {})


def test_an_11_1_image_needs_this_users_signature():
    decision = decide(case("11.1", signature_valid=False), [DEVICE_ID])
    assert decision.code is ResponseCode.E110103
    assert decide(case("11.4", signature_valid=False), [DEVICE_ID]).code is ResponseCode.I0


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("fault", ImageFault)
def test_a_file_that_cannot_be_read_has_a_code(service, fault):
    expected = "image_not_acceptable" if fault is ImageFault.TRAILER else "image_malformed"
    rules = UPDATE_SERVICES[service]
    assert code_of_image_fault(rules, fault) is getattr(rules, expected)


def test_checks_are_made_in_the_order_of_the_table():
    """A device that fails everything, healed one check after the other, shows the order."""
    kind = DeviceType.PPMID
    ill = {
        "devices": {
            "suppliers": (),
            "type": DeviceType.IHD,
            "status": DeviceStatus.SUSPENDED,
            "manufacturer": "Another",
            "model": "Another",
            "hardware_version": 0x9999,
            "firmware_version": "00000009",
            "gbcs_version": "1.0",
        },
        "entry_status": ProductStatus.CANCELLED,
        "in_progress": frozenset({DEVICE_ID}),
        "hub": "1.0",
    }
    cures = [
        (LeftOut.NOT_YOUR_DEVICE, "suppliers", (SUPPLIER,)),
        (LeftOut.WRONG_TYPE, "type", kind),
        (LeftOut.NOT_COMMISSIONED, "status", DeviceStatus.COMMISSIONED),
        (LeftOut.NO_PRODUCT_ENTRY, "manufacturer", "Maker"),
        (LeftOut.WRONG_MODEL, "model", "Model"),
        (LeftOut.ENTRY_NOT_ACTIVE, "entry_status", ProductStatus.ACTIVE),
        (LeftOut.WRONG_HARDWARE, "hardware_version", 0x3333),
        (LeftOut.WRONG_HARDWARE, "hardware_version", 0x1111),
        (LeftOut.NOT_ON_PATHWAY, "firmware_version", f"{OLD:08X}"),
        (LeftOut.IN_PROGRESS, "in_progress", frozenset()),
        (LeftOut.HUB_TOO_OLD, "hub", "4.0"),
        (LeftOut.GBCS_TOO_OLD, "gbcs_version", "4.0"),
    ]
    assert [reason for reason, *_ in cures] == [reason for _, reason in DEVICE_CHECKS]
    for reason, what, cure in cures:
        assert decide(_ill_case(kind, ill), [DEVICE_ID]).left_out == {DEVICE_ID: reason}
        (ill["devices"] if what in ill["devices"] else ill)[what] = cure
    assert decide(_ill_case(kind, ill), [DEVICE_ID]).code is ResponseCode.I0


def _ill_case(kind, ill):
    entries = [
        entry(kind, status=ill["entry_status"]),
        # Keeps the whole request from being refused while this device's own entry is not Active.
        entry(kind, manufacturer="A third"),
    ]
    rows = [device(kind, **ill["devices"]), hub(gbcs_version=ill["hub"])]
    return case("11.4", devices=rows, entries=entries, in_progress=ill["in_progress"])


def test_the_entry_that_a_device_comes_furthest_with_decides():
    kind = DeviceType.PPMID
    entries = [entry(kind, model="Another"), entry(kind, follows=("00000009",))]
    for order in (entries, entries[::-1]):
        decision = decide(case("11.4", entries=order), [DEVICE_ID])
        assert decision.left_out == {DEVICE_ID: LeftOut.NOT_ON_PATHWAY}


def test_an_id_listed_twice_counts_once():
    decision = decide(case("11.4"), [DEVICE_ID, 5, DEVICE_ID, 5])
    assert decision.accepted == {HUB_ID: (device(DeviceType.PPMID),)}
    assert decision.left_out == {5: LeftOut.UNKNOWN_DEVICE}
    assert decision.code is ResponseCode.W110401


def test_accepted_devices_are_grouped_by_hub_in_the_order_of_the_list():
    kind = DeviceType.PPMID
    rows = [
        device(kind, device_id=number, hub_id=HUB_ID + number % 2) for number in (9, 4, 7, 2, 5)
    ]
    hubs = [hub(), hub(device_id=HUB_ID + 1)]
    decision = decide(case("11.4", devices=rows + hubs), [9, 4, 7, 2, 5])
    found = {to: [row.device_id for row in group] for to, group in decision.accepted.items()}
    assert found == {HUB_ID + 1: [9, 7, 5], HUB_ID: [4, 2]}


def test_lists_follow_the_schemas_order_and_leave_out_what_is_empty():
    left_out = {
        1: LeftOut.GBCS_TOO_OLD,
        2: LeftOut.UNKNOWN_DEVICE,
        3: LeftOut.HUB_TOO_OLD,
        4: LeftOut.WRONG_TYPE,
        5: LeftOut.IN_PROGRESS,
    }
    assert list(lists_of(left_out).items()) == [
        (LeftOutList.INVALID_DEVICE, (2, 4)),
        (LeftOutList.OTHER_REQUEST_IN_PROGRESS, (5,)),
        (LeftOutList.INVALID_GBCS_VERSION, (1, 3)),
    ]
    assert lists_of({}) == {}


class CountingRows(dict):
    """Rows that count how often they are asked."""

    asked = 0

    def get(self, key, default=None):
        CountingRows.asked += 1
        return super().get(key, default)


def test_the_largest_request_takes_a_fixed_number_of_looks_at_a_device():
    kind = DeviceType.PPMID
    ids = range(1, DEVICES_PER_REQUEST_MAX + 1)
    rows = CountingRows({number: device(kind, device_id=number) for number in ids})
    rows[HUB_ID] = hub()
    decision = decide(msgspec.structs.replace(case("11.4"), devices=rows), ids)
    assert decision.code is ResponseCode.I0
    assert len(decision.accepted[HUB_ID]) == DEVICES_PER_REQUEST_MAX
    # The device's own row and its hub's.
    assert rows.asked == 2 * DEVICES_PER_REQUEST_MAX
