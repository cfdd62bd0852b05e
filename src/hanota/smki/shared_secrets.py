"""Shared secrets that are agreed on once a pair of keys and then kept.

Z of GBCS depends on the two keys alone, and the agreement is by far the dearest part of a MAC: who
talks to a device keeps it. Whether a certificate is still to be believed is asked elsewhere and
each time anew (`Directory.trusts`). An identity that gets another private key needs another
keeper: what was agreed on with the old one would stand here still.
"""

from functools import lru_cache

from hanota.limits import SHARED_SECRETS_KEPT_MAX
from hanota.smki.certificates import Certificate
from hanota.smki.directory import Signer


class SharedSecrets:
    """The shared secrets of the identities of one signer; of `kept_max` pairs, those last used.

    `certificate` is that of the other side, for key agreement.
    """

    def __init__(self, signer: Signer, kept_max: int = SHARED_SECRETS_KEPT_MAX) -> None:
        self._signer = signer
        self._first = lru_cache(kept_max)(self._agree_first)
        self._every = lru_cache(kept_max)(self._agree_every)

    def first(self, eui: int, certificate: Certificate) -> bytes:
        """Z with the first key of this identity; LocalError when it has none."""
        return self._first(eui, certificate)

    def every(self, eui: int, certificate: Certificate) -> tuple[bytes, ...]:
        """Z with every key of this identity: who verifies must try them all."""
        return self._every(eui, certificate)

    def _agree_first(self, eui: int, certificate: Certificate) -> bytes:
        return self._signer.shared_secret(eui, certificate.public_key)

    def _agree_every(self, eui: int, certificate: Certificate) -> tuple[bytes, ...]:
        return self._signer.shared_secrets(eui, certificate.public_key)
