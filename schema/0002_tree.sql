-- The tree, its past, and what hangs on a node.

CREATE TABLE node (
  id BIGINT PRIMARY KEY NOT NULL,
  parent_id BIGINT REFERENCES node(id),
  home_id BIGINT NOT NULL,                   -- the node whose `home` row counts its changes
  name TEXT NOT NULL,                        -- NFC, as the client spelled it
  match_name TEXT NOT NULL,                  -- NFC, case folded
  kind TEXT NOT NULL,
  owner_id BIGINT NOT NULL,                  -- principal of the home; 0 for the root
  placed_seq BIGINT NOT NULL,                -- change that bound it where it stands
  placed_at BIGINT NOT NULL,
  seq BIGINT NOT NULL,                       -- last change as a member
  members_seq BIGINT NOT NULL,               -- as a collection: last change of anything below
  since_seq BIGINT NOT NULL,                 -- begin of the state that a row of past will end
  since_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  modified_at BIGINT NOT NULL,
  gone_at BIGINT,                            -- in the trash since; what lies below hangs on it
  version BIGINT NOT NULL,                   -- of the present content; 0 for a collection
  sealed BIGINT NOT NULL,                    -- 0: a draft that later writes refine
  author_id BIGINT,
  comment TEXT,
  hash TEXT,                                 -- SHA-256 of the content; NULL for a collection
  size BIGINT NOT NULL,                      -- bytes; for a collection those of all live content below
  content_type TEXT
);
CREATE UNIQUE INDEX node_name ON node (parent_id, match_name) WHERE gone_at IS NULL;
CREATE INDEX node_seq ON node (parent_id, seq);
CREATE INDEX node_home_seq ON node (home_id, seq);
CREATE INDEX node_hash ON node (hash) WHERE hash IS NOT NULL;

CREATE TABLE home (
  node_id BIGINT PRIMARY KEY NOT NULL REFERENCES node(id),
  principal_id BIGINT NOT NULL UNIQUE REFERENCES principal(id),
  seq BIGINT NOT NULL,
  oldest_seq BIGINT NOT NULL,                -- sync tokens older than this are refused
  used_bytes BIGINT NOT NULL,                -- of live content
  quota_bytes BIGINT                         -- NULL: as much as the disk holds
);

-- Each row: what stood at this name, with this content, in the half-open interval [from, to).
CREATE TABLE past (
  node_id BIGINT NOT NULL REFERENCES node(id),
  home_id BIGINT NOT NULL,                   -- the home whose counter from_seq and to_seq are of
  to_seq BIGINT NOT NULL,
  from_seq BIGINT NOT NULL,
  parent_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  match_name TEXT NOT NULL,
  from_at BIGINT NOT NULL,
  to_at BIGINT NOT NULL,
  version BIGINT NOT NULL,
  sealed BIGINT NOT NULL,
  author_id BIGINT,
  comment TEXT,
  hash TEXT,
  size BIGINT NOT NULL,
  content_type TEXT,
  modified_at BIGINT NOT NULL,
  PRIMARY KEY (node_id, home_id, to_seq)
);
CREATE INDEX past_name ON past (parent_id, to_seq, name);
CREATE INDEX past_home ON past (home_id, to_seq);
CREATE INDEX past_hash ON past (hash) WHERE hash IS NOT NULL;

-- Small bodies; large ones are files named alike.
CREATE TABLE body (
  hash TEXT PRIMARY KEY NOT NULL,
  stored_at BIGINT NOT NULL,
  data BYTEA NOT NULL
);

CREATE TABLE ace (                           -- grants only
  node_id BIGINT NOT NULL REFERENCES node(id),
  principal_id BIGINT NOT NULL REFERENCES principal(id),
  role BIGINT NOT NULL,                      -- rank; greater includes lesser
  until_at BIGINT,
  PRIMARY KEY (node_id, principal_id)
);
CREATE INDEX ace_principal ON ace (principal_id);

CREATE TABLE lock (
  token TEXT PRIMARY KEY NOT NULL,
  node_id BIGINT NOT NULL REFERENCES node(id),
  home_id BIGINT NOT NULL,
  principal_id BIGINT NOT NULL REFERENCES principal(id),
  deep BIGINT NOT NULL,
  shared BIGINT NOT NULL,
  owner_xml TEXT NOT NULL,
  timeout_s BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX lock_node ON lock (node_id);
CREATE INDEX lock_home ON lock (home_id);

CREATE TABLE property (                      -- dead properties
  node_id BIGINT NOT NULL REFERENCES node(id),
  principal_id BIGINT NOT NULL,              -- 0: everybody's
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  xml TEXT NOT NULL,                         -- the whole element, self-contained
  PRIMARY KEY (node_id, principal_id, namespace, name)
);

INSERT INTO node (id, parent_id, home_id, name, match_name, kind, owner_id, placed_seq, placed_at, seq, members_seq,
  since_seq, since_at, created_at, modified_at, version, sealed, size)
VALUES (1, NULL, 1, '', '', 'root', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0);
