-- What versions, the trash and the views of former days need to know of a node and of its former states.

-- `sealed` of node: 1, its content is a version, entered in `chain`; 0, a draft that the same session may still refine.
ALTER TABLE node ADD COLUMN draft TEXT;                           -- token of the lock under which a draft is written
ALTER TABLE node ADD COLUMN written_at BIGINT NOT NULL DEFAULT 0; -- when the present content was written, by our clock
ALTER TABLE node ADD COLUMN device TEXT;                          -- label of the device that wrote it
ALTER TABLE node ADD COLUMN kept BIGINT NOT NULL DEFAULT 0;       -- 1: retention never takes the present version
ALTER TABLE node ADD COLUMN litter BIGINT NOT NULL DEFAULT 0;     -- 1: what programs leave about; no versions
ALTER TABLE node ADD COLUMN hidden BIGINT NOT NULL DEFAULT 0;     -- 1: gone, and not shown in the trash
ALTER TABLE node ADD COLUMN documents BIGINT NOT NULL DEFAULT 0;  -- of a collection: how many live documents below
ALTER TABLE node ADD COLUMN placed_by BIGINT;                     -- who put it where it stands
ALTER TABLE node ADD COLUMN gone_by BIGINT;                       -- who deleted it

-- `sealed` of past: 1, the state's content is a version.
ALTER TABLE past ADD COLUMN written_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE past ADD COLUMN device TEXT;
ALTER TABLE past ADD COLUMN kept BIGINT NOT NULL DEFAULT 0;

UPDATE node SET written_at = since_at WHERE kind = 'file';
UPDATE past SET written_at = from_at;
UPDATE node SET documents = (WITH RECURSIVE below(id) AS (SELECT node.id UNION ALL
  SELECT k.id FROM node k JOIN below b ON k.parent_id = b.id WHERE k.gone_at IS NULL)
  SELECT COUNT(*) FROM below b JOIN node f ON f.id = b.id WHERE f.kind = 'file') WHERE kind IN ('folder', 'documents');

-- The names in the trash of a home: a node that is gone bears one of its own, its old one stands in `past`.
UPDATE node SET name = name || ' ' || id, match_name = match_name || ' ' || id WHERE gone_at IS NOT NULL;
CREATE UNIQUE INDEX node_trash ON node (home_id, match_name) WHERE gone_at IS NOT NULL AND hidden = 0;
CREATE INDEX node_gone ON node (home_id, gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX node_draft ON node (draft) WHERE draft IS NOT NULL;
CREATE INDEX node_unsealed ON node (written_at) WHERE sealed = 0;
CREATE INDEX node_litter ON node (written_at) WHERE litter = 1;
CREATE INDEX node_since ON node (home_id, since_at);
CREATE INDEX past_ended ON past (home_id, to_at);
CREATE INDEX past_slot ON past (parent_id, match_name, to_seq);
CREATE INDEX past_version ON past (node_id, version);

-- Each version enters the chain of its home when it is sealed. `chain` is a hash over the link before and the leaf, the
-- leaf one over the version; so a changed version, link or order shows.
CREATE TABLE chain (
  home_id BIGINT NOT NULL REFERENCES node(id),
  place BIGINT NOT NULL,                     -- from 1, without gaps
  node_id BIGINT NOT NULL,                   -- a document; its row may be gone
  version BIGINT NOT NULL,
  leaf TEXT NOT NULL,                        -- SHA-256, hexadecimal; '': sealed before there was a chain
  chain TEXT NOT NULL,
  PRIMARY KEY (home_id, place)
);
CREATE UNIQUE INDEX chain_version ON chain (node_id, version);
ALTER TABLE home ADD COLUMN chain TEXT NOT NULL DEFAULT '';       -- the last link
ALTER TABLE home ADD COLUMN chain_place BIGINT NOT NULL DEFAULT 0;

-- Retention of a project, and its brake on mass deletions.
ALTER TABLE home ADD COLUMN versions_days BIGINT;                 -- NULL: all versions stay; else all of the last days ...
ALTER TABLE home ADD COLUMN versions_every TEXT NOT NULL DEFAULT 'day';  -- ... and of each older day, week or month the last
ALTER TABLE home ADD COLUMN trash_days BIGINT NOT NULL DEFAULT 90;
ALTER TABLE home ADD COLUMN sync_days BIGINT NOT NULL DEFAULT 60;
ALTER TABLE home ADD COLUMN brake_percent BIGINT NOT NULL DEFAULT 50;    -- 100: no brake

-- A person whose deletions in a home are held, or were let go on.
CREATE TABLE hold (
  home_id BIGINT NOT NULL REFERENCES node(id),
  principal_id BIGINT NOT NULL REFERENCES principal(id),
  since_at BIGINT NOT NULL,
  released_until BIGINT,                     -- NULL: held
  PRIMARY KEY (home_id, principal_id)
);

INSERT INTO chain (home_id, place, node_id, version, leaf, chain)
  SELECT v.home_id, ROW_NUMBER() OVER (PARTITION BY v.home_id ORDER BY v.node_id, v.version), v.node_id, v.version, '', ''
  FROM (SELECT MIN(a.home_id) AS home_id, a.node_id, a.version FROM (
    SELECT home_id, node_id, version FROM past WHERE hash IS NOT NULL
    UNION SELECT home_id, id, version FROM node WHERE kind = 'file') a GROUP BY a.node_id, a.version) v;
UPDATE home SET chain_place = (SELECT COUNT(*) FROM chain c WHERE c.home_id = home.node_id);
