"""Shared secrets: agreed on once a pair, right for every pair, and bounded."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.errors import LocalError
from hanota.limits import SHARED_SECRETS_KEPT_MAX
from hanota.model import KeyUsage
from hanota.smki.organisations import ACCESS_CONTROL_BROKER, SUPPLIER
from hanota.smki.pki import TestPki
from hanota.smki.shared_secrets import SharedSecrets

PKI = TestPki(b"shared secrets")
DEVICES = [0x00DB1234567890A0 + number for number in range(4)]
PEERS = [PKI.certificate(device, KeyUsage.KEY_AGREEMENT) for device in DEVICES]
IDENTITIES = (ACCESS_CONTROL_BROKER, SUPPLIER)


class Counting:
    """A signer that counts how often it agrees on what."""

    def __init__(self):
        self.asked = Counter()

    def sign(self, eui, role, data):
        return PKI.sign(eui, role, data)

    def shared_secret(self, eui, peer):
        self.asked["first", eui, peer.public_numbers().x] += 1
        return PKI.shared_secret(eui, peer)

    def shared_secrets(self, eui, peer):
        self.asked["every", eui, peer.public_numbers().x] += 1
        return PKI.shared_secrets(eui, peer)


pairs = st.tuples(st.sampled_from(IDENTITIES), st.sampled_from(PEERS))


@given(st.lists(pairs, max_size=30))
def test_each_pair_gets_its_own_and_is_agreed_on_once(asked):
    signer = Counting()
    secrets = SharedSecrets(signer)
    for eui, peer in asked:
        assert secrets.first(eui, peer) == PKI.shared_secret(eui, peer.public_key)
        assert secrets.every(eui, peer) == PKI.shared_secrets(eui, peer.public_key)
    assert set(signer.asked.values()) <= {1}


@pytest.mark.parametrize("kept_max", [1, 2, 3])
def test_no_more_is_kept_than_may_be(kept_max):
    signer = Counting()
    secrets = SharedSecrets(signer, kept_max)
    for _ in range(2):
        for peer in PEERS:
            assert secrets.first(SUPPLIER, peer) == PKI.shared_secret(SUPPLIER, peer.public_key)
    assert signer.asked.total() == 2 * len(PEERS)
    secrets.first(SUPPLIER, PEERS[-1])
    assert signer.asked.total() == 2 * len(PEERS)
    assert kept_max < SHARED_SECRETS_KEPT_MAX


def test_an_identity_without_a_key_is_the_callers_fault_every_time():
    class Keyless(Counting):
        def shared_secret(self, eui, peer):
            super().shared_secret(eui, peer)
            raise LocalError("no key")

    signer = Keyless()
    secrets = SharedSecrets(signer)
    for _ in range(2):
        with pytest.raises(LocalError, match="no key"):
            secrets.first(SUPPLIER, PEERS[0])
    assert signer.asked.total() == 2
