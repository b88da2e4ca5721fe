-- Who was sent a link to join a programme and did not press its button yet. Sealed: the programme, the nickname that they
-- want, and where they came from.
CREATE TABLE pending_joins (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    token_hash  TEXT   NOT NULL,            -- of the link
    sealed      BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (customer_id, token_hash)
);
