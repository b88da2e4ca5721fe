-- Second facts: the tries of a customer at a dataset that were not right, and the rows that a right one proved.
CREATE TABLE second_facts (
    customer_id TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    dataset     TEXT   NOT NULL,
    tries       BIGINT NOT NULL,
    last_try_at BIGINT NOT NULL,
    sealed      BYTEA,             -- keys of the proven identity rows; NULL: none
    PRIMARY KEY (customer_id, dataset)
);
