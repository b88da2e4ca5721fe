-- Addresses and numbers of a customer beside the address that they log in with. Who proves one sees what the company holds
-- under it.
CREATE TABLE contact_points (
    customer_id  TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    contact_id   TEXT   NOT NULL,           -- its name in forms, which opens nothing
    contact_hash TEXT   NOT NULL,           -- keyed, of the address or number
    kind         TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL,           -- the address or number
    added_at     BIGINT NOT NULL,
    proven_at    BIGINT,                    -- NULL: waits for its code, or for a choice
    right_at     BIGINT,                    -- a right code, while somebody else holds it; NULL: none
    code_hash    TEXT,                      -- keyed; NULL: no code is out
    code_sent_at BIGINT,
    tries        BIGINT NOT NULL,           -- codes that were typed since it was sent
    PRIMARY KEY (customer_id, contact_id)
);
CREATE UNIQUE INDEX contact_points_by_hash ON contact_points (customer_id, contact_hash);
CREATE UNIQUE INDEX contact_points_by_holder ON contact_points (contact_hash) WHERE proven_at IS NOT NULL;

-- Codes that were sent, to hold back whoever has them sent to others again and again.
CREATE TABLE contact_codes (
    customer_id  TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    code_id      TEXT   NOT NULL,
    contact_hash TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    sent_at      BIGINT NOT NULL,
    PRIMARY KEY (customer_id, code_id)
);
CREATE INDEX contact_codes_by_customer ON contact_codes (customer_id, sent_at);
CREATE INDEX contact_codes_by_hash ON contact_codes (contact_hash, sent_at);
CREATE INDEX contact_codes_by_kind ON contact_codes (kind, sent_at);

-- Addresses that a customer logged in with until a short time ago: from there the change can be taken back.
CREATE TABLE former_addresses (
    customer_id  TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    changed_at   BIGINT NOT NULL,
    address_hash TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL,
    told_at      BIGINT,                    -- when somebody who asked was last told; NULL: never
    PRIMARY KEY (customer_id, changed_at)
);
CREATE INDEX former_addresses_by_hash ON former_addresses (address_hash);

-- A link in a mail counts only while the address that it was sent to is one of the customer's, so that it is worth nothing
-- when a stolen account has come back. NULL: sent before there was another one.
ALTER TABLE mail_links ADD COLUMN address_hash TEXT;
