-- Releases and campaigns of a supplier.
--
-- A campaign's devices are rows, clustered by device like everything that a message from a device
-- touches. What is decided on is never counted: the three tables of counts move with the rows.

-- Devices of which the inventory says the same stand together: a whole cohort is judged in some
-- hundreds of groups.
CREATE INDEX device_alike ON device (
    type, manufacturer, model, hardware_version, firmware_version, status, suppliers, region,
    gbcs_version, hub_id
);

-- Images that campaigns may bring.
CREATE TABLE firmware_release (
    name TEXT PRIMARY KEY,
    sha256 {octets} NOT NULL REFERENCES image (sha256),
    hash {octets} NOT NULL CHECK (length(hash) = 32),
    type TEXT NOT NULL,
    manufacturer_code {integer} NOT NULL,
    version TEXT NOT NULL,
    hardware_min {integer},
    hardware_max {integer},
    added_by TEXT NOT NULL,
    added_ms {integer} NOT NULL,
    expires_ms {integer},
    withdrawn_ms {integer}
) {table};

-- `revision` grows with every change: whoever changes a campaign names the one that he has read.
CREATE TABLE campaign (
    number {number},
    name TEXT NOT NULL UNIQUE,
    author TEXT NOT NULL,
    plan {octets} NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    revision {integer} NOT NULL,
    digest {octets}, -- that was approved
    version TEXT NOT NULL, -- to end with; empty before the start
    wave {integer} NOT NULL,
    wave_bounds TEXT NOT NULL, -- a JSON array of ranks
    proven_since_ms {integer},
    counted_from_ms {integer} NOT NULL, -- halts look back no further
    look_ms {integer}, -- when something is to be done without anything happening before
    joined_ms {integer} NOT NULL
) {table};

-- Who did what to a campaign, never changed afterwards.
CREATE TABLE campaign_act (
    number {number},
    campaign {integer} NOT NULL REFERENCES campaign (number),
    at_ms {integer} NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    why TEXT NOT NULL,
    digest {octets}
) {table};

CREATE INDEX act_of_campaign ON campaign_act (campaign, number);

-- Where each device of a campaign is. `request` is the last that it was asked in.
CREATE TABLE campaign_device (
    device_id {integer} NOT NULL,
    campaign {integer} NOT NULL REFERENCES campaign (number),
    wave {integer} NOT NULL,
    region TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    request {integer},
    tries {integer} NOT NULL,
    next_try_ms {integer},
    PRIMARY KEY (device_id, campaign)
) {clustered};

CREATE INDEX campaign_device_in_state
ON campaign_device (campaign, state, region, wave, device_id);

CREATE INDEX campaign_device_resting ON campaign_device (campaign, next_try_ms)
WHERE next_try_ms IS NOT NULL;

-- The requests of campaigns: a delivery tells its campaign by its request.
CREATE TABLE campaign_request (
    request {integer} PRIMARY KEY REFERENCES request (number),
    campaign {integer} NOT NULL REFERENCES campaign (number)
) {table};

CREATE INDEX request_of_campaign ON campaign_request (campaign, request);

-- Devices that have to prove once more what they run, before the next wave begins.
CREATE TABLE campaign_read_back (
    campaign {integer} NOT NULL REFERENCES campaign (number),
    wave {integer} NOT NULL,
    device_id {integer} NOT NULL,
    request {integer} NOT NULL REFERENCES request (number),
    PRIMARY KEY (campaign, wave, device_id)
) {clustered};

-- How many devices of a wave are in each state.
CREATE TABLE campaign_count (
    campaign {integer} NOT NULL,
    wave {integer} NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    devices {integer} NOT NULL CHECK (devices >= 0),
    PRIMARY KEY (campaign, wave, state, reason)
) {clustered};

-- How many tries ended how in each minute.
CREATE TABLE campaign_ended (
    campaign {integer} NOT NULL,
    minute_ms {integer} NOT NULL,
    outcome TEXT NOT NULL,
    devices {integer} NOT NULL,
    PRIMARY KEY (campaign, minute_ms, outcome)
) {clustered};

-- How many devices of a region were asked for in each minute.
CREATE TABLE campaign_dispatched (
    campaign {integer} NOT NULL,
    minute_ms {integer} NOT NULL,
    region TEXT NOT NULL,
    devices {integer} NOT NULL,
    PRIMARY KEY (campaign, minute_ms, region)
) {clustered};
