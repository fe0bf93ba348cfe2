//! What each report is: its columns, filters and orders, and the fragments of SQL that they stand for. `d` is a document,
//! `v` a device, `p` the person whose it is; `$?` is the place of what was given.

mod devices;

pub(super) use self::devices::DEVICES;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Text.
    Text,
    /// A count.
    Number,
    /// An instant.
    Instant,
    /// Yes or no.
    Flag,
}

/// A column of a report.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it is, in words.
    pub words: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether it may be empty.
    pub optional: bool,
    /// Whether it is in the table that people read, which has not room for everything.
    pub brief: bool,
    pub(super) sql: &'static str,
}

/// What is given for a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text that is exactly so.
    Text,
    /// The name of a state.
    State,
    /// `true` or `false`.
    Flag,
    /// An instant, or a date: its beginning in UTC.
    Instant,
}

/// Something that a report may be narrowed by.
#[derive(Debug, PartialEq, Eq)]
pub struct Filter {
    /// Its name.
    pub name: &'static str,
    /// What it is, in words.
    pub words: &'static str,
    /// What is given for it.
    pub kind: Kind,
    pub(super) sql: &'static str,
    /// The same where the order is another one than that of the index which the fragment would be looked up in: going
    /// through the order and passing over rows is one way through everything for all pages together, while each of them
    /// would sort all that was looked up.
    pub(super) passing: Option<&'static str>,
}

/// Something that a report may be ordered by.
#[derive(Debug)]
pub struct Sort {
    /// Its name: that of a column.
    pub name: &'static str,
    pub(super) sql: &'static str,
    pub(super) holds: Holds,
}

/// A report.
pub(super) struct Spec {
    pub(super) name: &'static str,
    /// From where, as far as conditions may follow.
    pub(super) from: &'static str,
    /// The part of it that is needed for columns or conditions of the person alone; empty if there are such columns.
    pub(super) joined: &'static str,
    /// Behind the conditions; the one of the cursor comes after it.
    pub(super) end: &'static str,
    /// What no two rows have in common.
    pub(super) id: &'static str,
    pub(super) columns: &'static [Column],
    pub(super) filters: &'static [Filter],
    pub(super) sorts: &'static [Sort],
    /// The order if nobody says.
    pub(super) first: Sort,
    pub(super) descending: bool,
}

const fn column(name: &'static str, words: &'static str, holds: Holds, sql: &'static str) -> Column {
    Column {
        name,
        words,
        holds,
        optional: false,
        brief: false,
        sql,
    }
}

impl Column {
    /// It may be empty.
    const fn or_none(mut self) -> Self {
        self.optional = true;
        self
    }

    /// It is in the table that people read.
    const fn shown(mut self) -> Self {
        self.brief = true;
        self
    }
}

const fn filter(name: &'static str, words: &'static str, kind: Kind, sql: &'static str) -> Filter {
    Filter {
        name,
        words,
        kind,
        sql,
        passing: None,
    }
}

impl Filter {
    const fn passing(mut self, sql: &'static str) -> Self {
        self.passing = Some(sql);
        self
    }
}

const fn sort(name: &'static str, holds: Holds, sql: &'static str) -> Sort {
    Sort { name, sql, holds }
}

const PERSON_OF: Column = column("person", "The id of the person whose it is.", Holds::Text, "p.id");
const LOGON: Column = column(
    "logon_name",
    "The name that the person signs in with.",
    Holds::Text,
    "p.logon_name",
)
.shown();
const SERIAL: Column = column("serial", "The document.", Holds::Text, "d.serial").shown();
const PROFILE_OF: Column = column("profile", "The profile.", Holds::Text, "d.profile").shown();
const VERSION: Column = column(
    "profile_version",
    "The version of the profile.",
    Holds::Number,
    "d.profile_version",
);
const DOC_TYPE_OF: Column = column("doc_type", "The type of the mdoc.", Holds::Text, "d.doc_type");
const STATE_OF: Column = column("state", "Where it is in its life.", Holds::Text, "d.state").shown();
const SINCE: Column = column(
    "since",
    "Since when it is in its state.",
    Holds::Instant,
    "d.since",
);
const REASON: Column = column(
    "reason",
    "Why, of the list that the move has which led there.",
    Holds::Text,
    "(SELECT m.reason FROM document_move m WHERE m.document = d.serial AND m.number = d.moves)",
)
.or_none();
const REQUESTED_AT: Column = column(
    "requested",
    "When it was requested.",
    Holds::Instant,
    "d.requested",
);
const ISSUED_AT: Column = column(
    "issued",
    "When it was first collected.",
    Holds::Instant,
    "d.issued",
)
.or_none();
const EXPIRES_AT: Column = column(
    "expires",
    "When its lifetime ends.",
    Holds::Instant,
    "d.valid_until",
)
.or_none();
const DEVICE_OF: Column = column("device", "The device that has it.", Holds::Text, "d.device").or_none();
const CURRENT_AT: Column = column(
    "current",
    "Whether it is on its way to a wallet or in one; otherwise it is a previous one.",
    Holds::Flag,
    IS_CURRENT,
);

