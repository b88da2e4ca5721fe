-- Who is in which programme. Who left stays on the list: what they earned stays theirs.
CREATE TABLE memberships (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    programme   TEXT   NOT NULL,
    joined_at   BIGINT NOT NULL,            -- the last time
    left_at     BIGINT,                     -- NULL: they are in it
    PRIMARY KEY (customer_id, programme)
);
