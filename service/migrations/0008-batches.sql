-- What is done to many documents or for many people, row by row (E16): each row is done and noted in one transaction. A node
-- has rows for a while before it does them, so that others do other ones and everybody sees what is under way.
CREATE TABLE batch (
  id TEXT PRIMARY KEY,
  operation TEXT NOT NULL,
  reason TEXT,
  notes TEXT,
  profile TEXT,
  delivery TEXT,
  state TEXT NOT NULL,
  person TEXT REFERENCES person (id),
  client TEXT,
  place TEXT NOT NULL,
  total BIGINT NOT NULL,
  created BIGINT NOT NULL,
  confirmed BIGINT,
  ended BIGINT
);
CREATE INDEX batch_by_age ON batch (created, id);
CREATE INDEX batch_running ON batch (confirmed, id) WHERE state = 'running';
CREATE INDEX batch_unconfirmed ON batch (created) WHERE confirmed IS NULL;

CREATE TABLE batch_row (
  batch TEXT NOT NULL REFERENCES batch (id),
  number BIGINT NOT NULL,
  object TEXT NOT NULL,
  state TEXT NOT NULL,
  node TEXT,
  lease BIGINT,
  document TEXT,
  code TEXT,
  message TEXT,
  done BIGINT,
  PRIMARY KEY (batch, number)
);
CREATE UNIQUE INDEX batch_row_object ON batch_row (batch, object);
CREATE INDEX batch_row_pending ON batch_row (batch, number) WHERE state = 'pending';
CREATE INDEX batch_row_held ON batch_row (batch, lease) WHERE state = 'in-progress';
CREATE INDEX batch_row_failed ON batch_row (batch, number) WHERE state = 'failed';

-- How much each node did of it: none waits for another one to count.
CREATE TABLE batch_node (
  batch TEXT NOT NULL REFERENCES batch (id),
  node TEXT NOT NULL,
  completed BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  PRIMARY KEY (batch, node)
);
