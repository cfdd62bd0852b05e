"""Releases in a supplier's ledger: imported with their entries of the Central Products List."""

from collections.abc import Iterable, Sequence

import msgspec

from hanota.errors import LocalError
from hanota.ledger.ledger import Ledger
from hanota.rows import ProductEntry, Release
from hanota.smki.certificates import Certificate
from hanota.supplier.campaign.catalogue import objection
from hanota.supplier.campaign.releases import release_of


class Releases:
    """The releases of one supplier; `certificates` are its own for digital signature."""

    def __init__(self, ledger: Ledger, certificates: Sequence[Certificate]) -> None:
        self._ledger = ledger
        self._certificates = certificates

    def add(
        self,
        name: str,
        image_file: bytes,
        products: Iterable[ProductEntry] | None,
        *,
        by: str,
        now_ms: int,
        expires_ms: int | None = None,
    ) -> Release:
        """Keep an image as a release, if the Central Products List has an Active entry for it.

        `products` becomes the whole list first, where it is given; nothing is kept of either when
        the image is refused.

        Raises:
            RemoteError: the file is no OTA image.
            LocalError: as for `releases.release_of`; the list has no Active entry; or the name is
                taken.
        """
        release = release_of(
            name, image_file, self._certificates, added_by=by, now_ms=now_ms, expires_ms=expires_ms
        )
        with self._ledger.batch() as batch:
            if products is not None:
                batch.replace_products(products)
            why = objection(release, batch.products(), now_ms)
            if why is not None:
                raise LocalError(why)
            if batch.release_named(name) is not None:
                raise LocalError(f"there is a release {name!r} already: give another name")
            batch.put_image(release.sha256, image_file)
            batch.put_release(release)
        return release

    def withdraw(self, name: str, *, now_ms: int) -> Release:
        """From now on nothing of this release is sent; LocalError where there is none."""
        with self._ledger.batch() as batch:
            release = batch.release_named(name)
            if release is None:
                raise LocalError(f"there is no release {name!r}: `hanota release list` names them")
            if release.withdrawn_ms is None:
                release = msgspec.structs.replace(release, withdrawn_ms=now_ms)
                batch.put_release(release)
        return release

    def replace_products(self, products: Iterable[ProductEntry]) -> int:
        """Take these entries for the whole Central Products List; how many they are."""
        entries = list(products)
        with self._ledger.batch() as batch:
            batch.replace_products(entries)
        return len(entries)
