-- Meetings: what was sent to others, who was asked and has answered. By the home of the organizer and the UID: it outlives the
-- object, and clients cannot drop it.
CREATE TABLE meeting (
  home_id BIGINT NOT NULL REFERENCES node(id),
  uid TEXT NOT NULL,
  sequence BIGINT NOT NULL,                  -- the highest that was sent
  PRIMARY KEY (home_id, uid)
);
CREATE TABLE answer (
  home_id BIGINT NOT NULL REFERENCES node(id),
  uid TEXT NOT NULL,
  attendee TEXT NOT NULL,                    -- the address, folded
  occurrence BIGINT NOT NULL,                -- its instant; the least number: the series
  reset_sequence BIGINT,                     -- of the state with which an answer was last asked for anew
  reset_stamp BIGINT,
  reply_sequence BIGINT,                     -- of the last answer that was taken
  reply_stamp BIGINT,
  reply TEXT,
  PRIMARY KEY (home_id, uid, attendee, occurrence)
);
