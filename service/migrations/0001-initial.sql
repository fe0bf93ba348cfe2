-- Whole numbers are BIGINT; instants are seconds since 1970; yes and no are 1 and 0; BLOB is BYTEA on PostgreSQL.
-- Secrets that somebody presents (tokens, codes) are here as keyed digests.

CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- People ------------------------------------------------------------------------------------------------------------

CREATE TABLE person_group (
  id TEXT PRIMARY KEY,
  parent TEXT REFERENCES person_group (id),
  name TEXT NOT NULL
);
CREATE UNIQUE INDEX person_group_name ON person_group (COALESCE(parent, ''), name);

CREATE TABLE person (
  id TEXT PRIMARY KEY,
  logon_name TEXT NOT NULL,
  logon_key TEXT NOT NULL UNIQUE,
  employee_number TEXT NOT NULL UNIQUE,
  external_id TEXT UNIQUE,
  given_name TEXT NOT NULL,
  family_name TEXT NOT NULL,
  email TEXT,
  mobile_phone TEXT,
  group_id TEXT REFERENCES person_group (id),
  user_data_approved BIGINT NOT NULL,
  attributes TEXT NOT NULL,
  search_key TEXT NOT NULL,
  version BIGINT NOT NULL,
  created BIGINT NOT NULL,
  changed BIGINT NOT NULL
);
CREATE INDEX person_by_group ON person (group_id);

CREATE TABLE photo (
  person TEXT PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
  media_type TEXT NOT NULL,
  digest BLOB NOT NULL,
  picture BLOB NOT NULL
);

-- Who may do what ---------------------------------------------------------------------------------------------------

CREATE TABLE role (
  name TEXT PRIMARY KEY,
  scope TEXT NOT NULL,
  workflows TEXT NOT NULL
);

CREATE TABLE person_role (
  person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  role TEXT NOT NULL REFERENCES role (name) ON DELETE CASCADE,
  PRIMARY KEY (person, role)
);
CREATE INDEX person_role_by_role ON person_role (role);

CREATE TABLE client (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  operator TEXT NOT NULL REFERENCES person (id),
  scopes TEXT NOT NULL,
  secret BLOB NOT NULL,
  enabled BIGINT NOT NULL,
  created BIGINT NOT NULL
);

