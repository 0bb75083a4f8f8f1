-- Addresses that show a calendar to whoever knows them, for programs that can only subscribe.

CREATE TABLE feed (
  id BIGINT PRIMARY KEY NOT NULL,
  principal_id BIGINT NOT NULL REFERENCES principal(id),   -- in whose name it is read
  calendar_id BIGINT NOT NULL REFERENCES node(id),
  detail TEXT NOT NULL,                                    -- full, title, busy
  secret_hash TEXT NOT NULL UNIQUE,                        -- SHA-256 of 160 random bits, hexadecimal
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  fetched_at BIGINT,                                       -- to the hour
  client TEXT,                                             -- what fetched it then called itself
  UNIQUE (principal_id, calendar_id)
);
CREATE INDEX feed_calendar ON feed (calendar_id);
