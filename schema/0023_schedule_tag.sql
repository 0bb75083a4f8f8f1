-- Which calendar objects have an organizer and attendees, and the tag that changes only with what matters to who
-- schedules.
ALTER TABLE node ADD COLUMN schedule_hash TEXT;              -- of the content that the tag is made of
ALTER TABLE calendar_object ADD COLUMN scheduling BIGINT NOT NULL DEFAULT 0;
CREATE INDEX calendar_object_scheduling ON calendar_object (uid) WHERE scheduling = 1;
-- Those that stand there are read again when the store is opened.
INSERT INTO unread (node_id) SELECT o.node_id FROM calendar_object o
  WHERE o.node_id NOT IN (SELECT u.node_id FROM unread u);
