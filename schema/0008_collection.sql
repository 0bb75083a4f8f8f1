-- Which members of a collection are collections: their sums change with what lies below them, without a change of their own.

CREATE INDEX node_collection ON node (parent_id) WHERE hash IS NULL;
