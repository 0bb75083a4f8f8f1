-- The folders of meetings: where the documents of a meeting stand, by the home of its organizer and its UID. Nothing else binds
-- the two: people rename and move folders as they like.
CREATE TABLE meeting_folder (
  home_id BIGINT NOT NULL REFERENCES node(id),
  uid TEXT NOT NULL,
  node_id BIGINT NOT NULL UNIQUE,            -- the folder; it may be gone
  PRIMARY KEY (home_id, uid)
);
