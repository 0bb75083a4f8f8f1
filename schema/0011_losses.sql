-- By whose deed a home lost a node: deleted, replaced or moved out. `gone_by` stays who deleted it, which succession asks.

ALTER TABLE node ADD COLUMN lost_by BIGINT;
UPDATE node SET lost_by = gone_by WHERE gone_at IS NOT NULL;

-- What programs leave about is told by the names that only programs give, and by nothing that it stands in.

UPDATE node SET litter = 0 WHERE litter = 1 AND NOT (
  match_name LIKE '~$%' OR match_name LIKE '.\_%' ESCAPE '\' OR match_name LIKE '.~lock.%#' OR match_name LIKE '~wr__%.tmp'
  OR match_name LIKE '.%.sw_' OR match_name LIKE '.goutputstream-%' OR match_name LIKE '.fuse\_hidden%' ESCAPE '\'
  OR match_name LIKE '.sb-%' OR match_name LIKE '(a document being saved by%)'
  OR match_name IN ('.ds_store', 'thumbs.db', 'desktop.ini'));
