-- A UID that lies in the trash is found without looking at all that its calendar holds.

CREATE INDEX calendar_object_gone ON calendar_object (uid) WHERE calendar_id IS NULL;
