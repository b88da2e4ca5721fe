-- What the company's other systems call a customer: a random word, made once, that says nothing about them.
CREATE TABLE customer_refs (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    ref         TEXT   NOT NULL,
    made_at     BIGINT NOT NULL,
    PRIMARY KEY (customer_id)
);
CREATE UNIQUE INDEX customer_refs_by_ref ON customer_refs (ref);

-- What a programme's shop is told, and how often that was tried. A customer is in it by what other systems call them alone.
CREATE TABLE webhook_deliveries (
    programme    TEXT   NOT NULL,
    webhook_id   TEXT   NOT NULL,           -- sorts by time
    ref          TEXT   NOT NULL REFERENCES customer_refs (ref) ON DELETE CASCADE,
    kind         TEXT   NOT NULL,
    sealed       BLOB   NOT NULL,           -- the body
    queued_at    BIGINT NOT NULL,
    tries        BIGINT NOT NULL,
    step         BIGINT NOT NULL,           -- of the growing waits
    next_try_at  BIGINT,                    -- NULL: delivered, or given up
    leased_until BIGINT,                    -- until then it is one sender's
    last_try_at  BIGINT,
    last_status  BIGINT,                    -- of HTTP; NULL: no answer came
    delivered_at BIGINT,
    PRIMARY KEY (programme, webhook_id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (programme, next_try_at);
CREATE INDEX webhook_deliveries_by_ref ON webhook_deliveries (ref);
