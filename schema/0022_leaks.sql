-- Who reads only a part of a home finds what was deleted there under its own name, whatever else lies in the trash: the key of that name,
-- of each entry of the trash.
ALTER TABLE node ADD COLUMN own_key TEXT;
UPDATE node SET own_key = CASE WHEN kind = 'object' THEN LOWER(match_name) ELSE COALESCE((SELECT p.match_name FROM past p
  WHERE p.node_id = node.id ORDER BY p.to_at DESC, p.to_seq DESC LIMIT 1), match_name) END WHERE gone_at IS NOT NULL AND hidden = 0;
CREATE INDEX node_own ON node (home_id, own_key, id) WHERE gone_at IS NOT NULL AND hidden = 0;
-- Sync tokens say no number any more. Those that do are honoured up to this change of their home.
ALTER TABLE home ADD COLUMN plain_seq BIGINT NOT NULL DEFAULT 0;
UPDATE home SET plain_seq = seq;
