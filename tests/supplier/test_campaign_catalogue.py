"""What a device is asked for next, by what it runs, the releases there are, and the list."""

import msgspec
import pytest
from tests.dcc.samples import OLD, SUPPLIER, device, entry, image

from hanota.errors import LocalError, RemoteError
from hanota.model import DeviceType, KeyUsage, LeftOut, Role, version_text
from hanota.rows import ProductStatus
from hanota.smki.pki import TestPki
from hanota.supplier.campaign.catalogue import RUNS_IT, Catalogue, objection
from hanota.supplier.campaign.releases import image_objection, release_of
from hanota.wire.image import encode_image, manufacturer_image_hash

NOW_MS = 1_800_000_000_000
V1, V2, V3, V4 = (f"000{number}0000" for number in range(1, 5))
PKI = TestPki(b"catalogue")
ITS_OWN = PKI.find(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER)


def file_of(version, kind=DeviceType.PPMID, **changes):
    body = f"firmware {version}".encode()
    changes = {"file_version": int(version, 16), "manufacturer_image": body, **changes}
    return image(kind, **changes)


def release(version, name=None, **changes):
    file = encode_image(file_of(version, **changes))
    return release_of(name or version, file, (), added_by="eve", now_ms=0)


def product(version, *follows, **changes):
    hash_ = manufacturer_image_hash(file_of(version))
    fields = {"firmware_version": version, "hash": hash_, "follows": follows, **changes}
    return entry(DeviceType.PPMID, **fields)


RELEASES = [release(version) for version in (V2, V3, V4)]
PRODUCTS = [product(V2, V1), product(V3, V2), product(V4, V3, V2)]


def chosen(runs, target=RELEASES[-1], releases=RELEASES, products=PRODUCTS, hub="4.3", **fields):
    in_progress = fields.pop("in_progress", False)
    catalogue = Catalogue(SUPPLIER, target, releases, products, NOW_MS)
    ppmid = device(DeviceType.PPMID, firmware_version=runs, **fields)
    return catalogue.choose(ppmid, hub, in_progress=in_progress)


@pytest.mark.parametrize(
    ("runs", "next_version", "way"), [(V1, V2, (V2, V4)), (V2, V4, (V4,)), (V3, V4, (V4,))]
)
def test_the_next_step_is_the_first_of_the_shortest_way(runs, next_version, way):
    choice = chosen(runs)
    assert (choice.release.version, choice.way, choice.reason) == (next_version, way, "")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"runs": "00009999"}, LeftOut.NOT_ON_PATHWAY),
        ({"runs": V4}, RUNS_IT),
        ({"runs": V4, "in_progress": True}, RUNS_IT),
        ({"runs": V4, "suppliers": (9,)}, LeftOut.NOT_YOUR_DEVICE),
        ({"runs": V1, "in_progress": True}, LeftOut.IN_PROGRESS),
        ({"runs": V1, "model": "Other"}, LeftOut.WRONG_MODEL),
        ({"runs": V1, "manufacturer": "Other"}, LeftOut.NO_PRODUCT_ENTRY),
        ({"runs": V1, "hub": None}, LeftOut.HUB_TOO_OLD),
        ({"runs": V1, "hub": "2.1"}, LeftOut.HUB_TOO_OLD),
        ({"runs": V1, "hardware_version": 0x3333}, LeftOut.WRONG_HARDWARE),  # not by the header
        ({"runs": V1, "products": []}, LeftOut.NO_PRODUCT_ENTRY),
        ({"runs": V1, "releases": RELEASES[2:]}, LeftOut.NOT_ON_PATHWAY),
    ],
)
def test_why_a_device_is_not_asked(fields, reason):
    choice = chosen(**fields)
    assert (choice.release, choice.reason) == (None, reason)


def test_a_withdrawn_step_is_no_step():
    withdrawn = msgspec.structs.replace(RELEASES[0], withdrawn_ms=1)
    assert chosen(V1, releases=[withdrawn, *RELEASES[1:]]).reason == LeftOut.NOT_ON_PATHWAY
    inactive = [product(V4, status=ProductStatus.EXPIRED)]
    assert chosen(V3, products=inactive).reason == LeftOut.ENTRY_NOT_ACTIVE


