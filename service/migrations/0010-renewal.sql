-- An update after which a document lasts for another lifetime.
ALTER TABLE document ADD COLUMN renews BIGINT NOT NULL DEFAULT 0;

-- A refresh token that is used lasts on, and what a code that is presented again ends with it; the sign-in goes with its offer.
CREATE INDEX authorization_request_by_refresh ON authorization_request (refresh_token) WHERE refresh_token IS NOT NULL;
CREATE INDEX authorization_request_by_offer ON authorization_request (offer) WHERE offer IS NOT NULL;
