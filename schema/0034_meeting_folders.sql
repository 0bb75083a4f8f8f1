-- Has each meeting that the owner of a home organizes a folder among their documents?
ALTER TABLE home ADD COLUMN meeting_folders BIGINT NOT NULL DEFAULT 0; -- 0: no; 1: yes
