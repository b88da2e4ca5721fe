-- Access records: one append-only chain a customer, each entry keyed to the one before it.
-- COLLATE "C": byte by byte, the order in which `verify` walks, whatever language the server speaks.
CREATE TABLE looks (
    customer_id TEXT   COLLATE "C" NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    mac         BYTEA  NOT NULL,
    PRIMARY KEY (customer_id, seq)
);

-- The head of each chain, so that a cut tail shows.
CREATE TABLE look_heads (
    customer_id TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    seq         BIGINT  NOT NULL,
    mac         BYTEA   NOT NULL,
    seal        BYTEA   NOT NULL,
    fresh       BOOLEAN NOT NULL            -- not yet checkpointed in the key store
);
CREATE INDEX look_heads_fresh ON look_heads (customer_id) WHERE fresh;

-- Who, other than the customer, looked last at each collection.
CREATE TABLE last_looks (
    customer_id TEXT   NOT NULL,
    dataset     TEXT   NOT NULL,
    collection  TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    PRIMARY KEY (customer_id, dataset, collection)
);
