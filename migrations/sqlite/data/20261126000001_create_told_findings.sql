-- What was told of the connected systems, so that it is told once. Names of tables and columns, never a value.
CREATE TABLE told_findings (
    finding_hash TEXT NOT NULL PRIMARY KEY, -- of connection, code and message
    connection   TEXT NOT NULL,
    code         TEXT NOT NULL,
    message      TEXT NOT NULL,
    file         TEXT NOT NULL,             -- of the catalog
    telling_id   TEXT NOT NULL              -- what was found together is told together
);
