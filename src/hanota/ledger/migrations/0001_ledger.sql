-- The ledger of one party. State (delivery, delivery_count, device, outbox) and journal change in
-- one transaction a batch; the state can be rebuilt from the journal.
--
-- Words in braces differ from database to database: ledger/sqlite.py says what they stand for.
-- 64-bit ids and counters are unsigned outside and signed in here, with the same 64 bits: what
-- printf('%016X', device_id) shows is the EUI-64. A statement ends with a semicolon at the end
-- of its line.

-- What this ledger is: `version` of its tables, `owner` whose it is.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) {clustered};

-- The inventory.
CREATE TABLE device (
    device_id {integer} PRIMARY KEY,
    type TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    model TEXT NOT NULL,
    hardware_version {integer},
    firmware_version TEXT NOT NULL,
    hub_id {integer} NOT NULL,
    status TEXT NOT NULL,
    suppliers TEXT NOT NULL, -- a JSON array of unsigned EUI-64s
    region TEXT NOT NULL,
    gbcs_version TEXT NOT NULL
) {table};

CREATE INDEX device_of_hub ON device (hub_id);

-- The Central Products List.
CREATE TABLE product (
    number {number},
    type TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    manufacturer_code {integer} NOT NULL,
    model TEXT NOT NULL,
    hardware_versions TEXT NOT NULL, -- a JSON array of numbers
    firmware_version TEXT NOT NULL,
    hash {octets} NOT NULL CHECK (length(hash) = 32),
    status TEXT NOT NULL,
    gbcs_version TEXT NOT NULL,
    follows TEXT NOT NULL, -- a JSON array of versions
    UNIQUE (hash, type, manufacturer, manufacturer_code, model, hardware_versions, firmware_version)
) {table};

-- OTA files by their SHA-256.
CREATE TABLE image (
    sha256 {octets} PRIMARY KEY CHECK (length(sha256) = 32),
    octets {octets} NOT NULL
) {table};

-- DUIS requests sent or accepted. A RequestID is used once a command variant.
CREATE TABLE request (
    number {number},
    originator {integer} NOT NULL,
    target {integer} NOT NULL,
    counter {integer} NOT NULL,
    command_variant {integer} NOT NULL,
    service_reference TEXT NOT NULL,
    digest {octets} NOT NULL,
    image_hash {octets},
    version {integer},
    at_ms {integer} NOT NULL,
    answer {octets},
    UNIQUE (originator, target, counter, command_variant)
) {table};

CREATE INDEX request_of_service
ON request (originator, service_reference, command_variant, at_ms);

-- Requests that anomaly detection holds back until somebody lets them go, as they were asked.
CREATE TABLE quarantine (
    request {integer} PRIMARY KEY REFERENCES request (number),
    octets {octets} NOT NULL
) {table};

-- What happened, never changed afterwards. Numbered as it came, so that it only grows at its end.
-- hub_id to changed_ms are the delivery as it stood afterwards; all of them are null where
-- nothing changed.
--
-- The entries that changed one delivery are a chain: `delivery.last_entry` is its newest link, and
-- `previous` leads to the one before (0: there is none). An index by device would dirty one page
-- more for each event; the chain dirties none, because the row of the delivery is written anyway
-- (docs/adr/0003). Only what changed nothing has an index, and that is rare.
CREATE TABLE journal (
    number {integer} PRIMARY KEY,
    previous {integer} NOT NULL,
    at_ms {integer} NOT NULL,
    device_id {integer} NOT NULL,
    request {integer} NOT NULL,
    event TEXT NOT NULL,
    hub_id {integer},
    version {integer},
    state TEXT,
    reason TEXT,
    live {integer},
    due_ms {integer},
    changed_ms {integer},
    message {octets} NOT NULL
) {table};

CREATE INDEX journal_without_change ON journal (device_id) WHERE state IS NULL;

