"""What can be asked of a ledger about releases and campaigns, and changed in it.

These are parts of `View` and `Batch`. A device of a campaign moves together with the counts on
which the campaign's rules decide, because one call writes both.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from hanota.cohort import Cohort
from hanota.ledger import campaign_columns as rows_of
from hanota.ledger import columns
from hanota.ledger.cohort_sql import Where, where
from hanota.ledger.columns import Row
from hanota.ledger.conflict import ConflictError
from hanota.ledger.database import Database
from hanota.limits import MINUTE_MS
from hanota.model import Region
from hanota.rows import Campaign, CampaignAct, CampaignDevice, Delivery, Device, Release


class Alike(msgspec.Struct, frozen=True, gc=False):
    """Devices of a cohort of which the inventory says the same."""

    device: Device  # one of them; without its hub
    devices: int
    in_progress: int  # that have a live delivery
    behind_other_hubs: int  # of the rest, those whose hub has none of the GBCS versions asked for


class Reported(msgspec.Struct, frozen=True, gc=False):
    """So many devices of a campaign that ended alike, and have this in common."""

    wave: int
    state: str
    reason: str
    region: str
    model: str
    hub_firmware: str
    devices: int


class CampaignView:
    """The part of a `View` that is about releases, cohorts and campaigns."""

    _database: Database

    def releases(self) -> list[Release]:
        """Every release, the oldest first."""
        return [rows_of.release(row) for row in self._database.rows("releases")]

    def release_named(self, name: str) -> Release | None:
        """The release of this name."""
        row = self._database.row("release_named", name)
        return None if row is None else rows_of.release(row)

    def cohort_count(self, cohort: Cohort) -> int:
        """How many devices a cohort has."""
        its = self._where(cohort)
        statement = f"SELECT count(*) FROM device WHERE {its.text}"  # noqa: S608 -- our own pieces
        ((number,),) = self._database.select(statement, its.parameters)
        return int(number)

    def cohort_devices(self, cohort: Cohort) -> Iterator[Device]:
        """The devices of a cohort in the order of ids; to be taken before the view ends."""
        its = self._where(cohort)
        statement = (
            f"SELECT {_DEVICE} FROM device WHERE {its.text} "  # noqa: S608 -- as said below
            "ORDER BY device_id"
        )
        return map(columns.device, self._database.select(statement, its.parameters))

    def cohort_ids(self, cohort: Cohort, *, beside: int = 0) -> Iterator[tuple[int, Region]]:
        """As `cohort_devices`, ids and regions only; without those that campaign `beside` has."""
        its = self._where(cohort)
        statement = f"SELECT device_id, region FROM device WHERE {its.text}"  # noqa: S608
        if beside:
            statement += _BESIDE
        rows = self._database.select(
            f"{statement} ORDER BY device_id", (*its.parameters, *((beside,) if beside else ()))
        )
        return ((columns.unsigned(device_id), _REGIONS[region]) for device_id, region in rows)

    def cohort_alike(self, cohort: Cohort, hub_versions: Sequence[str]) -> Iterator[Alike]:
        """The devices of a cohort by what the inventory says; some hundreds for a whole estate.

        `hub_versions` are the GBCS versions of hubs that are not counted as other ones.
        """
        its = self._where(cohort)
        known = tuple(hub_versions) or (_NO_VERSION,)
        statement = _ALIKE.format(marks=", ".join("?" for _ in known), where=its.text)
        parameters = (*known, *its.parameters)
        for *facts, device_id, devices, live, others in self._database.select(
            statement, parameters
        ):
            kind, manufacturer, model, hardware, firmware, *rest = facts
            row = (device_id, kind, manufacturer, model, hardware, firmware, 0, *rest)
            yield Alike(columns.device(row), devices, live, others)

    def gbcs_versions(self) -> list[str]:
        """Every GBCS version of the inventory."""
        return [version for (version,) in self._database.rows("gbcs_versions")]

    def campaigns(self) -> list[Campaign]:
        """Every campaign, the oldest first."""
        return [rows_of.campaign(row) for row in self._database.rows("campaigns")]

    def campaign_named(self, name: str) -> Campaign | None:
        """The campaign of this name."""
        row = self._database.row("campaign_named", name)
        return None if row is None else rows_of.campaign(row)

    def campaign_numbered(self, number: int) -> Campaign | None:
        """The campaign of this number."""
        row = self._database.row("campaign_numbered", number)
        return None if row is None else rows_of.campaign(row)

    def campaign_acts(self, number: int) -> list[CampaignAct]:
        """What was done to a campaign, the oldest first."""
        return [rows_of.act(row) for row in self._database.rows("acts", number)]

    def campaign_devices(self, number: int, device_ids: Iterable[int]) -> dict[int, CampaignDevice]:
        """Those of these devices that a campaign has, by id."""
        wanted = self._database.each(map(columns.signed, device_ids))
        found = self._database.rows("campaign_devices", wanted, number)
        return {device.device_id: device for device in map(rows_of.campaign_device, found)}

    def campaigns_of_device(self, device_id: int) -> list[CampaignDevice]:
        """A device in every campaign that has it."""
        rows = self._database.rows("campaigns_of_device", columns.signed(device_id))
        return [rows_of.campaign_device(row) for row in rows]

    def campaign_devices_in(
        self, number: int, state: str, region: Region, wave: int, limit: int
    ) -> list[CampaignDevice]:
        """At most `limit` devices of a campaign in a state and region, of waves up to `wave`."""
        rows = self._database.rows(
            "campaign_devices_in", number, str(state), region.value, wave, limit
        )
        return [rows_of.campaign_device(row) for row in rows]

    def campaign_devices_resting(
        self, number: int, now_ms: int, limit: int
    ) -> list[CampaignDevice]:
        """At most `limit` devices of a campaign whose `next_try_ms` has come."""
        rows = self._database.rows("campaign_devices_resting", number, now_ms, limit)
        return [rows_of.campaign_device(row) for row in rows]

    def next_campaign_try_ms(self, number: int) -> int | None:
        """The first `next_try_ms` of a campaign's devices, None where none has any."""
        row = self._database.row("next_campaign_try", number)
        return None if row is None else row[0]

    def campaign_devices_from(
        self, number: int, *, after: int = 0, limit: int
    ) -> list[CampaignDevice]:
        """At most `limit` devices of a campaign, from behind device `after` (0: the start)."""
        first = columns.signed(after) + 1 if after else columns.LOWEST
        if first > columns.HIGHEST:
            return []
        rows = self._database.rows("campaign_devices_from", first, number, limit)
        return [rows_of.campaign_device(row) for row in rows]

    def campaigns_of_requests(self, numbers: Iterable[int]) -> dict[int, int]:
        """The number of the campaign of each of these requests that belongs to one."""
        return dict(self._database.rows("campaigns_of_requests", self._database.each(numbers)))

    def requests_of_campaign(self, number: int) -> list[int]:
        """The numbers of a campaign's requests."""
        return [request for (request,) in self._database.rows("requests_of_campaign", number)]

    def read_backs(self, number: int, wave: int) -> list[tuple[int, str, str]]:
        """The devices of a wave that are to prove once more what they run.

        Of each when it was asked, the state of that command, and what the estate says it runs.
        """
        return list(self._database.rows("read_backs", number, wave))

    def unread_devices(
        self, number: int, wave: int, state: str, region: Region, limit: int
    ) -> list[int]:
        """At most `limit` devices of a wave in this state that were not read back for it."""
        rows = self._database.rows("proven_devices", number, str(state), region.value, wave, limit)
        return [columns.unsigned(device_id) for (device_id,) in rows]

    def campaign_counts(self, number: int) -> dict[tuple[int, str, str], int]:
        """How many devices of a campaign are in each (wave, state, reason) that has any."""
        rows = self._database.rows("campaign_counts", number)
        return {(wave, state, reason): devices for wave, state, reason, devices in rows}

    def campaign_ended(self, number: int, since_ms: int) -> list[tuple[str, int, int]]:
        """How tries ended from an instant on: outcome, minute, devices."""
        return list(self._database.rows("ended_since", number, since_ms))

    def campaign_dispatched(self, number: int, since_ms: int) -> list[tuple[Region, int, int]]:
        """How many devices were asked for from an instant on: region, minute, devices."""
        rows = self._database.rows("dispatched_since", number, since_ms)
        return [(_REGIONS[region], minute_ms, devices) for region, minute_ms, devices in rows]

    def campaign_report(self, number: int) -> list[Reported]:
        """The devices of a campaign by how they stand and what they have in common; reads all."""
        return [Reported(*row) for row in self._database.rows("campaign_report", number)]

    def _where(self, cohort: Cohort) -> Where:
        def texts(field: str) -> Sequence[str]:
            return [text for (text,) in self._database.rows(_TEXT_QUERIES[field])]

        return where(cohort, texts)


