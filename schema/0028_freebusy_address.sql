-- Addresses at which programs look up when people and rooms are busy, without log-in.

CREATE TABLE freebusy_address (
  id BIGINT PRIMARY KEY NOT NULL,
  label TEXT NOT NULL UNIQUE,                              -- for whom it was made
  secret_hash TEXT NOT NULL UNIQUE,                        -- SHA-256 of 160 random bits, hexadecimal
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  fetched_at BIGINT,                                       -- to the hour
  client TEXT                                              -- what fetched it then called itself
);