/// The states that are an end, as [`crate::domain::life::State::is_open`] has them.
const IS_CURRENT: &str =
    "CASE WHEN d.state IN ('cancelled', 'expired', 'failed', 'rejected') THEN 0 ELSE 1 END";
const WAITS: &str =
    "CASE WHEN d.state IN ('requested', 'awaiting-validation', 'collectable', 'issuing') THEN 1 ELSE 0 END";

const PERSON: Filter = filter(
    "person",
    "The person whose it is, by id.",
    Kind::Text,
    "p.id = $?",
);
const GROUP: Filter = filter(
    "group",
    "The group of the person, by id, with those below it.",
    Kind::Text,
    "p.group_id IN (WITH RECURSIVE wanted (id) AS (SELECT CAST($? AS TEXT) \
     UNION SELECT g.id FROM person_group g JOIN wanted ON g.parent = wanted.id) SELECT id FROM wanted)",
);
const PROFILE: Filter = filter("profile", "The profile, by name.", Kind::Text, "d.profile = $?")
    .passing("COALESCE(d.profile, '') = $?");
const DOC_TYPE: Filter = filter("doc_type", "The type of the mdoc.", Kind::Text, "d.doc_type = $?");
const STATE: Filter = filter("state", "The state, as `active`.", Kind::State, "d.state = $?")
    .passing("COALESCE(d.state, '') = $?");
const CURRENT: Filter = filter(
    "current",
    "`true` for current documents, on their way to a wallet or in one; `false` for previous ones.",
    Kind::Flag,
    "CASE WHEN d.state IN ('cancelled', 'expired', 'failed', 'rejected') THEN 0 ELSE 1 END = $?",
);
const WAITING: Filter = filter(
    "waiting",
    "`true` for what waits to be approved or collected.",
    Kind::Flag,
    "CASE WHEN d.state IN ('requested', 'awaiting-validation', 'collectable', 'issuing') THEN 1 ELSE 0 END = $?",
);
const REQUESTED_BY: Filter = filter(
    "requested_by",
    "Who requested it, by id.",
    Kind::Text,
    "d.requested_by = $?",
);
const REQUESTED_FROM: Filter = filter(
    "requested_from",
    "Requested then or later.",
    Kind::Instant,
    "d.requested >= $?",
);
const REQUESTED_TO: Filter = filter(
    "requested_to",
    "Requested before.",
    Kind::Instant,
    "d.requested < $?",
);
const ISSUED_FROM: Filter = filter(
    "issued_from",
    "First collected then or later.",
    Kind::Instant,
    "d.issued IS NOT NULL AND COALESCE(d.issued, 0) >= $?",
);
const ISSUED_TO: Filter = filter(
    "issued_to",
    "First collected before.",
    Kind::Instant,
    "d.issued IS NOT NULL AND COALESCE(d.issued, 0) < $?",
);
const EXPIRES_FROM: Filter = filter(
    "expires_from",
    "Its lifetime ends then or later.",
    Kind::Instant,
    "d.valid_until IS NOT NULL AND COALESCE(d.valid_until, 0) >= $?",
);
const EXPIRES_TO: Filter = filter(
    "expires_to",
    "Its lifetime ends before.",
    Kind::Instant,
    "d.valid_until IS NOT NULL AND COALESCE(d.valid_until, 0) < $?",
);

const BY_SERIAL: Sort = sort("serial", Holds::Text, "d.serial");
const BY_REQUEST: Sort = sort("requested", Holds::Instant, "d.requested");
/// What has no such instant is before everything that has. The expressions are those of the indices, as in the filters.
const BY_ISSUE: Sort = sort("issued", Holds::Instant, "COALESCE(d.issued, 0)");
const BY_END: Sort = sort("expires", Holds::Instant, "COALESCE(d.valid_until, 0)");

const DOCUMENT: &str = "FROM document d JOIN person p ON p.id = d.person WHERE 1 = 1";

