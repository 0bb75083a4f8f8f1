-- What is to be done after a change, at some time, or again and again: written with the change that wants it, done by whichever
-- process comes first.
CREATE TABLE job (
  job_key TEXT PRIMARY KEY NOT NULL,         -- names the work: what is entered twice is done once
  kind TEXT NOT NULL,                        -- how it is done: a row of the table JOBS
  payload TEXT NOT NULL,
  entered_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,                    -- not before; while it is leased: when the lease ends
  lease BIGINT,                              -- the run that is under way
  tries BIGINT NOT NULL,                     -- runs that were begun since it last succeeded
  failed_at BIGINT,                          -- when it was given up
  error TEXT                                 -- why its last run failed
);
CREATE INDEX job_due ON job (kind, due_at) WHERE failed_at IS NULL;
