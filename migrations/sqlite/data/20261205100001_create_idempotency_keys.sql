-- What was answered to a change that a system asked for, for a day, so that a change that is sent twice is made once.
-- No answer in here is about a person.
CREATE TABLE idempotency_keys (
    api_key_id   TEXT   NOT NULL,
    key_hash     TEXT   NOT NULL, -- keyed: of what the system made up
    request_hash TEXT   NOT NULL, -- keyed: of the call and its body
    status       BIGINT,          -- of the answer; nothing only while the change is under way
    body         TEXT,            -- of the answer, as JSON
    at           BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, key_hash)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at);
