-- Devices of one project, devices that log in by HTTP Digest, and by what a device was last used.

ALTER TABLE device ADD COLUMN project_id BIGINT REFERENCES principal(id); -- what alone it opens; NULL: no matter of whose home
ALTER TABLE device ADD COLUMN digest_secret TEXT; -- the characters of the password, which HTTP Digest cannot do without; NULL: it takes none
ALTER TABLE device ADD COLUMN used_from TEXT;     -- the address that it was last used from
ALTER TABLE device ADD COLUMN used_by TEXT;       -- the program, as it calls itself
