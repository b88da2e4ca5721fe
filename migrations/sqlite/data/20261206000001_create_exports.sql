-- Copies of all that is held about a customer, which they asked for. The archive itself is a sealed file beside the database.
CREATE TABLE exports (
    customer_id   TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    export_id     TEXT   NOT NULL,           -- its name in addresses, which opens nothing
    wanted        TEXT   NOT NULL,           -- everything, one dataset or one heading
    state         TEXT   NOT NULL,           -- waiting, working, ready, failed, cancelled
    asked_at      BIGINT NOT NULL,
    rows_done     BIGINT NOT NULL,
    rows_expected BIGINT,                    -- NULL: not counted yet
    failure       TEXT,                      -- a closed word
    file          TEXT,                      -- its name in the folder of exports; another one at each try
    bytes         BIGINT,                    -- of the archive, opened; NULL: not ready
    seen          TEXT   NOT NULL,           -- which collections it holds, as a look says it
    missing       TEXT   NOT NULL,           -- datasets that could not be read
    ready_at      BIGINT,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (customer_id, export_id)
);
CREATE INDEX exports_by_end ON exports (expires_at);
CREATE INDEX exports_by_file ON exports (file);
