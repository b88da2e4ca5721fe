-- What a customer asked to have erased. It stands until all parts are done, and goes with its customer.
CREATE TABLE erasures (
    customer_id  TEXT   NOT NULL PRIMARY KEY REFERENCES customers (customer_id) ON DELETE CASCADE,
    erasure_id   TEXT   NOT NULL,
    asked_at     BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    begun_at     BIGINT,                    -- from then on nobody can call it off
    plan         BLOB,                      -- which rows, sealed with the customer's key
    parts        TEXT   NOT NULL,           -- what was done in which system: names of tables, and counts
    failing      TEXT   NOT NULL,           -- connections that could not be erased in yet, with commas between
    certified_at BIGINT
);

-- Certificates hold nothing about whom, and stay.
CREATE TABLE certificates (
    erasure_id TEXT   NOT NULL PRIMARY KEY,
    issued_at  BIGINT NOT NULL,
    document   TEXT   NOT NULL
);

-- Points that customers had left when they were erased: what the company owes to nobody in particular.
CREATE TABLE unspent_points (
    programme TEXT   NOT NULL PRIMARY KEY,
    points    BIGINT NOT NULL
);
