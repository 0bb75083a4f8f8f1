-- Between which instants an object takes place follows from how it is read, and older versions read some too narrowly: longer
-- periods of RDATE, days that end when they begin, ends in the last years. Until an object is read anew, when the store is
-- opened, it may take place at any time.
CREATE TABLE unread (
  node_id BIGINT PRIMARY KEY NOT NULL
);
INSERT INTO unread (node_id) SELECT node_id FROM calendar_object;
UPDATE calendar_object SET first_at = -9223372036854775807, last_at = 9223372036854775807;
