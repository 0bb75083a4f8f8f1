-- The change up to which those who are in a meeting have been notified of what came into its folder.
ALTER TABLE meeting_folder ADD COLUMN reported_seq BIGINT NOT NULL DEFAULT 0;
