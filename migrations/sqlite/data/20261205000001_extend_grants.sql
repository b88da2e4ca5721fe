-- A grant covers fields, and is made by an ask or on the page of permissions ('').
ALTER TABLE consent_records ADD COLUMN ask TEXT NOT NULL DEFAULT '';
ALTER TABLE consent_records ADD COLUMN fields TEXT NOT NULL DEFAULT '';  -- names with commas between

ALTER TABLE grants RENAME TO grants_before;
CREATE TABLE grants (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    purpose     TEXT   NOT NULL,
    ask         TEXT   NOT NULL,
    fields      TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    ends_at     BIGINT,
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (customer_id, purpose, ask)
);
INSERT INTO grants SELECT customer_id, purpose, '', '', state, version, ends_at, changed_at FROM grants_before;
DROP TABLE grants_before;
CREATE INDEX grants_by_end ON grants (ends_at);

-- Which ask stood before a customer, so that nobody answers what they were not shown, and nothing is answered twice.
CREATE TABLE shown_asks (
    customer_id TEXT    NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    ask         TEXT    NOT NULL,
    version     BIGINT  NOT NULL,
    shown_at    BIGINT  NOT NULL,           -- the last time
    asked_at    BIGINT,                     -- when the portal itself last brought it up
    answered    BOOLEAN NOT NULL,           -- what was shown last has its answer
    PRIMARY KEY (customer_id, ask)
);
