-- Calendars shared from clients: whom their sharers invited, and what people are notified of.

CREATE TABLE invitation (
  id BIGINT PRIMARY KEY NOT NULL,
  node_id BIGINT NOT NULL REFERENCES node(id),            -- the calendar
  sharer_id BIGINT NOT NULL REFERENCES principal(id),
  sharee_id BIGINT REFERENCES principal(id),              -- nobody: the address is not known
  address TEXT NOT NULL,
  common_name TEXT,
  summary TEXT,
  role BIGINT NOT NULL,                                   -- rank of what is offered
  status BIGINT NOT NULL,                                 -- 0 no answer, 1 accepted, 2 declined, 3 address not known
  UNIQUE (node_id, address)
);
CREATE INDEX invitation_sharee ON invitation (sharee_id);

CREATE TABLE notification (
  id BIGINT PRIMARY KEY NOT NULL,
  principal_id BIGINT NOT NULL REFERENCES principal(id),
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  size BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (principal_id, name)
);
CREATE INDEX notification_hash ON notification (hash);
