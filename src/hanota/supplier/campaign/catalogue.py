"""What a device of a campaign is to be asked for next, or why it is not asked.

The releases that a supplier has, together with the Central Products List, give each model its
pathway; the way from what a device runs to the campaign's release decides the next step.
"""

from collections.abc import Iterable, Sequence

import msgspec

from hanota.model import DeviceType, LeftOut
from hanota.rows import Device, ProductEntry, ProductStatus, Release
from hanota.supplier.campaign.eligibility import Asked, foreseen
from hanota.supplier.campaign.pathway import Pathway, circle, steps

# Beside the LeftOut reasons: there is nothing to update.
RUNS_IT = "runs-the-version"
# A device that runs the version is told so, whatever else would keep it from being updated now.
_OF_THE_MOMENT = frozenset({None, LeftOut.IN_PROGRESS, LeftOut.HUB_TOO_OLD, LeftOut.GBCS_TOO_OLD})


class Choice(msgspec.Struct, frozen=True):
    """What a device is asked for: a release, or nothing and the reason."""

    release: Release | None
    reason: str = ""
    way: tuple[str, ...] = ()  # every version that it is to install, the last is the campaign's


_Kind = tuple[DeviceType, str, str]  # type, manufacturer and model of a device


class Catalogue:
    """The releases of a supplier as they are at one instant.

    Args:
        supplier_id: whose.
        target: the release that a campaign is to bring.
        releases: all of the supplier's; those that may not be sent now take no part.
        products: the Central Products List as the supplier knows it.
        now_ms: that instant.
    """

    def __init__(
        self,
        supplier_id: int,
        target: Release,
        releases: Iterable[Release],
        products: Iterable[ProductEntry],
        now_ms: int,
    ) -> None:
        self._supplier_id = supplier_id
        self._target = target
        self._entries = list(products)
        self._releases = [
            release
            for release in releases
            if objection(release, self._entries, now_ms) is None and release.type is target.type
        ]
        self._offers: dict[_Kind, dict[str, tuple[Release, ProductEntry]]] = {}
        self._choices: dict[object, Choice] = {}
        self._ways: dict[tuple[_Kind, str], tuple[str, ...] | None] = {}

    def circles(self) -> list[tuple[str, ...]]:
        """The circles in the pathways of the target's models, as `pathway.circle` gives them."""
        kinds = {_kind_of(entry) for entry in entries_of(self._target, self._entries)}
        return [found for kind in sorted(kinds) if (found := circle(self._pathway(kind)))]

    def choose(self, device: Device, hub_gbcs_version: str | None, *, in_progress: bool) -> Choice:
        """What to ask this device for; its hub and `in_progress` as for `foreseen`."""
        # Of a whole estate there are some hundreds of different devices: each is judged once.
        key = (
            device.type,
            device.manufacturer,
            device.model,
            device.hardware_version,
            device.firmware_version,
            device.status,
            device.suppliers,
            device.gbcs_version,
            hub_gbcs_version,
            in_progress,
        )
        if key not in self._choices:
            self._choices[key] = self._choose(device, hub_gbcs_version, in_progress=in_progress)
        return self._choices[key]

    def _choose(self, device: Device, hub_gbcs_version: str | None, *, in_progress: bool) -> Choice:
        way = self._way(device)
        release, entry = self._step(device, way)
        reason = (
            LeftOut.NO_PRODUCT_ENTRY
            if entry is None
            else foreseen(
                _asked(self._supplier_id, release, entry),
                device,
                hub_gbcs_version,
                on_pathway=way is not None,
                in_progress=in_progress,
            )
        )
        if way == () and reason in _OF_THE_MOMENT:
            return Choice(None, RUNS_IT)
        if reason is not None or way is None:
            return Choice(None, reason or LeftOut.NOT_ON_PATHWAY)
        return Choice(release, way=way)

    def _way(self, device: Device) -> tuple[str, ...] | None:
        kind = (device.type, device.manufacturer, device.model)
        key = (kind, device.firmware_version)
        if key not in self._ways:
            pathway = self._pathway(kind)
            # A circle is refused before a campaign is approved; it never leads round here.
            self._ways[key] = steps(pathway, device.firmware_version, self._target.version)
        return self._ways[key]

    def _step(
        self, device: Device, way: Sequence[str] | None
    ) -> tuple[Release, ProductEntry | None]:
        """The release of the next step, and the entry that tells most about this device."""
        kind = (device.type, device.manufacturer, device.model)
        offered = self._offered(kind)
        if way:
            return offered[way[0]]
        entries = entries_of(self._target, self._entries)
        return self._target, max(entries, key=lambda entry: _nearness(entry, device), default=None)

    def _pathway(self, kind: _Kind) -> Pathway:
        return {version: entry.follows for version, (_, entry) in self._offered(kind).items()}

    def _offered(self, kind: _Kind) -> dict[str, tuple[Release, ProductEntry]]:
        if kind not in self._offers:
            self._offers[kind] = {
                release.version: (release, entry)
                for release in self._releases
                for entry in entries_of(release, self._entries)
                if _kind_of(entry) == kind and entry.status is ProductStatus.ACTIVE
            }
        return self._offers[kind]


def objection(release: Release, products: Iterable[ProductEntry], now_ms: int) -> str | None:
    """Why nothing of a release may be sent now, in a sentence; None where it may."""
    if release.withdrawn_ms is not None:
        return f"the release {release.name!r} is withdrawn"
    if release.expires_ms is not None and release.expires_ms <= now_ms:
        return f"the release {release.name!r} has expired"
    entries = entries_of(release, products)
    if not entries:
        return (
            f"the Central Products List has no entry with the hash, maker and version of the "
            f"release {release.name!r}"
        )
    if not any(entry.status is ProductStatus.ACTIVE for entry in entries):
        said = ", ".join(sorted({entry.status for entry in entries}))
        return f"the entry of the release {release.name!r} is not Active, but {said}"
    return None


def entries_of(release: Release, products: Iterable[ProductEntry]) -> list[ProductEntry]:
    """The entries of the Central Products List for a release's image, of any status."""
    return [
        entry
        for entry in products
        if entry.hash == release.hash
        and entry.type is release.type
        and entry.manufacturer_code == release.manufacturer_code
        and entry.firmware_version == release.version
    ]


def _kind_of(entry: ProductEntry) -> _Kind:
    return entry.type, entry.manufacturer, entry.model


def _nearness(entry: ProductEntry, device: Device) -> tuple[bool, bool, bool]:
    return (
        entry.manufacturer == device.manufacturer,
        entry.model == device.model,
        entry.status is ProductStatus.ACTIVE,
    )


def _asked(supplier_id: int, release: Release, entry: ProductEntry) -> Asked:
    return Asked(
        supplier_id=supplier_id,
        type=release.type,
        manufacturer=entry.manufacturer,
        model=entry.model,
        hardware_versions=frozenset(
            version for version in entry.hardware_versions if _allows(release, version)
        ),
        is_active=entry.status is ProductStatus.ACTIVE,
    )


def _allows(release: Release, hardware_version: int) -> bool:
    if release.hardware_min is None or release.hardware_max is None:
        return True
    return release.hardware_min <= hardware_version <= release.hardware_max