-- Where each device is in each request. Clustered by device, like everything that a message from
-- a device touches.
CREATE TABLE delivery (
    device_id {integer} NOT NULL,
    request {integer} NOT NULL REFERENCES request (number),
    hub_id {integer} NOT NULL,
    version {integer} NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    live {integer} NOT NULL CHECK (live IN (0, 1)),
    due_ms {integer},
    changed_ms {integer} NOT NULL,
    last_entry {integer} NOT NULL,
    PRIMARY KEY (device_id, request)
) {clustered};

-- This index is the rule that a device has at most one live delivery.
CREATE UNIQUE INDEX one_live_delivery_a_device ON delivery (device_id) WHERE live = 1;

CREATE INDEX delivery_of_request ON delivery (request, device_id);

CREATE INDEX live_delivery_due ON delivery (due_ms) WHERE live = 1;

-- How many devices of a request are in each state: read by thresholds and pacing, never counted.
CREATE TABLE delivery_count (
    request {integer} NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    devices {integer} NOT NULL CHECK (devices >= 0),
    PRIMARY KEY (request, state, reason)
) {clustered};

-- The deliveries as the journal tells them; `verify` compares.
CREATE VIEW rebuilt_delivery AS
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    number AS last_entry
FROM journal
WHERE number IN (
    SELECT max(number) FROM journal WHERE state IS NOT NULL GROUP BY device_id, request
);

-- GBCS commands for single devices, one a request, from the request to what came of it. Clustered
-- by device: an answer names device, originator and counter. These may still change until the
-- command is made; `gbcs` is empty before.
CREATE TABLE command (
    device_id {integer} NOT NULL,
    originator {integer} NOT NULL,
    counter {integer} NOT NULL,
    request {integer} NOT NULL UNIQUE REFERENCES request (number),
    state TEXT NOT NULL,
    live {integer} NOT NULL CHECK (live IN (0, 1)),
    due_ms {integer},
    changed_ms {integer} NOT NULL,
    gbcs {octets} NOT NULL,
    PRIMARY KEY (device_id, originator, counter)
) {clustered};

CREATE INDEX live_command_due ON command (due_ms) WHERE live = 1;

-- Every message that was ever taken in, clustered by the device that sent it.
CREATE TABLE seen (
    originator {integer} NOT NULL,
    target {integer} NOT NULL,
    cra {integer} NOT NULL,
    counter {integer} NOT NULL,
    PRIMARY KEY (originator, target, cra, counter)
) {clustered};

-- What still has to be sent. A number is never used twice (a counter gives them), so that a settled
-- message is not mistaken for a later one.
--
-- What a receiver is told of one device (device_id; 0 for none) goes in order: `ahead` is the
-- message before it that still waits, 0 where there is none. Only those without one are read, so
-- that a queue behind a receiver that is down costs nothing each time the outbox is looked at.
CREATE TABLE outbox (
    number {integer} PRIMARY KEY,
    receiver {integer} NOT NULL,
    device_id {integer} NOT NULL,
    body {octets} NOT NULL,
    since_ms {integer} NOT NULL,
    due_ms {integer} NOT NULL,
    tries {integer} NOT NULL,
    ahead {integer} NOT NULL
) {table};

CREATE INDEX outbox_due ON outbox (due_ms, number) WHERE ahead = 0;

CREATE INDEX outbox_of_receiver ON outbox (receiver, due_ms, number) WHERE ahead = 0;

CREATE INDEX outbox_of_device ON outbox (receiver, device_id, number) WHERE device_id <> 0;

CREATE INDEX outbox_behind ON outbox (ahead) WHERE ahead <> 0;

-- Messages that left the outbox although nobody took them; the journal entry has the octets.
CREATE TABLE untaken (
    entry {integer} PRIMARY KEY REFERENCES journal (number),
    receiver {integer} NOT NULL,
    tries {integer} NOT NULL,
    status {integer}
) {table};

-- The last value given out of each counter that must never repeat.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    last {integer} NOT NULL
) {clustered};
