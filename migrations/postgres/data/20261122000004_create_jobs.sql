CREATE TABLE jobs (
    job_id       TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    payload      TEXT    NOT NULL,          -- ids only
    run_at       BIGINT  NOT NULL,
    attempts     BIGINT  NOT NULL,
    leased_until BIGINT,
    last_error   TEXT,
    dead         BOOLEAN NOT NULL
);
CREATE INDEX jobs_by_time ON jobs (dead, run_at);
