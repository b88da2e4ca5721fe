-- What the staff changed about rewards: a definition in place of the catalog's or beside it, and a pause.
CREATE TABLE reward_changes (
    reward     TEXT    NOT NULL PRIMARY KEY,
    definition TEXT,                       -- JSON; nothing: what the catalog says
    paused     BOOLEAN NOT NULL,
    changed_at BIGINT  NOT NULL
);

-- How many of each were given out. Whoever takes one waits here for whoever takes another.
CREATE TABLE reward_counts (
    reward TEXT   NOT NULL PRIMARY KEY,
    given  BIGINT NOT NULL
);

-- Codes, each known by its keyed hash, so that none is ever given twice. What a code is stands here until it is given.
CREATE TABLE reward_codes (
    code_hash TEXT   NOT NULL PRIMARY KEY,
    reward    TEXT   NOT NULL,
    sealed    BLOB,
    added_at  BIGINT NOT NULL,
    given_at  BIGINT
);
CREATE INDEX reward_codes_that_wait ON reward_codes (reward, given_at, added_at);

-- What customers took.
CREATE TABLE redemptions (
    customer_id   TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    redemption_id TEXT   NOT NULL,         -- the form's own: what is sent twice is done once
    programme     TEXT   NOT NULL,
    reward        TEXT   NOT NULL,
    name          TEXT   NOT NULL,         -- of the reward, as it was
    kind          TEXT   NOT NULL,
    costs         BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    code          BLOB,                    -- sealed for the customer
    PRIMARY KEY (customer_id, redemption_id)
);
CREATE INDEX redemptions_by_reward ON redemptions (customer_id, reward);

-- Asks that the staff paused.
CREATE TABLE paused_asks (
    ask       TEXT   NOT NULL PRIMARY KEY,
    paused_at BIGINT NOT NULL
);
