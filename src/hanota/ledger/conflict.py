"""The one error of the ledger that is worth another try."""

from hanota.errors import LocalError


class ConflictError(LocalError):
    """A batch would break a constraint, so nothing of it was written: read again, decide anew.

    Another writer was first, or the batch itself breaks a rule (a second live delivery of a
    device, a RequestID used twice); then it is a conflict again the next time.
    """
