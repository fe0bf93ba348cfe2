-- How operators sign in (E3). Passwords are here as Argon2id makes them, tokens and codes as keyed digests; what has to be
-- read again (the secret of an authenticator, a sign-in that is half done) is sealed under the key of the service.
CREATE TABLE operator_account (
  person TEXT PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
  enabled BIGINT NOT NULL,
  password TEXT,
  authenticator BLOB,
  last_step BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  locked_until BIGINT,
  signed_in BIGINT
);

CREATE TABLE operator_invitation (
  token BLOB PRIMARY KEY,
  person TEXT NOT NULL UNIQUE REFERENCES person (id) ON DELETE CASCADE,
  expires BIGINT NOT NULL
);

CREATE TABLE operator_recovery (
  person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  code BLOB NOT NULL,
  PRIMARY KEY (person, code)
);

CREATE TABLE operator_passkey (
  id BLOB PRIMARY KEY,
  person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  passkey TEXT NOT NULL,
  added BIGINT NOT NULL,
  used BIGINT
);
CREATE INDEX operator_passkey_by_person ON operator_passkey (person);

CREATE TABLE operator_certificate (
  fingerprint BLOB PRIMARY KEY,
  person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  expires BIGINT NOT NULL,
  added BIGINT NOT NULL
);
CREATE INDEX operator_certificate_by_person ON operator_certificate (person);

-- What is half done: a password that was right, a passkey or a provider that was asked.
CREATE TABLE operator_ceremony (
  token BLOB PRIMARY KEY,
  kind TEXT NOT NULL,
  person TEXT REFERENCES person (id) ON DELETE CASCADE,
  sealed BLOB,
  expires BIGINT NOT NULL
);
CREATE INDEX operator_ceremony_expires ON operator_ceremony (expires);

CREATE TABLE operator_session (
  token BLOB PRIMARY KEY,
  person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  method TEXT NOT NULL,
  started BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX operator_session_by_person ON operator_session (person);
CREATE INDEX operator_session_expires ON operator_session (expires);
