-- The key store, never beside the data. To forget a customer is to destroy one row here.
CREATE TABLE data_keys (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    wrapped     BLOB   NOT NULL,
    created_at  BIGINT NOT NULL
);

-- The portal's own keys (address hashes, look chains, mail), wrapped as well.
CREATE TABLE portal_keys (
    name    TEXT NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL
);

-- Heads of the look chains as they were at a moment.
CREATE TABLE look_checkpoints (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    seq         BIGINT NOT NULL,
    mac         BLOB   NOT NULL,
    at          BIGINT NOT NULL
);