class CampaignBatch(CampaignView):
    """The part of a `Batch` that is about releases and campaigns."""

    def put_release(self, release: Release) -> None:
        """Record a release; of one that there is, when it expires and was withdrawn."""
        self._database.change("put_release", *rows_of.release_row(release))

    def add_campaign(self, campaign: Campaign) -> Campaign:
        """Record a campaign; it comes back with the number that the ledger gave it.

        ConflictError when its name is taken.
        """
        ((number,),) = self._database.rows("add_campaign", *rows_of.new_campaign_row(campaign))
        return msgspec.structs.replace(campaign, number=number)

    def change_campaign(self, campaign: Campaign) -> Campaign:
        """Record a campaign as it is now; it comes back with its new revision.

        ConflictError when somebody else has changed it since it was read.
        """
        if not self._database.change("change_campaign", *rows_of.changed_campaign_row(campaign)):
            raise ConflictError(
                f"the campaign {campaign.name!r} was changed meanwhile: look at it again"
            )
        return msgspec.structs.replace(campaign, revision=campaign.revision + 1)

    def add_act(self, act: CampaignAct) -> None:
        """Record what somebody did to a campaign."""
        self._database.change("add_act", *rows_of.act_row(act))

    def add_campaign_devices(self, devices: Sequence[CampaignDevice]) -> None:
        """Take devices into a campaign that has none of them."""
        self._put(devices)
        self._count(Counter(map(_place, devices)))

    def move_campaign_devices(self, moves: Iterable[tuple[CampaignDevice, CampaignDevice]]) -> None:
        """Record devices of campaigns as they are now, given as they were and as they are."""
        moves = list(moves)
        self._put([after for _before, after in moves])
        change = Counter(_place(after) for _before, after in moves)
        change.subtract(_place(before) for before, _after in moves)
        self._count(change)

    def add_campaign_request(self, number: int, request: int) -> None:
        """Let a request belong to a campaign."""
        self._database.change("put_campaign_request", request, number)

    def add_read_back(self, number: int, wave: int, device_id: int, request: int) -> None:
        """Let a device prove once more what it runs, by the 11.2 of this number."""
        self._database.change("put_read_back", number, wave, columns.signed(device_id), request)

    def count_ended(self, ended: Counter[tuple[int, str]], at_ms: int) -> None:
        """Count tries that ended now, by campaign and outcome."""
        minute_ms = at_ms - at_ms % MINUTE_MS
        rows = [(number, minute_ms, outcome, n) for (number, outcome), n in sorted(ended.items())]
        self._database.change_each("ended_more", rows)

    def count_dispatched(self, number: int, regions: Counter[Region], at_ms: int) -> None:
        """Count devices of a campaign that are asked for now, by region."""
        minute_ms = at_ms - at_ms % MINUTE_MS
        rows = [(number, minute_ms, region.value, n) for region, n in sorted(regions.items())]
        self._database.change_each("dispatched_more", rows)

    def _put(self, devices: Iterable[CampaignDevice]) -> None:
        # In the order of the primary key: neighbours in the file are written together.
        last = {_key(row): row for row in map(rows_of.campaign_device_row, devices)}
        rows = [row for _device, row in sorted(last.items())]
        self._database.change_each("put_campaign_device", rows)

    def _count(self, change: Counter[tuple[int, int, str, str]]) -> None:
        # In one order everywhere, so that two writers never wait for each other's counts.
        changes = sorted(change.items())
        more = [(*place, devices) for place, devices in changes if devices > 0]
        fewer = [(-devices, *place) for place, devices in changes if devices < 0]
        self._database.change_each("campaign_count_more", more)
        self._database.change_each("campaign_count_fewer", fewer)


