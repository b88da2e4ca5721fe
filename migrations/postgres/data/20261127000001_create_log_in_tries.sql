-- Wrong tries to log in, by the keyed hash of the address that was typed, whether or not anybody has it.
CREATE TABLE log_in_tries (
    address_hash TEXT   NOT NULL,
    network_hash TEXT   NOT NULL, -- keyed, and another one for each address; empty: those from all networks together
    wrong        BIGINT NOT NULL,
    last_try_at  BIGINT NOT NULL,
    PRIMARY KEY (address_hash, network_hash)
);
