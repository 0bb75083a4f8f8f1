-- Who caused a mail: the person who made the change, else whose calendar it was made in. One sender may cause so many a
-- day; of mail from before nobody is known.
ALTER TABLE mail ADD COLUMN sender_id BIGINT;
CREATE INDEX mail_sender ON mail (sender_id, finished_at, id);
