"""A profile of a town like that of the simulator: nothing is lost, off or late unless said."""

import msgspec

from hanota.impact.profile import Profile

START_MS = 1_780_268_400_000  # Monday 2026-06-01, midnight in London


def said(value, **more):
    return {"value": value, "source": "assumed for a test"} | more


def tables(*, homes=100, **changes):
    """The tables of a profile; `changes` are parts with their fields, as `transfer={...}`."""
    region = {
        "share": said(1),
        "technology": "cellular",
        "hubs_not_updated": said(0),
        "hubs_off": said(0),
        "hub_octets_per_s": said(1e12),
        "allowance_octets_per_h": said(1e15),
        "hubs_per_transmission": said(1),
    }
    parts = {
        "name": "town",
        "about": "A town",
        "estate": {"homes": said(homes), "ppmids_per_home": said(1), "left_out": said(0)},
        "regions": {"Central": region},
        "hubs": {
            "off_h": said(1),
            "wan_give_up_days": said(5),
            "octets_repeated": said(0),
            "other_images": said(0),
        },
        "transfer": {"image_octets": said(2_048), "frames_lost": said(0)},
        "devices": {
            "off": said(0),
            "off_days": said(1),
            "asleep": said(0),
            "asleep_block_period_ms": said(500),
            "activation_s": said(2),
            "other_hardware": said(0),
            "images_damaged": said(0),
            "does_not_start": said(0),
            "alerts_lost": said(0),
        },
        "tracking": {
            "largest_supplier": said(0.25),
            "read_backs_answered": said(1),
            "dcc_latency_ms": said(0),
        },
    }
    for name, fields in changes.items():
        if name == "region":
            parts["regions"]["Central"] = region | fields
        else:
            parts[name] = parts.get(name, {}) | fields if isinstance(fields, dict) else fields
    return parts


def profile(**changes):
    return msgspec.convert(tables(**changes), Profile)
