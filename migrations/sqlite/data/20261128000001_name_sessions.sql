-- A customer sees their sessions and ends them: by a name that opens nothing, with the device sealed for the customer.
ALTER TABLE sessions ADD COLUMN session_id TEXT;
ALTER TABLE sessions ADD COLUMN device BLOB;
CREATE UNIQUE INDEX sessions_by_id ON sessions (session_id);
