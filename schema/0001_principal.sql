-- Persons and projects, their addresses, and the passwords that open their documents.
-- One text for SQLite and PostgreSQL: BIGINT, TEXT and BYTEA only, ids made by the server, times in Unix seconds.

CREATE TABLE setting (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);

CREATE TABLE principal (
  id BIGINT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  match_name TEXT NOT NULL UNIQUE,           -- NFC, case folded
  display_name TEXT NOT NULL,
  password_hash TEXT,                        -- argon2id, PHC string; NULL: no account password
  created_at BIGINT NOT NULL,
  disabled_at BIGINT,                        -- may not log in since
  closed_at BIGINT                           -- a project: no longer changed since
);

CREATE TABLE address (
  uri TEXT PRIMARY KEY NOT NULL,             -- mailto:..., case folded
  principal_id BIGINT NOT NULL REFERENCES principal(id)
);
CREATE INDEX address_principal ON address (principal_id);

CREATE TABLE membership (
  group_id BIGINT NOT NULL REFERENCES principal(id),
  member_id BIGINT NOT NULL REFERENCES principal(id),
  PRIMARY KEY (group_id, member_id)
);
CREATE INDEX membership_member ON membership (member_id);

CREATE TABLE device (
  id BIGINT PRIMARY KEY NOT NULL,
  principal_id BIGINT NOT NULL REFERENCES principal(id),
  label TEXT NOT NULL,
  secret_hash TEXT NOT NULL UNIQUE,          -- SHA-256 of 160 random bits, hexadecimal
  scope BIGINT NOT NULL,                     -- 0 all, 1 calendars, 2 files
  read_only BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT,                            -- to the hour
  expires_at BIGINT,
  UNIQUE (principal_id, label)
);
