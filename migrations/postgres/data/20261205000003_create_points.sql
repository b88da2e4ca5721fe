-- The journal of points: signed whole points, one append-only list a customer and programme. A balance is its sum.
CREATE TABLE point_entries (
    customer_id  TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    programme    TEXT   NOT NULL,
    seq          BIGINT NOT NULL,           -- from 1, without a gap
    at           BIGINT NOT NULL,
    points       BIGINT NOT NULL,           -- never 0
    kind         TEXT   NOT NULL,
    about        TEXT   NOT NULL,           -- a purpose, a reward: what the kind says
    reason       BYTEA,                      -- of a correction, sealed for the customer
    entry_key    TEXT   NOT NULL,           -- what is done twice under one key is done once
    spendable_at BIGINT NOT NULL,
    mac          BYTEA   NOT NULL,           -- covers the entry and the code of the one before
    PRIMARY KEY (customer_id, programme, seq)
);
CREATE UNIQUE INDEX point_entries_by_key ON point_entries (customer_id, programme, entry_key);

-- The end of each journal, so that a cut tail shows and the balance is at hand.
CREATE TABLE point_heads (
    customer_id   TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    programme     TEXT   NOT NULL,
    seq           BIGINT NOT NULL,
    balance       BIGINT NOT NULL,
    mac           BYTEA   NOT NULL,
    seal          BYTEA   NOT NULL,
    noticed_until BIGINT,                   -- points that end until then were announced
    PRIMARY KEY (customer_id, programme)
);

-- A proven address or number brings a programme's points for one cause once, whoever brings it. It outlives the account.
CREATE TABLE earned_contacts (
    contact_hash TEXT NOT NULL PRIMARY KEY, -- of the contact point, the programme and the cause
    customer_id  TEXT NOT NULL
);
