-- A home's past stays in it. While MOVE to another home still took a node along with its versions and its past, whoever owned
-- the other home could destroy what a project had once. What is known of such a node from a home that it left goes back to that
-- home: to a node of its own in the trash there, with its versions and former days, from where it can be restored. The node that
-- stands elsewhere keeps what it has been since. Dead properties, which have no past, stay with it.

-- The nodes made here. What is left to be done is done when the store is opened: their versions enter the chain of their home.
CREATE TABLE returned (
  node_id BIGINT PRIMARY KEY NOT NULL REFERENCES node(id),
  home_id BIGINT NOT NULL,
  was_id BIGINT NOT NULL,                    -- the node that left
  UNIQUE (was_id, home_id)
);

CREATE TABLE leaving (                       -- the last state of each in that home
  node_id BIGINT PRIMARY KEY NOT NULL,
  was_id BIGINT NOT NULL,
  home_id BIGINT NOT NULL,
  parent_id BIGINT NOT NULL,
  match_name TEXT NOT NULL,
  to_seq BIGINT NOT NULL,
  below BIGINT NOT NULL                      -- 1: it left with the collection that it stood in
);
INSERT INTO leaving (node_id, was_id, home_id, parent_id, match_name, to_seq, below)
  SELECT (SELECT MAX(id) FROM node) + ROW_NUMBER() OVER (ORDER BY p.node_id, p.home_id), p.node_id, p.home_id, p.parent_id,
    p.match_name, p.to_seq, 0
  FROM past p JOIN node n ON n.id = p.node_id AND n.home_id <> p.home_id
  WHERE p.to_seq = (SELECT MAX(q.to_seq) FROM past q WHERE q.node_id = p.node_id AND q.home_id = p.home_id);
CREATE UNIQUE INDEX leaving_was ON leaving (was_id, home_id);
UPDATE leaving SET below = 1 WHERE to_seq >= (SELECT f.to_seq FROM leaving f WHERE f.was_id = leaving.parent_id
    AND f.home_id = leaving.home_id)
  AND NOT EXISTS (SELECT 1 FROM past p JOIN node k ON k.id = p.node_id WHERE p.node_id = leaving.was_id
    AND p.home_id = leaving.home_id AND p.to_seq = leaving.to_seq AND p.hash IS NULL AND k.kind = 'file');
UPDATE leaving SET below = 0 WHERE EXISTS (SELECT 1 FROM leaving o WHERE o.parent_id = leaving.parent_id
  AND o.match_name = leaving.match_name AND o.home_id = leaving.home_id AND o.below = 1 AND o.node_id < leaving.node_id);

-- As a deleted node is, or one that stands in a deleted collection: there its last state goes on.
INSERT INTO node (id, parent_id, home_id, name, match_name, kind, owner_id, placed_seq, placed_at, seq, members_seq, since_seq,
    since_at, created_at, modified_at, gone_at, version, sealed, author_id, comment, hash, size, content_type, written_at, device,
    kept, litter, hidden)
  SELECT l.node_id, COALESCE(f.node_id, q.id, t.id, l.home_id), l.home_id,
    CASE WHEN l.below = 1 THEN p.name ELSE CAST(l.node_id AS TEXT) || ' ' || p.name END,
    CASE WHEN l.below = 1 THEN p.match_name ELSE CAST(l.node_id AS TEXT) || ' ' || p.match_name END,
    k.kind, h.principal_id, p.from_seq, p.from_at, CASE WHEN l.below = 1 THEN p.from_seq ELSE p.to_seq END, h.seq, p.from_seq,
    p.from_at, k.created_at, p.modified_at, CASE WHEN l.below = 1 THEN NULL ELSE p.to_at END, p.version, p.sealed, p.author_id,
    p.comment, p.hash, CASE WHEN p.hash IS NULL THEN 0 ELSE p.size END, p.content_type, p.written_at, p.device, p.kept, k.litter,
    CASE WHEN l.below = 0 AND k.kind = 'file' AND (p.hash IS NULL OR k.litter = 1 OR (p.sealed = 0 AND p.version = 1)) THEN 1 ELSE 0 END
  FROM leaving l JOIN past p ON p.node_id = l.was_id AND p.home_id = l.home_id AND p.to_seq = l.to_seq
    JOIN node k ON k.id = l.was_id JOIN home h ON h.node_id = l.home_id
    LEFT JOIN node t ON t.parent_id = l.home_id AND t.kind = CASE WHEN k.kind IN ('calendar', 'object') THEN 'calendars' ELSE 'documents' END
    LEFT JOIN leaving f ON f.was_id = l.parent_id AND f.home_id = l.home_id
    LEFT JOIN node q ON q.id = l.parent_id AND q.home_id = l.home_id;
INSERT INTO returned (node_id, home_id, was_id) SELECT node_id, home_id, was_id FROM leaving;
DROP TABLE leaving;

