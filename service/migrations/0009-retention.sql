-- What is over goes after a while: each kind is found by when it was over, and what is not over is in none of these.
CREATE INDEX message_over ON message (changed) WHERE state IN ('sent', 'failed', 'uncertain', 'withdrawn');
CREATE INDEX batch_over ON batch (ended) WHERE ended IS NOT NULL;

-- When the document of an offer that was taken ended: until then the rules look at it.
ALTER TABLE offer ADD COLUMN ended BIGINT;
CREATE INDEX offer_over ON offer (ended) WHERE ended IS NOT NULL;
UPDATE offer SET ended = (SELECT since FROM document WHERE serial = offer.document) WHERE document IN
  (SELECT serial FROM document WHERE state IN ('cancelled', 'expired', 'failed', 'rejected'));
