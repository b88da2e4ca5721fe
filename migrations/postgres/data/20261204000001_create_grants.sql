-- Consent records: what a customer was asked and answered for a purpose, one append-only list a customer.
CREATE TABLE consent_records (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    purpose     TEXT   NOT NULL,
    event       TEXT   NOT NULL,
    version     BIGINT NOT NULL,            -- of the purpose's words
    ends_at     BIGINT,                     -- until when a yes counts; NULL: until it is withdrawn
    words       TEXT   NOT NULL,            -- the exact words that were shown
    PRIMARY KEY (customer_id, seq)
);

-- What the last record of each purpose left: whoever asks "may I?" reads it here.
CREATE TABLE grants (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    purpose     TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    ends_at     BIGINT,
    changed_at  BIGINT NOT NULL,
    PRIMARY KEY (customer_id, purpose)
);
