-- Second factors of customers. The secret that an app makes codes from, sealed; a code's step is used once.
CREATE TABLE app_codes (
    customer_id TEXT   NOT NULL PRIMARY KEY REFERENCES customers (customer_id) ON DELETE CASCADE,
    sealed      BYTEA   NOT NULL,
    last_step   BIGINT NOT NULL,            -- RFC 6238: the newest step whose code was taken
    added_at    BIGINT NOT NULL
);

-- Codes that were written down, by their keyed hash; each works once.
CREATE TABLE recovery_codes (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    code_hash   TEXT   NOT NULL,
    used_at     BIGINT,
    PRIMARY KEY (customer_id, code_hash)
);

-- Passkeys, by the hash of their credential's id: whoever logs in with one says nothing else.
CREATE TABLE passkeys (
    credential_hash TEXT   NOT NULL PRIMARY KEY,
    customer_id     TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    passkey_id      TEXT   NOT NULL, -- its name in forms, which opens nothing
    name            BYTEA   NOT NULL,        -- sealed
    sealed          BYTEA   NOT NULL,        -- the public key and its counter
    added_at        BIGINT NOT NULL,
    used_at         BIGINT
);
CREATE UNIQUE INDEX passkeys_by_id ON passkeys (passkey_id);
CREATE INDEX passkeys_by_customer ON passkeys (customer_id);
