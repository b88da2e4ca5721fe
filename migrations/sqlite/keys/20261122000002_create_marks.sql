-- What this key store is for, such as the demo or real customers: set once and never changed.
CREATE TABLE marks (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