def test_a_circle_is_found():
    circled = [product(V2, V4), product(V3, V2), product(V4, V3)]
    catalogue = Catalogue(SUPPLIER, RELEASES[-1], RELEASES, circled, NOW_MS)
    (circle,) = catalogue.circles()
    assert set(circle) == {V2, V3, V4}
    assert Catalogue(SUPPLIER, RELEASES[-1], RELEASES, PRODUCTS, NOW_MS).circles() == []


@pytest.mark.parametrize(
    ("changes", "products", "told"),
    [
        ({}, PRODUCTS, None),
        ({"withdrawn_ms": 1}, PRODUCTS, "is withdrawn"),
        ({"expires_ms": NOW_MS}, PRODUCTS, "has expired"),
        ({"expires_ms": NOW_MS + 1}, PRODUCTS, None),
        ({}, [], "has no entry"),
        ({"manufacturer_code": 1}, PRODUCTS, "has no entry"),
        ({}, [product(V2, status=ProductStatus.CANCELLED)], "not Active, but Cancelled"),
    ],
)
def test_what_speaks_against_a_release(changes, products, told):
    found = objection(msgspec.structs.replace(RELEASES[0], **changes), products, NOW_MS)
    assert found is None if told is None else told in found


# Releases


def test_a_release_is_what_its_image_says():
    found = RELEASES[0]
    assert (found.type, found.version, found.manufacturer_code) == (DeviceType.PPMID, V2, 0x121D)
    assert (found.hardware_min, found.hardware_max) == (0x1000, 0x2000)
    assert image_objection(found, encode_image(file_of(V2))) is None


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (None, "is not in the ledger"),
        (encode_image(file_of(V3)), "was changed since"),
        (encode_image(file_of(V2)) + b"x", "was changed since"),
    ],
)
def test_an_image_that_is_not_the_release_is_named(octets, told):
    assert told in image_objection(RELEASES[0], octets)


def test_a_row_that_was_changed_no_longer_fits_its_image():
    changed = msgspec.structs.replace(RELEASES[0], version=version_text(OLD))
    assert "not what the release says" in image_objection(changed, encode_image(file_of(V2)))


def signed(signature):
    return encode_image(file_of(V2, DeviceType.HCALCS, signature=signature))


def test_an_image_for_11_1_is_signed_by_its_supplier():
    body = file_of(V2).manufacturer_image
    good = PKI.sign(SUPPLIER, Role.SUPPLIER, body)
    found = release_of("h", signed(good), ITS_OWN, added_by="e", now_ms=0)
    assert found.type is DeviceType.HCALCS
    for certificates, signature in (((), good), (ITS_OWN, bytes(64))):
        with pytest.raises(LocalError, match="is not this supplier's"):
            release_of("h", signed(signature), certificates, added_by="e", now_ms=0)


def for_one_device():
    named = file_of(V2, destination=5)
    total_size = named.header.total_size + 8
    return msgspec.structs.replace(
        named, header=msgspec.structs.replace(named.header, total_size=total_size)
    )


@pytest.mark.parametrize(
    ("name", "file", "told"),
    [
        ("", file_of(V2), "no name of a release"),
        ("a\x1b", file_of(V2), "no name of a release"),
        ("x", for_one_device(), "for one device only"),
        ("x", file_of(V2, DeviceType.CHF, signature=bytes(64)), "is for CHF"),
        ("x", file_of(V2, image_type=0x7777), "devices of another kind"),
    ],
)
def test_what_becomes_no_release(name, file, told):
    with pytest.raises(LocalError, match=told):
        release_of(name, encode_image(file), (), added_by="eve", now_ms=0)


def test_octets_that_are_no_image():
    for octets in (b"", b"x" * 100, encode_image(file_of(V2))[:-1]):
        with pytest.raises(RemoteError):
            release_of("x", octets, (), added_by="eve", now_ms=0)
    with pytest.raises(LocalError, match="would expire"):
        release_of("x", encode_image(file_of(V2)), (), added_by="e", now_ms=5, expires_ms=5)
