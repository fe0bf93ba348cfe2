-- Until when a session is good for what its wallet waits for, at the endpoint for that alone.
ALTER TABLE session ADD COLUMN waits BIGINT;

CREATE INDEX deferred_by_document ON deferred (document);
