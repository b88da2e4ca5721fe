-- Every table that belongs to a customer has customer_id first in its primary key; look-up tables are led by their
-- own hash. Times are microseconds since 1970 by the application's clock. Ids are UUIDs as text.

CREATE TABLE customers (
    customer_id         TEXT    NOT NULL PRIMARY KEY,
    created_at          BIGINT  NOT NULL,
    proven_at           BIGINT,             -- when the address was proven; NULL: never logged in
    password_hash       TEXT,               -- argon2id, PHC string
    password_changed_at BIGINT,
    last_log_in_at      BIGINT
);

-- Which customer an address belongs to, by its keyed hash: never the address.
CREATE TABLE address_hashes (
    address_hash TEXT   NOT NULL PRIMARY KEY,
    customer_id  TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL
);
CREATE INDEX address_hashes_by_customer ON address_hashes (customer_id);

-- What somebody asked for at the door (sign up, forgotten password), sealed, until the worker has answered it.
CREATE TABLE address_requests (
    request_id TEXT   NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);

-- Links in mails, by the hash of their token; each acts once.
CREATE TABLE mail_links (
    token_hash  TEXT   NOT NULL PRIMARY KEY,
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    kind        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT
);
CREATE INDEX mail_links_by_customer ON mail_links (customer_id);

CREATE TABLE sessions (
    token_hash   TEXT   NOT NULL PRIMARY KEY,
    customer_id  TEXT,                      -- NULL before log-in
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    sealed       BYTEA  NOT NULL            -- opens only with the cookie
);
CREATE INDEX sessions_by_customer ON sessions (customer_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
