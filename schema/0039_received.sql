-- Content that others put there: the copy of a meeting that someone else organizes, the item of an inbox. It does not
-- count in the quota of the home that it stands in. What stood there before counts until it is delivered again.
ALTER TABLE node ADD COLUMN received BIGINT NOT NULL DEFAULT 0;
