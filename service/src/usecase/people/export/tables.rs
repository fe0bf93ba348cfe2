//! What is kept of a person, table by table.

/// What a column holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Json,
    Number,
    Yes,
    Instant,
    Bytes,
}

use Kind::{Bytes, Instant, Number, Text, Yes};

pub(super) type Columns = &'static [(&'static str, Kind)];

pub(super) const PERSON: Columns = &[
    ("id", Text),
    ("logon_name", Text),
    ("employee_number", Text),
    ("external_id", Text),
    ("given_name", Text),
    ("family_name", Text),
    ("email", Text),
    ("mobile_phone", Text),
    ("user_data_approved", Yes),
    ("attributes", Kind::Json),
    ("search_key", Text),
    ("version", Number),
    ("data_version", Number),
    ("created", Instant),
    ("changed", Instant),
];

/// What is kept of the person of `$1`, table by table.
pub(super) const TABLES: [(&str, &str, Columns); 12] = [
    (
        "photograph",
        "FROM photo WHERE person = $1",
        &[("media_type", Text), ("digest", Bytes), ("picture", Bytes)],
    ),
    (
        "group",
        "FROM person_group WHERE id = (SELECT group_id FROM person WHERE id = $1)",
        &[("id", Text), ("name", Text)],
    ),
    (
        "roles",
        "FROM person_role WHERE person = $1 ORDER BY role",
        &[("role", Text)],
    ),
    (
        "machines",
        "FROM client WHERE operator = $1 ORDER BY name",
        &[
            ("id", Text),
            ("name", Text),
            ("scopes", Text),
            ("enabled", Yes),
            ("created", Instant),
        ],
    ),
    (
        "sign_in",
        "FROM operator_account WHERE person = $1",
        &[
            ("enabled", Yes),
            ("failures", Number),
            ("locked_until", Instant),
            ("signed_in", Instant),
        ],
    ),
    (
        "invitations",
        "FROM operator_invitation WHERE person = $1",
        &[("expires", Instant)],
    ),
    (
        "passkeys",
        "FROM operator_passkey WHERE person = $1 ORDER BY added, id",
        &[("name", Text), ("added", Instant), ("used", Instant)],
    ),
    (
        "certificates",
        "FROM operator_certificate WHERE person = $1 ORDER BY added, fingerprint",
        &[
            ("fingerprint", Bytes),
            ("name", Text),
            ("expires", Instant),
            ("added", Instant),
        ],
    ),
    (
        "signed_in",
        "FROM operator_session WHERE person = $1 ORDER BY started, token",
        &[
            ("method", Text),
            ("started", Instant),
            ("seen", Instant),
            ("expires", Instant),
        ],
    ),
    (
        "devices",
        "FROM device WHERE owner = $1 ORDER BY registered, id",
        &[
            ("id", Text),
            ("binding", Bytes),
            ("instance_key", Bytes),
            ("app", Text),
            ("platform", Text),
            ("manufacturer", Text),
            ("model", Text),
            ("os_version", Text),
            ("app_version", Text),
            ("key_security", Text),
            ("status", Text),
            ("registered", Instant),
            ("seen", Instant),
        ],
    ),
    (
        "messages",
        "FROM message WHERE person = $1 ORDER BY created, id",
        &[
            ("id", Text),
            ("document", Text),
            ("kind", Text),
            ("channel", Text),
            ("state", Text),
            ("tries", Number),
            ("due", Instant),
            ("why", Text),
            ("created", Instant),
            ("changed", Instant),
        ],
    ),
    (
        "begun_batches",
        "FROM batch WHERE person = $1 ORDER BY created, id",
        &[
            ("id", Text),
            ("operation", Text),
            ("reason", Text),
            ("notes", Text),
            ("place", Text),
            ("client", Text),
            ("profile", Text),
            ("delivery", Text),
            ("state", Text),
            ("total", Number),
            ("created", Instant),
            ("confirmed", Instant),
            ("ended", Instant),
        ],
    ),
];

