-- The statements about releases and campaigns; the form is that of queries.sql.

-- put_release --
-- A release as it is now.
INSERT INTO firmware_release (
    name, sha256, hash, type, manufacturer_code, version, hardware_min, hardware_max, added_by,
    added_ms, expires_ms, withdrawn_ms
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
    expires_ms = excluded.expires_ms, withdrawn_ms = excluded.withdrawn_ms;

-- releases --
-- Every release, the oldest first.
SELECT name, sha256, hash, type, manufacturer_code, version, hardware_min, hardware_max, added_by,
    added_ms, expires_ms, withdrawn_ms
FROM firmware_release ORDER BY added_ms, name;

-- release_named --
-- The release of this name.
SELECT name, sha256, hash, type, manufacturer_code, version, hardware_min, hardware_max, added_by,
    added_ms, expires_ms, withdrawn_ms
FROM firmware_release WHERE name = ?;

-- add_campaign --
-- A new campaign; the ledger gives it its number.
INSERT INTO campaign (
    name, author, plan, state, why, revision, digest, version, wave, wave_bounds, proven_since_ms,
    counted_from_ms, look_ms, joined_ms
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
RETURNING number;

-- change_campaign --
-- A campaign as it is now, if it still was as it was read.
UPDATE campaign SET
    author = ?, plan = ?, state = ?, why = ?, digest = ?, version = ?, wave = ?, wave_bounds = ?,
    proven_since_ms = ?, counted_from_ms = ?, look_ms = ?, joined_ms = ?, revision = revision + 1
WHERE number = ? AND revision = ?;

-- campaigns --
-- Every campaign, the oldest first.
SELECT number, name, author, plan, state, why, revision, digest, version, wave, wave_bounds,
    proven_since_ms, counted_from_ms, look_ms, joined_ms
FROM campaign ORDER BY number;

-- campaign_named --
-- The campaign of this name.
SELECT number, name, author, plan, state, why, revision, digest, version, wave, wave_bounds,
    proven_since_ms, counted_from_ms, look_ms, joined_ms
FROM campaign WHERE name = ?;

-- campaign_numbered --
-- The campaign of this number.
SELECT number, name, author, plan, state, why, revision, digest, version, wave, wave_bounds,
    proven_since_ms, counted_from_ms, look_ms, joined_ms
FROM campaign WHERE number = ?;

-- add_act --
-- Something that was done to a campaign.
INSERT INTO campaign_act (campaign, at_ms, actor, act, why, digest) VALUES (?, ?, ?, ?, ?, ?);

-- acts --
-- What was done to a campaign, the oldest first.
SELECT campaign, at_ms, actor, act, why, digest FROM campaign_act WHERE campaign = ?
ORDER BY number;

-- put_campaign_device --
-- A device of a campaign as it is now.
INSERT INTO campaign_device (
    device_id, campaign, wave, region, state, reason, request, tries, next_try_ms
) {rows:iiitttiii}
ON CONFLICT (device_id, campaign) DO UPDATE SET
    state = excluded.state, reason = excluded.reason, request = excluded.request,
    tries = excluded.tries, next_try_ms = excluded.next_try_ms;

-- campaign_devices --
-- These devices of a campaign.
SELECT device_id, campaign, wave, region, state, reason, request, tries, next_try_ms
FROM campaign_device WHERE device_id IN {each} AND campaign = ?;

-- campaigns_of_device --
-- A device in every campaign that has it.
SELECT device_id, campaign, wave, region, state, reason, request, tries, next_try_ms
FROM campaign_device WHERE device_id = ? ORDER BY campaign;

-- campaign_devices_in --
-- The next devices in a state and region, of the waves that have begun.
SELECT device_id, campaign, wave, region, state, reason, request, tries, next_try_ms
FROM campaign_device WHERE campaign = ? AND state = ? AND region = ? AND wave <= ?
ORDER BY wave, device_id LIMIT ?;

-- campaign_devices_resting --
-- The next devices that have rested long enough.
SELECT device_id, campaign, wave, region, state, reason, request, tries, next_try_ms
FROM campaign_device WHERE campaign = ? AND next_try_ms <= ? ORDER BY next_try_ms LIMIT ?;

-- next_campaign_try --
-- When the next device has rested long enough.
SELECT min(next_try_ms) FROM campaign_device WHERE campaign = ? AND next_try_ms IS NOT NULL;

-- campaign_devices_from --
-- The next page of all devices of a campaign.
SELECT device_id, campaign, wave, region, state, reason, request, tries, next_try_ms
FROM campaign_device WHERE device_id >= ? AND campaign = ? ORDER BY device_id LIMIT ?;

-- put_campaign_request --
-- A request that belongs to a campaign.
INSERT INTO campaign_request (request, campaign) VALUES (?, ?);

-- campaigns_of_requests --
-- The campaigns of those requests that belong to any.
SELECT request, campaign FROM campaign_request WHERE request IN {each};

-- requests_of_campaign --
-- The requests of a campaign.
SELECT request FROM campaign_request WHERE campaign = ? ORDER BY request;

-- proven_devices --
-- Some devices of a wave that are in a state, and were not read back for it.
SELECT device_id FROM campaign_device
WHERE campaign = ? AND state = ? AND region = ? AND wave = ? AND NOT EXISTS (
    SELECT 1 FROM campaign_read_back AS its WHERE its.campaign = campaign_device.campaign
        AND its.wave = campaign_device.wave AND its.device_id = campaign_device.device_id
)
ORDER BY device_id LIMIT ?;

-- put_read_back --
-- A device that has to prove once more what it runs.
INSERT INTO campaign_read_back (campaign, wave, device_id, request) VALUES (?, ?, ?, ?);

-- read_backs --
-- What came of the devices that had to prove once more what they run.
SELECT request.at_ms, command.state, device.firmware_version
FROM campaign_read_back
JOIN request ON request.number = campaign_read_back.request
JOIN command ON command.request = campaign_read_back.request
JOIN device ON device.device_id = campaign_read_back.device_id
WHERE campaign_read_back.campaign = ? AND campaign_read_back.wave = ?;

-- campaign_count_more --
-- So many devices more are in this state.
INSERT INTO campaign_count (campaign, wave, state, reason, devices) {rows:iitti}
ON CONFLICT (campaign, wave, state, reason) DO UPDATE SET
    devices = campaign_count.devices + excluded.devices;

-- campaign_count_fewer --
-- So many devices have left this state.
UPDATE campaign_count SET devices = devices - ?
WHERE campaign = ? AND wave = ? AND state = ? AND reason = ?;

-- campaign_counts --
-- How many devices of a campaign are in which state.
SELECT wave, state, reason, devices FROM campaign_count WHERE campaign = ? AND devices > 0
ORDER BY wave, state, reason;

-- ended_more --
-- So many tries more ended so in this minute.
INSERT INTO campaign_ended (campaign, minute_ms, outcome, devices) {rows:iiti}
ON CONFLICT (campaign, minute_ms, outcome) DO UPDATE SET
    devices = campaign_ended.devices + excluded.devices;

-- ended_since --
-- How tries ended, minute by minute.
SELECT outcome, minute_ms, devices FROM campaign_ended WHERE campaign = ? AND minute_ms >= ?
ORDER BY minute_ms, outcome;

-- dispatched_more --
-- So many devices more of a region were asked for in this minute.
INSERT INTO campaign_dispatched (campaign, minute_ms, region, devices) {rows:iiti}
ON CONFLICT (campaign, minute_ms, region) DO UPDATE SET
    devices = campaign_dispatched.devices + excluded.devices;

-- dispatched_since --
-- How many devices were asked for, minute by minute.
SELECT region, minute_ms, devices FROM campaign_dispatched WHERE campaign = ? AND minute_ms >= ?
ORDER BY minute_ms, region;

-- verify_campaign_counts_kept --
-- Counts of a campaign that its devices tell otherwise.
SELECT campaign, wave, state FROM (
    SELECT campaign, wave, state, reason, devices FROM campaign_count WHERE devices > 0
    EXCEPT
    SELECT campaign, wave, state, reason, count(*) FROM campaign_device
    GROUP BY campaign, wave, state, reason
) AS difference LIMIT ?;

-- verify_campaign_counts_lost --
-- Counts that a campaign's devices tell and the ledger has not.
SELECT campaign, wave, state FROM (
    SELECT DISTINCT campaign, wave, state, reason FROM campaign_device
    EXCEPT
    SELECT campaign, wave, state, reason FROM campaign_count WHERE devices > 0
) AS difference LIMIT ?;

-- campaign_report --
-- How many devices of a campaign are in which state, by what may be the reason.
SELECT campaign_device.wave, campaign_device.state, campaign_device.reason, campaign_device.region,
    coalesce(device.model, ''), coalesce(hub.firmware_version, ''), count(*)
FROM campaign_device
LEFT JOIN device ON device.device_id = campaign_device.device_id
LEFT JOIN device AS hub ON hub.device_id = device.hub_id
WHERE campaign_device.campaign = ?
GROUP BY campaign_device.wave, campaign_device.state, campaign_device.reason,
    campaign_device.region, coalesce(device.model, ''), coalesce(hub.firmware_version, '')
ORDER BY 1, 2, 3, 4, 5, 6;

-- manufacturers --
-- Every manufacturer of the inventory.
SELECT DISTINCT manufacturer FROM device;

-- models --
-- Every model of the inventory.
SELECT DISTINCT model FROM device;

-- gbcs_versions --
-- Every GBCS version of the inventory.
SELECT DISTINCT gbcs_version FROM device;
