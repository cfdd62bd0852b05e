"""All attacks that are mounted, and those that are not."""

from tests.attacks import on_campaigns, on_decoders, on_devices, on_suppliers, on_the_dcc
from tests.attacks.attack import FIELD, Attack, NotMounted

# The list of attacks on update systems that this assessment follows, with their sources.
LIST = {
    1: "arbitrary image (TUF, Uptane, RFC 9124 THREAT.IMG.NON_AUTH)",
    2: "image swapped after approval (RFC 9124 THREAT.IMG.REPLACE, THREAT.MFST.TOCTOU)",
    3: "extra or missing data, wrong lengths (RFC 9124 THREAT.IMG.EXTRA)",
    4: "image for another vendor, model or hardware (RFC 9124 THREAT.IMG.INCOMPATIBLE; TUF)",
    5: "rollback (TUF, RFC 9124 THREAT.IMG.EXPIRED)",
    6: "freeze, and a stale release (TUF, Uptane, RFC 9124 THREAT.IMG.EXPIRED.OFFLINE)",
    7: "mix and match (TUF, Uptane)",
    8: "wrong precursor (RFC 9124 THREAT.UPD.WRONG_PRECURSOR)",
    9: "fast-forward (TUF)",
    10: "endless data (TUF, Uptane)",
    11: "hostile XML: bombs, external entities, wrapped signatures, long lists",
    12: "a stolen signing key (TUF, RFC 9124 THREAT.KEY.EXPOSURE)",
    13: "modification before signing (RFC 9124 THREAT.MFST.MODIFICATION)",
    14: "unapproved firmware (RFC 9124 THREAT.UPD.UNAPPROVED)",
    15: "override of what was approved (RFC 9124 THREAT.MFST.OVERRIDE)",
    16: "privilege escalation, crossing of tenants (IEC 62443-4-2)",
    17: "forged, replayed or doubled alert or answer",
    18: "late message of an older update",
    19: "flood of forged failures or successes",
    20: "evasion of a threshold",
    21: "dispatch replayed after a crash",
    22: "split brain",
    23: "breach of an anomaly threshold",
    24: "dropped messages (Uptane)",
    25: "tampering with the audit trail (IEC 62443-4-2 CR 3.9)",
    26: "attack on the clock",
    27: "eavesdropping, redirection (RFC 9124 THREAT.IMG.DISCLOSURE, THREAT.NET.REDIRECT)",
    28: "secrets and formulas in exports, path traversal",
    29: "denial and injection by a query language",
    30: "corruption of stored data, a restored backup",
}

ATTACKS: tuple[Attack, ...] = (
    *on_devices.ATTACKS,
    *on_the_dcc.ATTACKS,
    *on_suppliers.ATTACKS,
    *on_decoders.ATTACKS,
    *on_campaigns.ATTACKS,
)

NOT_MOUNTED = (
    NotMounted(
        5,
        "a downgrade with a permission of its own",
        "There is none: a downgrade is possible only if the Central Products List has an entry "
        "that says so. PPMIDs keep no floor of versions, because no public source names one.",
    ),
    NotMounted(
        9,
        "a version far ahead, so that no true one can follow",
        "Nothing compares versions by size: the Central Products List says which may follow which, "
        "so a version far ahead blocks nothing. There is no release counter to exhaust.",
    ),
    NotMounted(
        12,
        "keys taken from the memory of a process",
        "Not yet: keys are in files and in memory; a hardware security module (PKCS#11) is to "
        "come. That a stolen key alone mints no images is mounted.",
    ),
    NotMounted(
        16,
        "another tenant's objects by the REST interface, every route",
        "Not yet: there is no REST interface and no console.",
    ),
    NotMounted(
        25,
        "a whole journal written anew",
        "Not yet: it would succeed. Hashes from entry to entry and signed anchors are to come.",
    ),
    NotMounted(
        27,
        "eavesdropping on the supplier's link, a webhook that points inside",
        "Not yet: the services speak https and can ask for clients' certificates, and their own "
        "tests try it; there are no webhooks. Images are not secret here: no public source says "
        "that the network encrypts them.",
    ),
    NotMounted(
        28,
        "secrets in logs and outputs",
        "It is a test of its own (tests/attacks/test_secrets.py): passphrase, private keys and the "
        "operator's secret are planted and looked for in all that was written.",
    ),
    NotMounted(
        28,
        "a path in a name",
        "No file is named by what others send: images are kept in the ledger under their SHA-256.",
    ),
    NotMounted(
        FIELD,
        "a flood of different alerts with a device's own key",
        "It would succeed: alerts have no limit of rate. Each is journalled and handed on to the "
        "supplier, though only the first moves the delivery.",
    ),
    NotMounted(
        FIELD,
        "a rogue DCC updates a PPMID that nobody asked for",
        "It would succeed, within what the maker released: 11.4 has no signature of the supplier "
        "that a PPMID could verify. The supplier sees a version that it never sent.",
    ),
)
