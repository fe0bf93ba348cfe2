-- What may yet be withdrawn: it did not go out. What went out, or was withdrawn, is there for ever and looked at no more.
CREATE INDEX message_open ON message (due) WHERE state IN ('waiting', 'failed', 'uncertain');
-- Where a document was before it was switched off, to which switching it on leads back.
ALTER TABLE document ADD COLUMN resumes TEXT;
