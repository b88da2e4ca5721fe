-- Keys of the company's other systems, by the hash of the key: it is shown once and kept nowhere.
CREATE TABLE api_keys (
    key_hash     TEXT   NOT NULL PRIMARY KEY,
    key_id       TEXT   NOT NULL,           -- its name in lists, which opens nothing
    name         TEXT   NOT NULL,           -- of the system, as the company calls it
    scopes       TEXT   NOT NULL,           -- JSON: the calls that it opens
    purposes     TEXT   NOT NULL,           -- JSON: the purposes that it may ask about
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT,                    -- to the minute
    revoked_at   BIGINT
);
CREATE UNIQUE INDEX api_keys_by_id ON api_keys (key_id);