# What is called after each record of deliveries that moved, inside the same transaction.
Follower = Callable[[CampaignBatch, Sequence[Delivery]], None]

_NO_VERSION = "-"
_REGIONS = {word.value: word for word in Region}
_TEXT_QUERIES = {
    "manufacturer": "manufacturers",
    "model": "models",
    "gbcs": "gbcs_versions",
}
_DEVICE = (
    "device_id, type, manufacturer, model, hardware_version, firmware_version, hub_id, status, "
    "suppliers, region, gbcs_version"
)
_FACTS = (
    "device.type, device.manufacturer, device.model, device.hardware_version, "
    "device.firmware_version, device.status, device.suppliers, device.region, device.gbcs_version"
)
_BESIDE = (
    " AND NOT EXISTS (SELECT 1 FROM campaign_device AS its"
    " WHERE its.device_id = device.device_id AND its.campaign = ?)"
)
# Every piece is ours; what a filter compares with is a parameter. The index of what is alike gives
# the groups in order, so that nothing is sorted.
_ALIKE = f"""
SELECT {_FACTS}, min(device.device_id), count(*), count(delivery.live),
    sum(CASE WHEN delivery.live IS NULL AND coalesce(hub.gbcs_version, '') NOT IN ({{marks}})
        THEN 1 ELSE 0 END)
FROM device
LEFT JOIN device AS hub ON hub.device_id = device.hub_id
LEFT JOIN delivery ON delivery.device_id = device.device_id AND delivery.live = 1
WHERE {{where}} GROUP BY {_FACTS}
"""  # noqa: S608 -- as said


def _place(device: CampaignDevice) -> tuple[int, int, str, str]:
    return device.campaign, device.wave, str(device.state), str(device.reason)


def _key(row: Row) -> Row:
    return row[:2]
