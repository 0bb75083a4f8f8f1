-- Who learns when the owner of a home is busy.
ALTER TABLE home ADD COLUMN busy_times BIGINT NOT NULL DEFAULT 0; -- 0: whoever may know of them; 1: whom a role lets
