-- The key store, never beside the data. To forget a customer is to destroy one row here.
CREATE TABLE data_keys (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    wrapped     BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL
);

-- The portal's own keys (address hashes, look chains, mail), wrapped as well.
CREATE TABLE portal_keys (
    name    TEXT NOT NULL PRIMARY KEY,
    wrapped BYTEA NOT NULL
);

-- Heads of the look chains as they were at a moment. COLLATE "C": see look_heads.
CREATE TABLE look_checkpoints (
    customer_id TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    seq         BIGINT NOT NULL,
    mac         BYTEA  NOT NULL,
    at          BIGINT NOT NULL
);
