-- An update after which a document lasts for another lifetime.
ALTER TABLE document ADD COLUMN renews BIGINT NOT NULL DEFAULT 0;
