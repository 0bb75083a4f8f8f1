-- What the name of a calendar object is, is its client's business: it is compared as it was sent, neither folded nor normalized, so
-- names that differ by case alone are two. `match_name`, the key of a name, is the name itself for them. What lies in the trash
-- stands among documents: its key stays folded. Names that were different when they were folded are so as they are.
UPDATE node SET match_name = name WHERE kind = 'object' AND gone_at IS NULL AND match_name <> name;
UPDATE past SET match_name = name WHERE match_name <> name AND node_id IN (SELECT n.id FROM node n WHERE n.kind = 'object');
