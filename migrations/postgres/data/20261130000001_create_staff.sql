-- Who works for the company behind the staff door. Apart from the customers in every table: no session, link or password
-- of one is ever the other's.
CREATE TABLE staff (
    staff_id        TEXT   NOT NULL PRIMARY KEY,
    address_hash    TEXT   NOT NULL,        -- keyed, of the address
    sealed          BYTEA  NOT NULL,        -- the address
    role            TEXT   NOT NULL,
    invited_at      BIGINT NOT NULL,
    password_hash   TEXT,                   -- argon2id, PHC string; NULL: has not accepted yet
    password_set_at BIGINT,
    app             BYTEA,                   -- the secret of the app that makes codes, sealed
    app_proven_at   BIGINT,                 -- when a first code showed that it is set up; NULL: not yet
    last_step       BIGINT NOT NULL,        -- RFC 6238: the newest step whose code was taken
    revoked_at      BIGINT
);
CREATE UNIQUE INDEX staff_by_address ON staff (address_hash);

-- Invitations in mails, by the hash of their token; each acts once.
CREATE TABLE staff_links (
    token_hash TEXT   NOT NULL PRIMARY KEY,
    staff_id   TEXT   NOT NULL REFERENCES staff (staff_id) ON DELETE CASCADE,
    sealed     BYTEA,                        -- the token, until the mail has left
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX staff_links_by_staff ON staff_links (staff_id);

CREATE TABLE staff_sessions (
    token_hash   TEXT    NOT NULL PRIMARY KEY,
    staff_id     TEXT    NOT NULL REFERENCES staff (staff_id) ON DELETE CASCADE,
    proven       BOOLEAN NOT NULL,          -- whether the second step was taken
    created_at   BIGINT  NOT NULL,
    last_seen_at BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL
);
CREATE INDEX staff_sessions_by_staff ON staff_sessions (staff_id);
