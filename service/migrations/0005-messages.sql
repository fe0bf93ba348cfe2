-- What is sent to people: written in the transaction of what it tells, sent afterwards. What it says and to whom is sealed
-- under the key of the service, and gone when it is sent or not sent any more.
CREATE TABLE message (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL REFERENCES person (id),
  document TEXT REFERENCES document (serial),
  offer BLOB,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  sealed BLOB,
  tries BIGINT NOT NULL,
  due BIGINT NOT NULL,
  node TEXT,
  lease BIGINT,
  created BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  why TEXT
);
CREATE INDEX message_due ON message (due) WHERE state = 'waiting';
CREATE INDEX message_held ON message (lease) WHERE state IN ('taken', 'handing-over');
CREATE INDEX message_by_person ON message (person);
CREATE INDEX message_by_document ON message (document);
