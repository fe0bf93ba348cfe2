-- What a wallet showed of the device it is on, when its session began and with its keys.
ALTER TABLE session ADD COLUMN instance_key BLOB;
ALTER TABLE session ADD COLUMN said TEXT;
ALTER TABLE session ADD COLUMN key_security TEXT;

-- What the wallet calls itself, and the key of its installation, for which its provider vouches.
ALTER TABLE device ADD COLUMN app TEXT;
ALTER TABLE device ADD COLUMN instance_key BLOB;
CREATE UNIQUE INDEX device_by_instance ON device (instance_key);

-- By whom an offer was made, and how often the document had been collected when it was taken: until it is collected again,
-- the wallet that took it has nothing of it.
ALTER TABLE offer ADD COLUMN made_by TEXT;
ALTER TABLE offer ADD COLUMN generation BIGINT;
-- Who approved the data of a document that was in a wallet already.
ALTER TABLE document ADD COLUMN approved_again_by TEXT;

-- Whether the wallet was told the identifier of the document with its tokens.
ALTER TABLE refresh_token ADD COLUMN by_identifier BIGINT;
