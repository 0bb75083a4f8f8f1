-- How people hear of meetings, and whether a program shows them their calendars. Who has no row has chosen nothing, and no
-- program of theirs has looked.

CREATE TABLE invitee (
  principal_id BIGINT PRIMARY KEY NOT NULL REFERENCES principal(id),
  channel BIGINT NOT NULL,                   -- 0 auto, 1 calendar, 2 mail, 3 both
  used_at BIGINT                             -- when a program of theirs last used their calendars, to the day
);
