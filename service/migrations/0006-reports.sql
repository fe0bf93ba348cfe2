-- Reports go through everything in these orders, a page at a time; what has no such instant is first.
CREATE INDEX document_by_request ON document (requested, serial);
CREATE INDEX document_by_issue ON document (COALESCE(issued, 0), serial);
CREATE INDEX document_by_expiry ON document (COALESCE(valid_until, 0), serial);
CREATE INDEX document_by_state_and_request ON document (state, requested, serial);
CREATE INDEX document_by_profile_and_request ON document (profile, requested, serial);
CREATE INDEX device_by_registration ON device (registered, id);
