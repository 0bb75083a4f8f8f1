-- What people have of their own on objects that lie in calendars of others: alarms, and whether an event takes their time. The
-- text is a calendar object that has nothing else; the hash is that of the text.
CREATE TABLE personal_part (
  node_id BIGINT NOT NULL REFERENCES node(id),
  principal_id BIGINT NOT NULL REFERENCES principal(id),
  hash TEXT NOT NULL,
  size BIGINT NOT NULL,                      -- bytes of the text
  text TEXT NOT NULL,
  PRIMARY KEY (node_id, principal_id)
);
CREATE INDEX personal_part_by_principal ON personal_part (principal_id, size);
-- Of a calendar object, and of the calendar that it stands in: may somebody have such a part there? Where not, none is looked for.
ALTER TABLE node ADD COLUMN personal_parts BIGINT NOT NULL DEFAULT 0; -- 0: no; 1: yes
