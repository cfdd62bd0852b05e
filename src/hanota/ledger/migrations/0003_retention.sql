-- The journal may lose its older part. What that part told last of each delivery and command stays
-- here, so that `verify` begins at the cut; how many devices were in each state there follows from
-- it. The newest entry of the journal always stays, because numbers go on behind it.

-- Deliveries as they stood after the last of their entries that was dropped.
CREATE TABLE checkpoint_delivery (
    device_id {integer} NOT NULL,
    request {integer} NOT NULL,
    hub_id {integer} NOT NULL,
    version {integer} NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    live {integer} NOT NULL,
    due_ms {integer},
    changed_ms {integer} NOT NULL,
    last_entry {integer} NOT NULL,
    PRIMARY KEY (device_id, request)
) {clustered};

-- The last event of each command that was dropped.
CREATE TABLE checkpoint_command (
    request {integer} PRIMARY KEY,
    event TEXT NOT NULL
) {table};

DROP VIEW rebuilt_delivery;

-- The deliveries as journal and checkpoint tell them; `verify` compares.
CREATE VIEW rebuilt_delivery AS
SELECT device_id, request, hub_id, version, state, reason, live, due_ms, changed_ms,
    number AS last_entry
FROM journal
WHERE number IN (
    SELECT max(number) FROM journal WHERE state IS NOT NULL GROUP BY device_id, request
)
UNION ALL
SELECT kept.device_id, kept.request, kept.hub_id, kept.version, kept.state, kept.reason, kept.live,
    kept.due_ms, kept.changed_ms, kept.last_entry
FROM checkpoint_delivery AS kept
LEFT JOIN (
    SELECT device_id, request, max(number) AS number FROM journal WHERE state IS NOT NULL
    GROUP BY device_id, request
) AS later ON later.device_id = kept.device_id AND later.request = kept.request
WHERE later.number IS NULL;
