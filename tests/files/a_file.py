"""Devices and products for tests of files: some by hand, and any that a file can hold."""

from hypothesis import strategies as st

from hanota.model import DeviceStatus, DeviceType, Region
from hanota.rows import Device, ProductEntry, ProductStatus

SUPPLIER, SUPPLIER_2 = 0x90B3D51F30010000, 0x90B3D51F30030000
HUB, PPMID, ESME = 0x00DB1234567890A2, 0x00DB1234567890A4, 0x00DB1234567890A0

DEVICES = [
    Device(
        HUB, DeviceType.CHF, "Maker", "Hub, large", 0x00AB, "ACDCACDC", HUB,
        DeviceStatus.COMMISSIONED, (), Region.NORTH, "4.3",
    ),
    Device(
        PPMID, DeviceType.PPMID, "=Maker", "'=Display", None, "1.2", HUB,
        DeviceStatus.INSTALLED_NOT_COMMISSIONED, (SUPPLIER, SUPPLIER_2), Region.SOUTH, "",
    ),
]  # fmt: skip
PRODUCTS = [
    ProductEntry(
        DeviceType.HCALCS, "Maker", 0x121D, "Switch", (0x1111, 0x1112), "00020000",
        bytes(range(32)), ProductStatus.WITHDRAWN, "4.3", ("00010000", "1.2"),
    ),
    ProductEntry(
        DeviceType.ESME, "", 0xFFFF, 'A "meter"', (0,), "FFFFFFFF",
        bytes(32), ProductStatus.ACTIVE, "", (),
    ),
]  # fmt: skip

GOLDEN = {
    "estate.csv": (
        "device_id,type,manufacturer,model,hardware_version,firmware_version,hub_id,status,"
        "suppliers,region,gbcs_version\r\n"
        '00-DB-12-34-56-78-90-A2,CHF,Maker,"Hub, large",00AB,ACDCACDC,00-DB-12-34-56-78-90-A2,'
        "Commissioned,,North,4.3\r\n"
        "00-DB-12-34-56-78-90-A4,PPMID,'=Maker,''=Display,,1.2,00-DB-12-34-56-78-90-A2,"
        "InstalledNotCommissioned,90-B3-D5-1F-30-01-00-00;90-B3-D5-1F-30-03-00-00,South,\r\n"
    ),
    "estate.jsonl": (
        '{"device_id":"00-DB-12-34-56-78-90-A2","type":"CHF","manufacturer":"Maker",'
        '"model":"Hub, large","hardware_version":"00AB","firmware_version":"ACDCACDC",'
        '"hub_id":"00-DB-12-34-56-78-90-A2","status":"Commissioned","suppliers":[],'
        '"region":"North","gbcs_version":"4.3"}\n'
        '{"device_id":"00-DB-12-34-56-78-90-A4","type":"PPMID","manufacturer":"=Maker",'
        '"model":"\'=Display","hardware_version":null,"firmware_version":"1.2",'
        '"hub_id":"00-DB-12-34-56-78-90-A2","status":"InstalledNotCommissioned",'
        '"suppliers":["90-B3-D5-1F-30-01-00-00","90-B3-D5-1F-30-03-00-00"],'
        '"region":"South","gbcs_version":null}\n'
    ),
    "products.csv": (
        "type,manufacturer,manufacturer_code,model,hardware_versions,firmware_version,hash,status,"
        "gbcs_version,follows\r\n"
        "HCALCS,Maker,121D,Switch,1111;1112,00020000,"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f,Withdrawn,4.3,"
        "00010000;1.2\r\n"
        f'ESME,,FFFF,"A ""meter""",0000,FFFFFFFF,{"00" * 32},Active,,\r\n'
    ),
    "products.ndjson": (
        '{"type":"HCALCS","manufacturer":"Maker","manufacturer_code":"121D","model":"Switch",'
        '"hardware_versions":["1111","1112"],"firmware_version":"00020000",'
        '"hash":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
        '"status":"Withdrawn","gbcs_version":"4.3","follows":["00010000","1.2"]}\n'
        '{"type":"ESME","manufacturer":null,"manufacturer_code":"FFFF","model":"A \\"meter\\"",'
        '"hardware_versions":["0000"],"firmware_version":"FFFFFFFF",'
        f'"hash":"{"00" * 32}","status":"Active","gbcs_version":null,"follows":[]}}\n'
    ),
}

_EUI = st.integers(0, 2**64 - 1)
_U16 = st.integers(0, 0xFFFF)
_TEXT = st.text(max_size=20) | st.sampled_from(
    ["=1+1", "+1", "-1", "@a", "\ta", "\ra", "'=1", "''=1", "'a", "\na", 'a"b', "\r\n", "a;b", ","]
)
_HEX = st.integers(0, 2**32 - 1).map(lambda number: f"{number:08X}")
_GBCS = st.sampled_from(["", "4.3", "2.1", "4.10.1"])


def _not_hex(text):
    """A text that is no version of 8 hex digits: those are written in upper case."""
    return len(text) != 8


_READ_VERSION = _HEX | _TEXT.filter(_not_hex)
_ITEM = _HEX | _TEXT.filter(lambda text: _not_hex(text) and text and ";" not in text)


@st.composite
def estates(draw):
    """Any devices that a file can hold: every id once, every hub a CHF among them."""
    ids = draw(st.lists(_EUI, min_size=1, max_size=6, unique=True))
    hubs = ids[: draw(st.integers(1, len(ids)))]
    others = [kind for kind in DeviceType if kind is not DeviceType.CHF]
    devices = [
        Device(
            device_id,
            DeviceType.CHF if device_id in hubs else draw(st.sampled_from(others)),
            draw(_TEXT),
            draw(_TEXT),
            draw(st.none() | _U16),
            draw(_READ_VERSION),
            device_id if device_id in hubs else draw(st.sampled_from(hubs)),
            draw(st.sampled_from(DeviceStatus)),
            tuple(draw(st.lists(_EUI, max_size=3, unique=True))),
            draw(st.sampled_from(Region)),
            draw(_GBCS),
        )
        for device_id in ids
    ]
    return draw(st.permutations(devices))


products = st.lists(
    st.builds(
        ProductEntry,
        st.sampled_from(DeviceType),
        _TEXT,
        _U16,
        _TEXT,
        st.lists(_U16, min_size=1, max_size=3, unique=True).map(tuple),
        _HEX,
        st.binary(min_size=32, max_size=32),
        st.sampled_from(ProductStatus),
        _GBCS,
        st.lists(_ITEM, max_size=3, unique=True).map(tuple),
    ),
    max_size=4,
    unique_by=lambda entry: (entry.type, entry.model, entry.firmware_version),
)
