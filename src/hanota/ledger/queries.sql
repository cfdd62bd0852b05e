-- Every statement of the ledger but those that make its tables. Each has a name and one comment
-- that says what it is for. `?` is a parameter in order; words in braces differ between databases:
-- `{each}` is a list of ids given as one parameter, `{rows:...}` rows of values, with a letter
-- for each column: integer, text or octets.

-- tell --
-- What this ledger is: one property by name.
SELECT value FROM meta WHERE name = ?;

-- declare --
-- Say what this ledger is, or say it anew after an upgrade.
INSERT INTO meta (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- remember_message --
-- Take a message in; a row comes back only the first time.
INSERT INTO seen (originator, target, cra, counter) {rows:iiii}
ON CONFLICT DO NOTHING RETURNING originator, target, cra, counter;

-- put_device --
-- A device as the inventory now says it is.
INSERT INTO device (
    device_id, type, manufacturer, model, hardware_version, firmware_version, hub_id, status,
    suppliers, region, gbcs_version
) {rows:itttititttt}
ON CONFLICT (device_id) DO UPDATE SET
    type = excluded.type, manufacturer = excluded.manufacturer, model = excluded.model,
    hardware_version = excluded.hardware_version, firmware_version = excluded.firmware_version,
    hub_id = excluded.hub_id, status = excluded.status, suppliers = excluded.suppliers,
    region = excluded.region, gbcs_version = excluded.gbcs_version;

-- devices --
-- The devices with these ids.
SELECT device_id, type, manufacturer, model, hardware_version, firmware_version, hub_id, status,
    suppliers, region, gbcs_version
FROM device WHERE device_id IN {each};

-- devices_behind --
-- The devices of the homes with these hubs, the hubs among them.
SELECT device_id, type, manufacturer, model, hardware_version, firmware_version, hub_id, status,
    suppliers, region, gbcs_version
FROM device WHERE hub_id IN {each} ORDER BY hub_id, device_id;

-- devices_from --
-- The next page of the whole inventory.
SELECT device_id, type, manufacturer, model, hardware_version, firmware_version, hub_id, status,
    suppliers, region, gbcs_version
FROM device WHERE device_id >= ? ORDER BY device_id LIMIT ?;

-- device_count --
-- How many devices the inventory has.
SELECT count(*) FROM device;

-- put_request --
-- A request that was sent or accepted; the ledger gives it its number.
INSERT INTO request (
    originator, target, counter, command_variant, service_reference, digest, image_hash, version,
    at_ms, answer
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
RETURNING number;

-- request --
-- The request under this RequestID.
SELECT number, originator, target, counter, command_variant, service_reference, digest, image_hash,
    version, at_ms, answer
FROM request WHERE originator = ? AND target = ? AND counter = ? AND command_variant = ?;

-- requests_under --
-- The requests under this RequestID, one a command variant.
SELECT number, originator, target, counter, command_variant, service_reference, digest, image_hash,
    version, at_ms, answer
FROM request WHERE originator = ? AND target = ? AND counter = ?;

-- requests --
-- The requests with these numbers.
SELECT number, originator, target, counter, command_variant, service_reference, digest, image_hash,
    version, at_ms, answer
FROM request WHERE number IN {each};

-- set_answer --
-- The synchronous answer to a request.
UPDATE request SET answer = ? WHERE number = ?;

-- requests_since --
-- How many requests of a user for one service and command variant came after an instant, but for
-- those in quarantine; counted up to a number.
SELECT count(*) FROM (
    SELECT 1 FROM request
    WHERE originator = ? AND service_reference = ? AND command_variant = ? AND at_ms > ?
        AND number NOT IN (SELECT request FROM quarantine)
    LIMIT ?
) AS recent;

-- quarantine --
-- Hold a request back.
INSERT INTO quarantine (request, octets) VALUES (?, ?);

-- quarantined --
-- The next requests that are held back.
SELECT number, originator, target, counter, command_variant, service_reference, digest, image_hash,
    version, at_ms, answer
FROM request JOIN quarantine ON quarantine.request = request.number
WHERE quarantine.request > ? ORDER BY quarantine.request LIMIT ?;

-- quarantined_octets --
-- What a request that is held back asks for.
SELECT octets FROM quarantine WHERE request = ?;

-- release --
-- A request is held back no more.
DELETE FROM quarantine WHERE request = ?;

-- date_request --
-- A request that was held back counts from now on, for this image.
UPDATE request SET at_ms = ?, image_hash = ?, version = ? WHERE number = ?;

-- clear_products --
-- An empty Central Products List.
DELETE FROM product;

-- put_product --
-- One entry of the Central Products List.
INSERT INTO product (
    type, manufacturer, manufacturer_code, model, hardware_versions, firmware_version, hash, status,
    gbcs_version, follows
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (
    hash, type, manufacturer, manufacturer_code, model, hardware_versions, firmware_version
) DO UPDATE SET status = excluded.status, gbcs_version = excluded.gbcs_version,
    follows = excluded.follows;

-- products --
-- The Central Products List in order of recording.
SELECT type, manufacturer, manufacturer_code, model, hardware_versions, firmware_version, hash,
    status, gbcs_version, follows
FROM product ORDER BY number;

-- put_image --
-- An OTA file under its SHA-256; the same file a second time changes nothing.
INSERT INTO image (sha256, octets) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- image --
-- The OTA file with this SHA-256.
SELECT octets FROM image WHERE sha256 = ?;

-- image_names --
-- The SHA-256 of every OTA file.
SELECT sha256 FROM image ORDER BY sha256;

-- standing_deliveries --
-- How deliveries of these devices stand before they change, and their newest journal entries.
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    last_entry
FROM delivery WHERE device_id IN {each} AND request BETWEEN ? AND ?;

-- put_delivery --
-- A delivery as it now stands.
INSERT INTO delivery (
    device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms, last_entry
) {rows:iiiittiiii}
ON CONFLICT (device_id, request) DO UPDATE SET
    hub_id = excluded.hub_id, version = excluded.version, state = excluded.state,
    reason = excluded.reason, live = excluded.live, due_ms = excluded.due_ms,
    changed_ms = excluded.changed_ms, last_entry = excluded.last_entry;

-- move_delivery --
-- A delivery that is there as it now stands, with the same `live` and `due_ms`: of what is said to
-- change, SQLite writes the indexes even where it does not, a page of each.
INSERT INTO delivery (
    device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms, last_entry
) {rows:iiiittiiii}
ON CONFLICT (device_id, request) DO UPDATE SET
    hub_id = excluded.hub_id, version = excluded.version, state = excluded.state,
    reason = excluded.reason, changed_ms = excluded.changed_ms, last_entry = excluded.last_entry;

-- live_deliveries --
-- The live delivery of each of these devices. `+live` asks for the primary key instead of the
-- index of live deliveries: the page of the row is wanted anyway.
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    last_entry
FROM delivery WHERE device_id IN {each} AND +live = 1;

-- last_deliveries --
-- What evidence about each of these devices belongs to: its live delivery, else that of its newest
-- request, where a request that left the device out comes after every other.
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    last_entry
FROM delivery AS one WHERE device_id IN {each} AND request = (
    SELECT request FROM delivery AS other WHERE other.device_id = one.device_id
    ORDER BY live DESC, state = 'left-out', request DESC LIMIT 1
);

-- deliveries_in_state --
-- The deliveries of these devices that are in one state, live or not: a page of the primary key
-- a device.
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    last_entry
FROM delivery WHERE device_id IN {each} AND state = ? ORDER BY device_id, request;

-- deliveries_of_request --
-- The next page of the deliveries of one request.
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    last_entry
FROM delivery WHERE request = ? AND device_id >= ? ORDER BY device_id LIMIT ?;

-- delivery --
-- The delivery of one device in one request.
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    last_entry
FROM delivery WHERE device_id = ? AND request = ?;

-- due --
-- Live deliveries whose silence has lasted long enough, the longest first.
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    last_entry
FROM delivery WHERE live = 1 AND due_ms <= ? ORDER BY due_ms, device_id LIMIT ?;

-- put_command --
-- A command as it now stands; it is the one of its request.
INSERT INTO command (
    device_id, originator, counter, request, state, live, due_ms, changed_ms, gbcs
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (request) DO UPDATE SET
    device_id = excluded.device_id, originator = excluded.originator, counter = excluded.counter,
    state = excluded.state, live = excluded.live, due_ms = excluded.due_ms,
    changed_ms = excluded.changed_ms, gbcs = excluded.gbcs;

-- commands --
-- The commands that answers name, and others of the same devices, originators and counters. `+`
-- asks for the primary key by device alone: a device has few.
SELECT device_id, originator, counter, request, state, live, due_ms, changed_ms, gbcs
FROM command WHERE device_id IN {each} AND +originator IN {each} AND +counter IN {each};

-- live_commands --
-- The live commands of these devices. `+live` asks for the primary key, as for deliveries.
SELECT device_id, originator, counter, request, state, live, due_ms, changed_ms, gbcs
FROM command WHERE device_id IN {each} AND +live = 1;

-- due_commands --
-- Live commands whose time has come, the longest due first.
SELECT device_id, originator, counter, request, state, live, due_ms, changed_ms, gbcs
FROM command WHERE live = 1 AND due_ms <= ? ORDER BY due_ms LIMIT ?;

-- last_entry --
-- The number of the newest journal entry.
SELECT coalesce(max(number), 0) FROM journal;

-- last_instant --
-- When the newest journal entry was made.
SELECT coalesce((SELECT at_ms FROM journal ORDER BY number DESC LIMIT 1), 0);

-- add_entry --
-- One thing that happened.
INSERT INTO journal (
    number, previous, at_ms, device_id, request, event, hub_id, version, state, reason, live,
    due_ms, changed_ms, message
) {rows:iiiiitiittiiio};

-- timeline --
-- The newest entries about one device: the chains of its deliveries, and what changed nothing.
WITH RECURSIVE chain (number, previous) AS (
    SELECT number, previous FROM journal
    WHERE number IN (SELECT last_entry FROM delivery WHERE delivery.device_id = ?)
    UNION ALL
    SELECT journal.number, journal.previous FROM chain
    JOIN journal ON journal.number = chain.previous
)
SELECT at_ms, device_id, request, event, hub_id, version, state, reason, live, due_ms, changed_ms,
    message
FROM journal WHERE number IN (
    SELECT number FROM chain
    UNION ALL
    SELECT number FROM journal WHERE device_id = ? AND state IS NULL
)
ORDER BY number DESC LIMIT ?;

-- count_more --
-- So many devices more are in this state of this request.
INSERT INTO delivery_count (request, state, reason, devices) VALUES (?, ?, ?, ?)
ON CONFLICT (request, state, reason) DO UPDATE SET
    devices = delivery_count.devices + excluded.devices;

-- count_fewer --
-- So many devices have left this state of this request.
UPDATE delivery_count SET devices = devices - ? WHERE request = ? AND state = ? AND reason = ?;

-- counts --
-- How many devices of a request are in which state.
SELECT state, reason, devices FROM delivery_count WHERE request = ? AND devices > 0
ORDER BY state, reason;

-- last_waiting --
-- The last messages that wait for these receivers about these devices.
SELECT receiver, device_id, max(number) FROM outbox
WHERE receiver IN {each} AND device_id IN {each} AND device_id <> 0
GROUP BY receiver, device_id;

-- post --
-- Messages to send, each behind the last one about its device.
INSERT INTO outbox (number, receiver, device_id, body, since_ms, due_ms, tries, ahead)
{rows:iiioiiii};

-- outbox --
-- The next messages that may be sent by now.
SELECT number, receiver, body, due_ms, tries, device_id, since_ms FROM outbox
WHERE ahead = 0 AND due_ms <= ? AND (due_ms, number) > (?, ?) ORDER BY due_ms, number LIMIT ?;

-- outbox_for --
-- The next messages that may be sent to one receiver by now.
SELECT number, receiver, body, due_ms, tries, device_id, since_ms FROM outbox
WHERE ahead = 0 AND receiver = ? AND due_ms <= ? AND (due_ms, number) > (?, ?)
ORDER BY due_ms, number LIMIT ?;

-- outbox_of --
-- The next messages that wait for one receiver, in order of recording, due or not.
SELECT number, receiver, body, due_ms, tries, device_id, since_ms FROM outbox
WHERE receiver = ? AND number > ? ORDER BY number LIMIT ?;

-- settle --
-- Messages that leave the outbox.
DELETE FROM outbox WHERE number IN {each};

-- let_go --
-- What waited for messages that left the outbox waits for those before them, if there are any.
UPDATE outbox SET ahead = (
    SELECT coalesce(max(earlier.number), 0) FROM outbox AS earlier
    WHERE earlier.receiver = outbox.receiver AND earlier.device_id = outbox.device_id
        AND earlier.device_id <> 0 AND earlier.number < outbox.number
) WHERE ahead IN {each} AND ahead <> 0;

-- postpone --
-- Messages to try again later.
UPDATE outbox SET due_ms = ?, tries = tries + 1 WHERE number IN {each};

-- rewrite --
-- A message that waits, in other octets.
UPDATE outbox SET body = ? WHERE number = ?;

-- give_up --
-- A message that left the outbox untaken: the newest journal entry tells of it.
INSERT INTO untaken (entry, receiver, tries, status)
SELECT max(number), ?, ?, ? FROM journal;

-- untaken --
-- The next messages that left the outbox untaken.
SELECT journal.number, journal.at_ms, journal.event, untaken.receiver, journal.device_id,
    journal.message, untaken.tries, untaken.status
FROM untaken JOIN journal ON journal.number = untaken.entry
WHERE untaken.entry > ? ORDER BY untaken.entry LIMIT ?;

-- outbox_depth --
-- How many messages wait.
SELECT count(*) FROM outbox;

-- counter --
-- The last value that a counter has given out.
SELECT last FROM counter WHERE name = ?;

-- next_counter --
-- Give out the next values of a counter, the last of which comes back.
INSERT INTO counter (name, last) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET last = CASE
    WHEN counter.last + ? > excluded.last THEN counter.last + ? ELSE excluded.last
END
RETURNING last;

-- verify_deliveries_kept --
-- Deliveries that the journal tells otherwise, or not at all.
SELECT device_id, request FROM (
    SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms, last_entry
    FROM delivery
    EXCEPT
    SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms, last_entry
    FROM rebuilt_delivery
) AS difference LIMIT ?;

-- verify_deliveries_lost --
-- Deliveries that the journal tells and the ledger has not.
SELECT device_id, request FROM (
    SELECT device_id, request FROM rebuilt_delivery EXCEPT SELECT device_id, request FROM delivery
) AS difference LIMIT ?;

-- verify_requests --
-- Deliveries of a request that the ledger does not know.
SELECT device_id, request FROM delivery WHERE request NOT IN (SELECT number FROM request) LIMIT ?;

-- verify_commands --
-- Commands whose newest journal entry tells another state, or that have none.
SELECT command.device_id, command.request FROM command
LEFT JOIN (
    SELECT request, max(number) AS number FROM journal WHERE event LIKE 'command:%'
    GROUP BY request
) AS newest ON newest.request = command.request
LEFT JOIN journal ON journal.number = newest.number
LEFT JOIN checkpoint_command ON checkpoint_command.request = command.request
WHERE coalesce(journal.event, checkpoint_command.event, '') <> 'command:' || command.state LIMIT ?;

-- verify_counts_kept --
-- Counts that the journal tells otherwise.
SELECT request, state, reason FROM (
    SELECT request, state, reason, devices FROM delivery_count WHERE devices > 0
    EXCEPT
    SELECT request, state, reason, count(*) FROM rebuilt_delivery GROUP BY request, state, reason
) AS difference LIMIT ?;

-- verify_counts_lost --
-- Counts that the journal tells and the ledger has not.
SELECT request, state, reason FROM (
    SELECT DISTINCT request, state, reason FROM rebuilt_delivery
    EXCEPT
    SELECT request, state, reason FROM delivery_count WHERE devices > 0
) AS difference LIMIT ?;

-- verify_chains --
-- Journal entries that do not lead to the one before, which the checkpoint may have.
SELECT device_id, number FROM (
    SELECT journal.device_id, journal.number, journal.previous, coalesce(
        lag(journal.number)
        OVER (PARTITION BY journal.device_id, journal.request ORDER BY journal.number),
        checkpoint_delivery.last_entry, 0
    ) AS expected
    FROM journal
    LEFT JOIN checkpoint_delivery ON checkpoint_delivery.device_id = journal.device_id
        AND checkpoint_delivery.request = journal.request
    WHERE journal.state IS NOT NULL
) AS link WHERE previous <> expected LIMIT ?;

-- first_entry --
-- The number of the oldest journal entry.
SELECT number FROM journal ORDER BY number LIMIT 1;

-- newest_entry --
-- The number of the newest journal entry.
SELECT number FROM journal ORDER BY number DESC LIMIT 1;

-- first_entry_since --
-- The number of the first journal entry that was made at an instant or later.
SELECT number FROM journal WHERE at_ms >= ? ORDER BY number LIMIT 1;

-- keep_deliveries --
-- What the journal tells of deliveries before a number, for when it does not tell it any more.
INSERT INTO checkpoint_delivery (
    device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms, last_entry
)
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms, number
FROM journal WHERE number IN (
    SELECT max(number) FROM journal WHERE number < ? AND state IS NOT NULL
    GROUP BY device_id, request
)
ON CONFLICT (device_id, request) DO UPDATE SET
    hub_id = excluded.hub_id, version = excluded.version, state = excluded.state,
    reason = excluded.reason, live = excluded.live, due_ms = excluded.due_ms,
    changed_ms = excluded.changed_ms, last_entry = excluded.last_entry;

-- keep_commands --
-- What the journal tells of commands before a number, as of deliveries.
INSERT INTO checkpoint_command (request, event)
SELECT request, event FROM journal WHERE number IN (
    SELECT max(number) FROM journal WHERE number < ? AND event LIKE 'command:%' GROUP BY request
)
ON CONFLICT (request) DO UPDATE SET event = excluded.event;

-- forget_untaken --
-- Messages that nobody took, of which the journal does not tell any more.
DELETE FROM untaken WHERE entry < ?;

-- drop_entries --
-- Journal entries before a number.
DELETE FROM journal WHERE number < ?;

-- deliveries_from --
-- The next page of all deliveries.
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    last_entry
FROM delivery WHERE (device_id, request) > (?, ?) ORDER BY device_id, request LIMIT ?;

-- journal_from --
-- The next page of the whole journal.
SELECT number, at_ms, device_id, request, event, hub_id, version, state, reason, live, due_ms,
    changed_ms, message
FROM journal WHERE number > ? ORDER BY number LIMIT ?;

-- raise_counters --
-- Every counter goes on so far beyond what it has given out.
UPDATE counter SET last = last + ?;
