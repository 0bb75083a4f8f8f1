-- The group of all persons: what an administrator offers to everyone is granted to it. No name that is given may hold an @.

INSERT INTO principal (id, kind, name, match_name, display_name, created_at)
  VALUES (0, 'group', '@everyone', '@everyone', 'Everyone', 0);
INSERT INTO membership (group_id, member_id) SELECT 0, id FROM principal WHERE kind = 'person' AND match_name NOT LIKE '%/%';