CREATE TABLE client_token (
  token BLOB PRIMARY KEY,
  client TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX client_token_expires ON client_token (expires);

-- Credential profiles -----------------------------------------------------------------------------------------------

CREATE TABLE profile (
  name TEXT PRIMARY KEY,
  version BIGINT NOT NULL,
  enabled BIGINT NOT NULL
);

CREATE TABLE profile_version (
  profile TEXT NOT NULL REFERENCES profile (name),
  version BIGINT NOT NULL,
  settings TEXT NOT NULL,
  comment TEXT NOT NULL,
  made_by TEXT,
  made BIGINT NOT NULL,
  PRIMARY KEY (profile, version)
);

-- Documents and their life ------------------------------------------------------------------------------------------

CREATE TABLE device (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL REFERENCES person (id),
  binding BLOB UNIQUE,
  platform TEXT,
  manufacturer TEXT,
  model TEXT,
  os_version TEXT,
  app_version TEXT,
  key_security TEXT,
  status TEXT NOT NULL,
  registered BIGINT NOT NULL,
  seen BIGINT
);
CREATE INDEX device_by_owner ON device (owner);

CREATE TABLE document (
  serial TEXT PRIMARY KEY,
  person TEXT NOT NULL REFERENCES person (id),
  profile TEXT NOT NULL,
  profile_version BIGINT NOT NULL,
  doc_type TEXT NOT NULL,
  credential_group TEXT,
  exclusive_group TEXT,
  state TEXT NOT NULL,
  state_before TEXT,
  since BIGINT NOT NULL,
  requested_by TEXT NOT NULL,
  requested BIGINT NOT NULL,
  cancel_requested_by TEXT,
  delivery TEXT NOT NULL,
  device TEXT REFERENCES device (id),
  generation BIGINT NOT NULL,
  issued BIGINT,
  valid_until BIGINT,
  moves BIGINT NOT NULL,
  FOREIGN KEY (profile, profile_version) REFERENCES profile_version (profile, version)
);
CREATE INDEX document_by_person ON document (person);
CREATE INDEX document_by_state ON document (state, since);
CREATE INDEX document_by_profile ON document (profile, state);
CREATE INDEX document_by_end ON document (valid_until);

CREATE TABLE document_move (
  document TEXT NOT NULL REFERENCES document (serial),
  number BIGINT NOT NULL,
  move TEXT NOT NULL,
  before TEXT,
  after TEXT NOT NULL,
  made BIGINT NOT NULL,
  made_by TEXT,
  client TEXT,
  reason TEXT,
  notes TEXT,
  PRIMARY KEY (document, number)
);

CREATE TABLE status_list (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  bits BIGINT NOT NULL,
  size BIGINT NOT NULL,
  taken BIGINT NOT NULL,
  changes BIGINT NOT NULL,
  closed BIGINT NOT NULL
);

-- One row for each signed copy of a document; the copy itself is in the wallet alone. `changed` is the number of the
-- list's change with which its status was last written.
CREATE TABLE copy (
  list BIGINT NOT NULL REFERENCES status_list (id),
  place BIGINT NOT NULL,
  document TEXT NOT NULL REFERENCES document (serial),
  generation BIGINT NOT NULL,
  identifier BLOB,
  mso_digest BLOB NOT NULL,
  key_thumbprint BLOB NOT NULL,
  issued BIGINT NOT NULL,
  valid_until BIGINT NOT NULL,
  status BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  PRIMARY KEY (list, place)
);
CREATE INDEX copy_by_document ON copy (document);
CREATE INDEX copy_by_change ON copy (list, changed);
CREATE INDEX copy_not_valid ON copy (list, status) WHERE status <> 0;
CREATE INDEX copy_by_identifier ON copy (list, identifier) WHERE identifier IS NOT NULL;

-- Collection --------------------------------------------------------------------------------------------------------

CREATE TABLE offer (
  id BLOB PRIMARY KEY,
  document TEXT NOT NULL REFERENCES document (serial),
  pre_authorized BLOB NOT NULL UNIQUE,
  issuer_state BLOB NOT NULL UNIQUE,
  invitation BLOB UNIQUE,
  code BLOB,
  code_form TEXT,
  failures BIGINT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used BIGINT
);
CREATE INDEX offer_by_document ON offer (document);

-- What a wallet pushed; then the code that its holder's browser brings back, and what was given for that.
CREATE TABLE authorization_request (
  id BLOB PRIMARY KEY,
  client_id TEXT NOT NULL,
  instance_key BLOB,
  key_thumbprint BLOB,
  redirect_uri TEXT NOT NULL,
  state TEXT,
  challenge TEXT NOT NULL,
  wanted TEXT NOT NULL,
  offer BLOB,
  posts BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  code BLOB UNIQUE,
  used BIGINT,
  refresh_token BLOB,
  expires BIGINT NOT NULL
);
CREATE INDEX authorization_request_expires ON authorization_request (expires);

CREATE TABLE session (
  token BLOB PRIMARY KEY,
  document TEXT NOT NULL REFERENCES document (serial),
  client_id TEXT,
  key_thumbprint BLOB,
  delivered BIGINT,
  started BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  ended BIGINT
);
CREATE INDEX session_by_document ON session (document);
CREATE INDEX session_open ON session (expires) WHERE ended IS NULL AND delivered IS NULL;

CREATE TABLE refresh_token (
  token BLOB PRIMARY KEY,
  document TEXT NOT NULL REFERENCES document (serial),
  client_id TEXT,
  instance_key BLOB,
  key_thumbprint BLOB,
  issued BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used BIGINT
);
CREATE INDEX refresh_token_by_document ON refresh_token (document);

CREATE TABLE deferred (
  transaction_id BLOB PRIMARY KEY,
  document TEXT NOT NULL REFERENCES document (serial),
  keys BLOB NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL
);

CREATE TABLE delivery (
  notification_id BLOB PRIMARY KEY,
  document TEXT NOT NULL REFERENCES document (serial),
  generation BIGINT NOT NULL,
  copies BIGINT NOT NULL,
  made BIGINT NOT NULL,
  event TEXT
);
CREATE INDEX delivery_by_document ON delivery (document);

-- What may be presented once: nonces, identifiers of DPoP proofs.
CREATE TABLE used_once (
  kind TEXT NOT NULL,
  value BLOB NOT NULL,
  expires BIGINT NOT NULL,
  PRIMARY KEY (kind, value)
);
CREATE INDEX used_once_expires ON used_once (expires);

-- Audit -------------------------------------------------------------------------------------------------------------

CREATE TABLE audit_head (
  one BIGINT PRIMARY KEY,
  number BIGINT NOT NULL,
  digest BLOB NOT NULL
);
INSERT INTO audit_head (one, number, digest) VALUES (1, 0, CAST('' AS BLOB));

CREATE TABLE audit (
  number BIGINT PRIMARY KEY,
  entry TEXT NOT NULL,
  digest BLOB NOT NULL
);
