-- Which state of a person's data, photograph included, an approval was for. What was approved before was for the present one.
ALTER TABLE person ADD COLUMN data_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE document ADD COLUMN approved_data BIGINT;
UPDATE document SET approved_data = 1 WHERE state NOT IN ('requested', 'awaiting-validation');

-- Whether the wallet was told the identifier of the document with its token, and asks by that.
ALTER TABLE session ADD COLUMN by_identifier BIGINT;
