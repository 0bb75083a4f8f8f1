-- Mail that goes out: a row for each message and recipient, written with the change that it is about. What was last sent to
-- each recipient of a meeting stays, so that what follows it is known to follow something.

CREATE TABLE mail (
  id BIGINT PRIMARY KEY NOT NULL,
  node_id BIGINT NOT NULL,                  -- the calendar object; it may be gone before its end is sent
  address TEXT NOT NULL,                    -- who gets it, in small letters
  method TEXT NOT NULL,
  instances TEXT NOT NULL,                  -- the occurrences that it is about; empty: the whole
  sequence BIGINT NOT NULL,
  content TEXT NOT NULL,                    -- hash of the message but for its stamps
  round BIGINT NOT NULL,                    -- counts those of one content that were wanted once more
  part BIGINT NOT NULL,                     -- counts the mails that one message is sent as
  token TEXT NOT NULL UNIQUE,               -- what its Message-ID and its envelope sender are made of
  state BIGINT NOT NULL,                    -- 0 queued, 1 being sent, 2 accepted, 3 refused, 4 in doubt
  attempt BIGINT NOT NULL,                  -- the job that sends it is of this attempt
  queued_at BIGINT NOT NULL,
  finished_at BIGINT,                       -- nothing more is tried
  status TEXT,                              -- what came of it: 1.1, 5.1, 5.2
  reason TEXT,                              -- what the other server said
  reported BIGINT NOT NULL,                 -- 1: the meeting says what came of it
  letter TEXT NOT NULL,                     -- to whom, from whom, in which language
  message_hash TEXT,                        -- the message, until nothing more is tried
  mail_hash TEXT,                           -- the mail as it is sent, once it was made
  UNIQUE (node_id, address, method, instances, sequence, content, round, part)
);
CREATE INDEX mail_address ON mail (address, finished_at);