pub(super) const DOCUMENT: Columns = &[
    ("serial", Text),
    ("profile", Text),
    ("profile_version", Number),
    ("doc_type", Text),
    ("credential_group", Text),
    ("exclusive_group", Text),
    ("state", Text),
    ("state_before", Text),
    ("resumes", Text),
    ("since", Instant),
    ("requested_by", Text),
    ("requested", Instant),
    ("cancel_requested_by", Text),
    ("approved_data", Number),
    ("approved_again_by", Text),
    ("delivery", Text),
    ("device", Text),
    ("generation", Number),
    ("issued", Instant),
    ("valid_until", Instant),
    ("renews", Yes),
    ("ages_change", Instant),
    ("moves", Number),
];

/// What is kept of the document of `$1`, table by table. Of what somebody presents as a secret, when it was and no digest.
pub(super) const OF_DOCUMENT: [(&str, &str, Columns); 8] = [
    (
        "history",
        "FROM document_move WHERE document = $1 ORDER BY number",
        &[
            ("move", Text),
            ("before", Text),
            ("after", Text),
            ("made", Instant),
            ("made_by", Text),
            ("client", Text),
            ("reason", Text),
            ("notes", Text),
        ],
    ),
    (
        "copies",
        "FROM copy WHERE document = $1 ORDER BY generation, list, place",
        &[
            ("list", Number),
            ("place", Number),
            ("generation", Number),
            ("identifier", Bytes),
            ("mso_digest", Bytes),
            ("key_thumbprint", Bytes),
            ("issued", Instant),
            ("valid_until", Instant),
            ("status", Number),
        ],
    ),
    (
        "offers",
        "FROM offer WHERE document = $1 ORDER BY created, id",
        &[
            ("made_by", Text),
            ("code_form", Text),
            ("failures", Number),
            ("created", Instant),
            ("expires", Instant),
            ("used", Instant),
            ("generation", Number),
            ("ended", Instant),
        ],
    ),
    (
        "sign_ins",
        "FROM authorization_request WHERE offer IN (SELECT id FROM offer WHERE document = $1) ORDER BY expires, id",
        &[
            ("client_id", Text),
            ("key_thumbprint", Bytes),
            ("instance_key", Bytes),
            ("redirect_uri", Text),
            ("wanted", Text),
            ("posts", Number),
            ("failures", Number),
            ("used", Instant),
            ("expires", Instant),
        ],
    ),
    (
        "refresh_tokens",
        "FROM refresh_token WHERE document = $1 ORDER BY issued, token",
        &[
            ("client_id", Text),
            ("key_thumbprint", Bytes),
            ("instance_key", Bytes),
            ("by_identifier", Yes),
            ("issued", Instant),
            ("expires", Instant),
            ("used", Instant),
        ],
    ),
    (
        "waiting",
        "FROM deferred WHERE document = $1 ORDER BY created, transaction_id",
        &[("created", Instant), ("expires", Instant)],
    ),
    (
        "deliveries",
        "FROM delivery WHERE document = $1 ORDER BY made, generation",
        &[
            ("generation", Number),
            ("copies", Number),
            ("made", Instant),
            ("event", Text),
        ],
    ),
    (
        "sessions",
        "FROM session WHERE document = $1 ORDER BY started, token",
        &[
            ("client_id", Text),
            ("key_thumbprint", Bytes),
            ("instance_key", Bytes),
            ("said", Text),
            ("key_security", Text),
            ("by_identifier", Yes),
            ("started", Instant),
            ("expires", Instant),
            ("delivered", Instant),
            ("waits", Instant),
            ("ended", Instant),
        ],
    ),
];

pub(super) const BATCH_ROW: Columns = &[
    ("batch", Text),
    ("number", Number),
    ("object", Text),
    ("state", Text),
    ("document", Text),
    ("code", Text),
    ("message", Text),
    ("done", Instant),
];

/// What else the trail tells of that is the person's (`$1`).
pub(super) const OF_TRAIL: [&str; 3] = [
    "SELECT id FROM device WHERE owner = $1",
    "SELECT id FROM message WHERE person = $1",
    "SELECT id FROM client WHERE operator = $1",
];
