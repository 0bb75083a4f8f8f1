-- The groups that a meeting names: who joins or leaves one of them is in it, or is not any more. By the home of the organizer
-- and the UID.
CREATE TABLE invited_group (
  home_id BIGINT NOT NULL REFERENCES node(id),
  uid TEXT NOT NULL,
  group_id BIGINT NOT NULL REFERENCES principal(id),
  PRIMARY KEY (home_id, uid, group_id)
);
CREATE INDEX invited_group_by_group ON invited_group (group_id, home_id, uid);