pub(super) const DOCUMENTS: Spec = Spec {
    name: "documents",
    from: DOCUMENT,
    joined: "",
    end: "",
    id: "d.serial",
    columns: &[
        SERIAL,
        PERSON_OF,
        LOGON,
        PROFILE_OF,
        VERSION,
        DOC_TYPE_OF,
        STATE_OF,
        CURRENT_AT,
        SINCE.shown(),
        REASON,
        REQUESTED_AT,
        ISSUED_AT,
        EXPIRES_AT.shown(),
        DEVICE_OF,
    ],
    filters: &[
        PERSON,
        GROUP,
        PROFILE,
        DOC_TYPE,
        STATE,
        CURRENT,
        REQUESTED_FROM,
        REQUESTED_TO,
        ISSUED_FROM,
        ISSUED_TO,
        EXPIRES_FROM,
        EXPIRES_TO,
    ],
    sorts: &[BY_REQUEST, BY_SERIAL, BY_ISSUE, BY_END],
    first: BY_REQUEST,
    descending: true,
};

pub(super) const REQUESTS: Spec = Spec {
    name: "requests",
    from: DOCUMENT,
    joined: "",
    end: "",
    id: "d.serial",
    columns: &[
        SERIAL,
        PERSON_OF,
        LOGON,
        PROFILE_OF,
        DOC_TYPE_OF,
        STATE_OF,
        column(
            "waiting",
            "Whether it waits to be approved or collected.",
            Holds::Flag,
            WAITS,
        ),
        SINCE,
        REQUESTED_AT.shown(),
        column(
            "requested_by",
            "Who requested it, by id; nobody if the service itself did.",
            Holds::Text,
            "NULLIF(d.requested_by, '')",
        )
        .or_none(),
        column(
            "decided_by",
            "Who approved or rejected it last, by id.",
            Holds::Text,
            "(SELECT m.made_by FROM document_move m WHERE m.document = d.serial \
             AND m.move IN ('approve', 'reject') ORDER BY m.number DESC LIMIT 1)",
        )
        .or_none(),
        column(
            "delivery",
            "How it reaches the person.",
            Holds::Text,
            "d.delivery",
        ),
        column(
            "notes",
            "What was noted with the request.",
            Holds::Text,
            "(SELECT m.notes FROM document_move m WHERE m.document = d.serial AND m.number = 1)",
        )
        .or_none()
        .shown(),
    ],
    filters: &[
        PERSON,
        GROUP,
        PROFILE,
        DOC_TYPE,
        STATE,
        WAITING,
        REQUESTED_BY,
        REQUESTED_FROM,
        REQUESTED_TO,
    ],
    sorts: &[BY_REQUEST, BY_SERIAL],
    first: BY_REQUEST,
    descending: true,
};

pub(super) const EXPIRING: Spec = Spec {
    name: "expiring",
    // Most documents are in one of these states: what narrows it is the end.
    from: "FROM document d JOIN person p ON p.id = d.person WHERE d.valid_until IS NOT NULL \
           AND COALESCE(d.state, '') IN ('active', 'disabled', 'updating', 'cancel-requested')",
    joined: "",
    end: "",
    id: "d.serial",
    columns: &[
        SERIAL,
        PERSON_OF,
        LOGON,
        PROFILE_OF,
        VERSION,
        DOC_TYPE_OF,
        STATE_OF,
        ISSUED_AT,
        EXPIRES_AT.shown(),
        DEVICE_OF,
    ],
    filters: &[PERSON, GROUP, PROFILE, DOC_TYPE, STATE, EXPIRES_FROM, EXPIRES_TO],
    sorts: &[BY_END, BY_SERIAL],
    first: BY_END,
    descending: false,
};

pub(super) const ISSUED: Spec = Spec {
    name: "issued",
    from: "FROM (SELECT d.profile AS profile, d.doc_type AS doc_type, d.state AS state, \
           CAST(COUNT(*) AS BIGINT) AS documents \
           FROM document d JOIN person p ON p.id = d.person WHERE d.issued IS NOT NULL",
    joined: " JOIN person p ON p.id = d.person",
    end: " GROUP BY d.profile, d.doc_type, d.state) c WHERE 1 = 1",
    // Neither profiles nor states have a blank in their names.
    id: "c.profile || ' ' || c.state || ' ' || c.doc_type",
    columns: &[
        column("profile", "The profile.", Holds::Text, "c.profile").shown(),
        column("doc_type", "The type of the mdoc.", Holds::Text, "c.doc_type").shown(),
        column(
            "state",
            "Where they are in their life now.",
            Holds::Text,
            "c.state",
        )
        .shown(),
        column("documents", "How many there are.", Holds::Number, "c.documents").shown(),
    ],
    filters: &[PERSON, GROUP, PROFILE, DOC_TYPE, STATE, ISSUED_FROM, ISSUED_TO],
    sorts: &[
        sort("profile", Holds::Text, "c.profile"),
        sort("doc_type", Holds::Text, "c.doc_type"),
        sort("state", Holds::Text, "c.state"),
        sort("documents", Holds::Number, "c.documents"),
    ],
    first: sort("profile", Holds::Text, "c.profile"),
    descending: false,
};
