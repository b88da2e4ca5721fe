-- Devices that a customer logged in with before, by the hash of the token in the device's own cookie.
CREATE TABLE known_devices (
    customer_id  TEXT   NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    device_hash  TEXT   NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (customer_id, device_hash)
);
