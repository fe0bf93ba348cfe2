-- When an age in the newest copies of a document becomes another one; none if none does, or if it was collected before this step.
ALTER TABLE document ADD COLUMN ages_change BIGINT;
CREATE INDEX document_ageing ON document (state, ages_change) WHERE ages_change IS NOT NULL;

-- When a person was erased: nothing is written of the person any more.
ALTER TABLE person ADD COLUMN erased BIGINT;
UPDATE person SET erased = changed WHERE logon_name = 'erased-' || id;

-- How often the database did not do a row of a batch.
ALTER TABLE batch_row ADD COLUMN tries BIGINT;

-- Messages are listed in this order.
CREATE INDEX message_by_age ON message (created DESC, id);
