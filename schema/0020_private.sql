-- Private and confidential events show to some only when they are busy. Is an object private (1), or was it (2), so that a former
-- version may be? Until an object is read anew, when the store is opened, it counts as private.
ALTER TABLE calendar_object ADD COLUMN private BIGINT NOT NULL DEFAULT 1;
INSERT INTO unread (node_id) SELECT o.node_id FROM calendar_object o WHERE o.node_id NOT IN (SELECT u.node_id FROM unread u);
-- Owners see all that is theirs; in projects members and leads do.
UPDATE ace SET sees_private = 1 WHERE EXISTS (SELECT 1 FROM home h JOIN principal p ON p.id = h.principal_id
  WHERE h.node_id = ace.home_id AND (h.principal_id = ace.principal_id OR (p.kind <> 'person' AND ace.granted_role >= 30)));