-- In the trash it bears the name that it had, where nothing else does.
UPDATE node SET (name, match_name) = (SELECT p.name, p.match_name FROM returned r JOIN past p ON p.node_id = r.was_id
    AND p.home_id = r.home_id WHERE r.node_id = node.id ORDER BY p.to_seq DESC LIMIT 1)
  WHERE gone_at IS NOT NULL AND hidden = 0 AND id IN (SELECT v.node_id FROM (SELECT r.node_id, r.home_id, p.match_name,
    ROW_NUMBER() OVER (PARTITION BY r.home_id, p.match_name ORDER BY r.node_id) AS place FROM returned r
    JOIN node g ON g.id = r.node_id AND g.gone_at IS NOT NULL AND g.hidden = 0 JOIN past p ON p.node_id = r.was_id
    AND p.home_id = r.home_id AND p.to_seq = (SELECT MAX(q.to_seq) FROM past q WHERE q.node_id = r.was_id
    AND q.home_id = r.home_id)) v WHERE v.place = 1 AND NOT EXISTS (SELECT 1 FROM node o WHERE o.home_id = v.home_id
    AND o.match_name = v.match_name AND o.gone_at IS NOT NULL AND o.hidden = 0));

UPDATE past SET node_id = (SELECT r.node_id FROM returned r WHERE r.was_id = past.node_id AND r.home_id = past.home_id)
  WHERE EXISTS (SELECT 1 FROM returned r WHERE r.was_id = past.node_id AND r.home_id = past.home_id);
UPDATE past SET parent_id = (SELECT r.node_id FROM returned r WHERE r.was_id = past.parent_id AND r.home_id = past.home_id)
  WHERE EXISTS (SELECT 1 FROM returned r WHERE r.was_id = past.parent_id AND r.home_id = past.home_id);
DELETE FROM past WHERE EXISTS (SELECT 1 FROM returned r JOIN node n ON n.id = r.node_id WHERE r.node_id = past.node_id
  AND n.gone_at IS NULL AND n.since_seq = past.from_seq);
UPDATE past SET held_bytes = 0 WHERE held_bytes <> 0 AND EXISTS (SELECT 1 FROM returned r JOIN node n ON n.id = r.node_id
  WHERE r.node_id = past.node_id AND n.version = past.version);

INSERT INTO calendar (node_id, components) SELECT r.node_id, k.components FROM returned r JOIN calendar k ON k.node_id = r.was_id;
-- An object keeps its UID for good; when another content took place is not known here, so it may be at any time.
INSERT INTO calendar_object (node_id, calendar_id, uid, component, first_at, last_at)
  SELECT r.node_id, CASE WHEN n.gone_at IS NULL THEN n.parent_id END, o.uid, CASE WHEN n.hash = k.hash THEN o.component ELSE '' END,
    CASE WHEN n.hash = k.hash THEN o.first_at ELSE -9223372036854775807 END,
    CASE WHEN n.hash = k.hash THEN o.last_at ELSE 9223372036854775807 END
  FROM returned r JOIN node n ON n.id = r.node_id JOIN node k ON k.id = r.was_id JOIN calendar_object o ON o.node_id = r.was_id
  WHERE TRUE ON CONFLICT DO NOTHING;

UPDATE node SET (size, documents) = (WITH RECURSIVE below(id) AS (SELECT node.id UNION ALL
    SELECT k.id FROM node k JOIN below b ON k.parent_id = b.id WHERE k.gone_at IS NULL)
    SELECT CAST(COALESCE(SUM(f.size), 0) AS BIGINT), COUNT(*) FROM below b JOIN node f ON f.id = b.id
    WHERE f.kind IN ('file', 'object'))
  WHERE id IN (SELECT r.node_id FROM returned r) AND kind IN ('folder', 'calendar');
UPDATE home SET used_bytes = h.bytes FROM (SELECT s.home_id, CAST(SUM(s.bytes) AS BIGINT) AS bytes FROM (
  SELECT n.home_id, SUM(32 + CASE WHEN n.hash IS NULL THEN 0 ELSE n.size END) AS bytes FROM node n
    WHERE n.kind NOT IN ('root', 'home', 'documents', 'calendars') GROUP BY n.home_id
  UNION ALL SELECT p.home_id, SUM(p.held_bytes) FROM past p GROUP BY p.home_id
  UNION ALL SELECT n.home_id, SUM(OCTET_LENGTH(r.namespace) + OCTET_LENGTH(r.name) + OCTET_LENGTH(r.xml)) FROM property r
    JOIN node n ON n.id = r.node_id WHERE r.principal_id = 0 GROUP BY n.home_id) s GROUP BY s.home_id) h
  WHERE h.home_id = home.node_id AND home.node_id IN (SELECT r.home_id FROM returned r);
