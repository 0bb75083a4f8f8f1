-- The calendar that invitations come into, where its person has chosen one (RFC 6638 section 9.2).

ALTER TABLE home ADD COLUMN default_calendar_id BIGINT;
