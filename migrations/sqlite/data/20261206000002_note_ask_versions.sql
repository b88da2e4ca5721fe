-- The words that somebody answered are an ask's of a version, beside those of its purpose. 0 where there was no ask, or it was not noted yet.
ALTER TABLE consent_records ADD COLUMN ask_version BIGINT NOT NULL DEFAULT 0;
