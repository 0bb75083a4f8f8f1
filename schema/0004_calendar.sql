-- Calendars, and what must be known of their objects to find them. An object's text is its node's body.

CREATE TABLE calendar (
  node_id BIGINT PRIMARY KEY NOT NULL REFERENCES node(id),
  components BIGINT NOT NULL                 -- bits: 1 VEVENT, 2 VTODO, 4 VJOURNAL
);

CREATE TABLE calendar_object (
  node_id BIGINT PRIMARY KEY NOT NULL REFERENCES node(id),
  calendar_id BIGINT REFERENCES node(id),    -- NULL once gone: the UID is free again
  uid TEXT NOT NULL,
  component TEXT NOT NULL,
  first_at BIGINT NOT NULL,                  -- bounds of all instances, never too narrow
  last_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX calendar_object_uid ON calendar_object (calendar_id, uid) WHERE calendar_id IS NOT NULL;
CREATE INDEX calendar_object_span ON calendar_object (calendar_id, last_at, first_at);

-- Homes from before there were calendars get theirs: the collection, one for events, one for tasks.
INSERT INTO node (id, parent_id, home_id, name, match_name, kind, owner_id, placed_seq, placed_at, seq, members_seq,
    since_seq, since_at, created_at, modified_at, version, sealed, size, placed_by)
  SELECT (SELECT MAX(id) FROM node) + ROW_NUMBER() OVER (ORDER BY h.node_id), h.node_id, h.node_id, 'calendars', 'calendars',
    'calendars', h.principal_id, 1, n.created_at, 1, 1, 1, n.created_at, n.created_at, n.created_at, 0, 1, 0, h.principal_id
  FROM home h JOIN node n ON n.id = h.node_id WHERE n.gone_at IS NULL;
INSERT INTO node (id, parent_id, home_id, name, match_name, kind, owner_id, placed_seq, placed_at, seq, members_seq,
    since_seq, since_at, created_at, modified_at, version, sealed, size, placed_by)
  SELECT (SELECT MAX(id) FROM node) + ROW_NUMBER() OVER (ORDER BY c.id), c.id, c.home_id,
    CASE WHEN p.kind = 'person' THEN 'personal' ELSE 'meetings' END, CASE WHEN p.kind = 'person' THEN 'personal' ELSE 'meetings' END,
    'calendar', c.owner_id, 1, c.created_at, 1, 1, 1, c.created_at, c.created_at, c.created_at, 0, 1, 0, c.owner_id
  FROM node c JOIN principal p ON p.id = c.owner_id WHERE c.kind = 'calendars';
INSERT INTO calendar (node_id, components) SELECT id, 1 FROM node WHERE kind = 'calendar';
INSERT INTO node (id, parent_id, home_id, name, match_name, kind, owner_id, placed_seq, placed_at, seq, members_seq,
    since_seq, since_at, created_at, modified_at, version, sealed, size, placed_by)
  SELECT (SELECT MAX(id) FROM node) + ROW_NUMBER() OVER (ORDER BY c.id), c.id, c.home_id, 'tasks', 'tasks', 'calendar', c.owner_id, 1,
    c.created_at, 1, 1, 1, c.created_at, c.created_at, c.created_at, 0, 1, 0, c.owner_id FROM node c WHERE c.kind = 'calendars';
INSERT INTO calendar (node_id, components) SELECT id, 2 FROM node WHERE kind = 'calendar' AND match_name = 'tasks';
