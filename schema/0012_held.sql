-- What a home holds in all counts in its quota: content that stands, lies in the trash or is a former version, dead
-- properties, and 32 bytes for each node and each former version (`NODE_BYTES` of the code).

ALTER TABLE past ADD COLUMN held_bytes BIGINT NOT NULL DEFAULT 0; -- of the last state of a version that is no longer present

UPDATE past SET held_bytes = size + 32 WHERE hash IS NOT NULL
  AND to_seq = (SELECT MAX(q.to_seq) FROM past q WHERE q.node_id = past.node_id AND q.version = past.version
    AND q.home_id = past.home_id AND q.hash IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM node n WHERE n.id = past.node_id AND n.home_id = past.home_id AND n.version = past.version
    AND n.hash IS NOT NULL);

-- `used_bytes` of home: all that, no longer of live content alone.
UPDATE home SET used_bytes = 0;
UPDATE home SET used_bytes = h.bytes FROM (SELECT s.home_id, CAST(SUM(s.bytes) AS BIGINT) AS bytes FROM (
  SELECT n.home_id, SUM(32 + CASE WHEN n.hash IS NULL THEN 0 ELSE n.size END) AS bytes FROM node n
    WHERE n.kind NOT IN ('root', 'home', 'documents', 'calendars') GROUP BY n.home_id
  UNION ALL SELECT p.home_id, SUM(p.held_bytes) FROM past p GROUP BY p.home_id
  UNION ALL SELECT n.home_id, SUM(OCTET_LENGTH(r.namespace) + OCTET_LENGTH(r.name) + OCTET_LENGTH(r.xml)) FROM property r
    JOIN node n ON n.id = r.node_id WHERE r.principal_id = 0 GROUP BY n.home_id) s GROUP BY s.home_id) h
  WHERE h.home_id = home.node_id;

-- Collections that go for good, in slices: what was purged, and what of the collections below it is found so far. Those of a
-- slice go leaves first, so each is there until nothing is left below it.
CREATE TABLE purge (
  node_id BIGINT PRIMARY KEY NOT NULL REFERENCES node(id),
  top_id BIGINT NOT NULL,                    -- what was purged
  depth BIGINT NOT NULL,                     -- how far below it
  due_at BIGINT NOT NULL                     -- from then on the job sees to it
);
CREATE INDEX purge_depth ON purge (top_id, depth);
