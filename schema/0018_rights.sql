-- Groups in groups, rooms, partners, delegates: who has which role where.

-- Of which groups each principal is a member, through any number of groups; of itself, too, so that one look finds every role
-- that is in force for someone. Made anew from `membership` where that changes.
CREATE TABLE effective_membership (
  member_id BIGINT NOT NULL REFERENCES principal(id),
  group_id BIGINT NOT NULL REFERENCES principal(id),
  PRIMARY KEY (member_id, group_id)
);
CREATE INDEX effective_membership_group ON effective_membership (group_id);
INSERT INTO effective_membership (member_id, group_id) SELECT id, id FROM principal;
INSERT INTO effective_membership (member_id, group_id) SELECT member_id, group_id FROM membership;

-- A role as it was granted, and as it is in force: no more than reader in a closed project, no longer than the part in the project
-- of a partner. One principal may have several on a node, each of another origin.
CREATE TABLE granted (
  node_id BIGINT NOT NULL REFERENCES node(id),
  principal_id BIGINT NOT NULL REFERENCES principal(id),
  origin BIGINT NOT NULL,                    -- 0 granted, 1 delegated, 2 shared by a client
  home_id BIGINT NOT NULL,                   -- of the node
  role BIGINT NOT NULL,                      -- rank in force; greater includes lesser
  until_at BIGINT,                           -- when it ends
  granted_role BIGINT NOT NULL,
  granted_until_at BIGINT,
  sees_private BIGINT NOT NULL,              -- a delegate who sees private events
  sponsor_id BIGINT REFERENCES principal(id), -- who answers for a partner
  PRIMARY KEY (node_id, principal_id, origin)
);
INSERT INTO granted (node_id, principal_id, origin, home_id, role, until_at, granted_role, granted_until_at, sees_private)
  SELECT a.node_id, a.principal_id, 0, n.home_id, a.role, a.until_at, a.role, a.until_at, 0
  FROM ace a JOIN node n ON n.id = a.node_id;
DROP TABLE ace;
ALTER TABLE granted RENAME TO ace;
CREATE INDEX ace_principal ON ace (principal_id);
CREATE INDEX ace_home ON ace (home_id);

-- A room, or something else that is booked.
CREATE TABLE room (
  principal_id BIGINT PRIMARY KEY NOT NULL REFERENCES principal(id),
  kind TEXT NOT NULL,                        -- room, resource
  capacity BIGINT,
  booking TEXT NOT NULL,                     -- auto, manager, none
  manager_id BIGINT REFERENCES principal(id),
  hours TEXT NOT NULL                        -- as they were written; empty: always
);
CREATE TABLE bookable_by (                   -- nobody: by all
  room_id BIGINT NOT NULL REFERENCES principal(id),
  principal_id BIGINT NOT NULL REFERENCES principal(id),
  PRIMARY KEY (room_id, principal_id)
);
