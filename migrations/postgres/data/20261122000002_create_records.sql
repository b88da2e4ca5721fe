-- One sealed record a customer: the values that the portal itself holds.
CREATE TABLE own_records (
    customer_id TEXT   NOT NULL PRIMARY KEY REFERENCES customers (customer_id) ON DELETE CASCADE,
    version     BIGINT NOT NULL,
    sealed      BYTEA  NOT NULL
);

-- Which rows of a connected system are the customer's: sealed keys of identity rows.
CREATE TABLE links (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    dataset     TEXT   NOT NULL,
    checked_at  BIGINT NOT NULL,
    sealed      BYTEA  NOT NULL,
    PRIMARY KEY (customer_id, dataset)
);

-- Mail on its way. The demo shows it on a page instead of sending it.
CREATE TABLE outbox (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    mail_id     TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    sent_at     BIGINT,
    sealed      BYTEA  NOT NULL,
    PRIMARY KEY (customer_id, mail_id)
);
CREATE INDEX outbox_by_time ON outbox (created_at);
