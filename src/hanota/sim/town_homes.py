"""The hubs, ESMEs and PPMIDs of a town, set up as its fates say.

The devices are those of production; a fate is something about the world that goes wrong around
them: a switch, a damaged store, an image that does not come up.
"""

from collections.abc import Callable, Container
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.han.command_reception import Trust
from hanota.han.flash import Flash
from hanota.han.hub import HubSetup, as_stored
from hanota.han.ppmid import DeviceSetup, comes_up, factory_flash
from hanota.han.signed_image_device import SignedImageDevice, SignedImageDeviceSetup
from hanota.han.verification import Make
from hanota.limits import SIGNATURE_OCTETS
from hanota.model import DeviceType, KeyUsage, Role
from hanota.serve.homes import Homes
from hanota.sim.town import (
    HARDWARE_VERSION,
    MANUFACTURER_CODE,
    OLD_VERSION,
    OTHER_HARDWARE_VERSION,
    Fate,
    Home,
)
from hanota.smki import protection
from hanota.smki.pki import TestPki
from hanota.wire.gbcs.message import GbcsMessage
from hanota.wire.image import (
    IMAGE_TYPES,
    build_image,
    decode_image,
    encode_image,
    manufacturer_image_hash,
)


def add_home(
    homes: Homes,
    home: Home,
    *,
    pki: TestPki,
    blobs: Callable[[bytes], bytes | None],
    factory_image: bytes,
    released: Container[bytes],
    slot_octets: int,
) -> None:
    """Install a home's hub, ESME and PPMID; all have power, except a PPMID that is switched off.

    `factory_image` is the OTA file that the PPMID runs at first, `released` the Manufacturer Image
    Hashes that its maker released, `blobs` where the hub fetches images, `slot_octets` the size of
    each of the PPMID's two flash slots.
    """
    ppmid = home.device(DeviceType.PPMID)
    homes.add_hub(
        HubSetup(
            hub_id=home.hub_id,
            device_ids=frozenset(device.device_id for device in home.devices) - {home.hub_id},
            sign=partial(_sign, pki, home.hub_id),
            blobs=blobs,
            reads=_damaged if home.fate is Fate.CORRUPTED_IMAGE else as_stored,
        ),
        Flash(),
    )
    other = home.fate is Fate.OTHER_HARDWARE
    homes.add_ppmid(
        DeviceSetup(
            device_id=ppmid.device_id,
            hub_id=home.hub_id,
            make=Make(
                MANUFACTURER_CODE,
                IMAGE_TYPES[DeviceType.PPMID],
                OTHER_HARDWARE_VERSION if other else HARDWARE_VERSION,
            ),
            sign=partial(_sign, pki, ppmid.device_id),
            released=released,
            starts=_never if home.fate is Fate.DOES_NOT_START else comes_up,
        ),
        factory_flash(factory_image, slot_octets=slot_octets),
    )
    _add_esme(homes, home, pki)
    homes.power_on(home.hub_id)
    if home.fate is not Fate.PPMID_OFF:
        homes.power_on(ppmid.device_id)


def _add_esme(homes: Homes, home: Home, pki: TestPki) -> None:
    """The meter that every home has: on the network and asking its hub, with no update to come."""
    esme = home.device(DeviceType.ESME)
    image = decode_image(_ESME_IMAGE, signed=True)
    setup = SignedImageDeviceSetup(
        device_id=esme.device_id,
        hub_id=home.hub_id,
        make=Make(MANUFACTURER_CODE, IMAGE_TYPES[DeviceType.ESME], HARDWARE_VERSION),
        sign=partial(_sign, pki, esme.device_id),
        released={manufacturer_image_hash(image)},
        trust=Trust(
            partial(_shared_secret, pki, esme.device_id),
            partial(_supplier_key, pki),
            esme.suppliers,
        ),
    )
    start = partial(SignedImageDevice, setup)
    homes.add(esme.device_id, home.hub_id, factory_flash(_ESME_IMAGE), start)
    homes.power_on(esme.device_id)


# What every ESME runs. Nobody checks the trailer of an image that a device was made with.
_ESME_IMAGE = encode_image(
    build_image(
        image_type=IMAGE_TYPES[DeviceType.ESME],
        manufacturer_code=MANUFACTURER_CODE,
        file_version=OLD_VERSION,
        manufacturer_image=b"what every ESME of the town runs",
        signature=bytes(SIGNATURE_OCTETS),
        text="hanota sample ESME",
    )
)


def _shared_secret(pki: TestPki, eui: int, party: int) -> bytes:
    return pki.shared_secret(eui, pki.certificate(party, KeyUsage.KEY_AGREEMENT).public_key)


def _supplier_key(pki: TestPki, supplier: int) -> ec.EllipticCurvePublicKey:
    return pki.certificate(supplier, KeyUsage.DIGITAL_SIGNATURE, Role.SUPPLIER).public_key


def _sign(pki: TestPki, eui: int, message: GbcsMessage) -> GbcsMessage:
    # The key is derived when the node first speaks: a silent town costs nothing.
    return protection.sign(message, pki.private_key(eui, KeyUsage.DIGITAL_SIGNATURE))


def _never(_image: bytes) -> bool:
    return False


def _damaged(octets: bytes) -> bytes:
    return octets[:-1] + bytes((octets[-1] ^ 1,))
