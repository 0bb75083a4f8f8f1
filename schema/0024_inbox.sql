-- Scheduling inboxes (RFC 6638 section 2.2): one in each home that has calendars. Its items are nodes; what must be known of them
-- without reading them stands here.

CREATE TABLE inbox_item (
  node_id BIGINT PRIMARY KEY NOT NULL REFERENCES node(id),
  inbox_id BIGINT NOT NULL REFERENCES node(id),
  uid TEXT NOT NULL,
  from_organizer BIGINT NOT NULL,            -- 1: the next one of its UID takes its place
  due_at BIGINT NOT NULL                     -- when it goes
);
CREATE INDEX inbox_item_uid ON inbox_item (inbox_id, uid);
CREATE INDEX inbox_item_due ON inbox_item (due_at);

-- These names are the server's from now on: calendars that bear them get others.
UPDATE node SET name = name || ' (calendar ' || id || ')', match_name = match_name || ' (calendar ' || id || ')'
  WHERE kind = 'calendar' AND gone_at IS NULL AND match_name IN ('inbox', 'outbox', 'notification');

INSERT INTO node (id, parent_id, home_id, name, match_name, kind, owner_id, placed_seq, placed_at, seq, members_seq,
    since_seq, since_at, created_at, modified_at, version, sealed, size, placed_by)
  SELECT (SELECT MAX(id) FROM node) + ROW_NUMBER() OVER (ORDER BY c.id), c.id, c.home_id, 'inbox', 'inbox', 'inbox', c.owner_id, 1,
    c.created_at, 1, 1, 1, c.created_at, c.created_at, c.created_at, 0, 1, 0, c.owner_id
  FROM node c JOIN node h ON h.id = c.home_id WHERE c.kind = 'calendars' AND c.gone_at IS NULL AND h.gone_at IS NULL;

-- 32 is what a node counts.
UPDATE home SET used_bytes = used_bytes + 32 WHERE node_id IN (SELECT home_id FROM node WHERE kind = 'inbox');

-- Whoever manages a room reads what comes to it.
INSERT INTO ace (node_id, principal_id, origin, home_id, role, until_at, granted_role, granted_until_at, sees_private)
  SELECT i.id, r.manager_id, 0, i.home_id, 30, NULL, 30, NULL, 1
  FROM room r JOIN node i ON i.owner_id = r.principal_id AND i.kind = 'inbox' WHERE r.manager_id IS NOT NULL;
