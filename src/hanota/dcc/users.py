"""Who is a Service User, and in which user roles.

The role words are those of DUIS. A user has one EUI-64 here for all its roles. The roles that a
certificate carries (`model.Role`) are other ones: they say what a key is for.
"""

from collections.abc import Mapping
from enum import StrEnum


class UserRole(StrEnum):
    """User roles of DUIS that its firmware services know."""

    IS = "IS"  # import supplier
    ES = "ES"  # export supplier
    GS = "GS"  # gas supplier
    RSA = "RSA"  # registered supplier agent
    ED = "ED"  # electricity distributor
    GT = "GT"  # gas transporter
    OU = "OU"  # other user


SUPPLIERS = frozenset({UserRole.IS, UserRole.GS})
EVERY_ROLE = frozenset(UserRole)

Users = Mapping[int, frozenset[UserRole]]
