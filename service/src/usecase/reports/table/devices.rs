//! Devices.

use super::{Column, GROUP, Holds, Kind, LOGON, PERSON, PERSON_OF, Spec, column, filter, sort};

const fn fact(name: &'static str, words: &'static str, sql: &'static str) -> Column {
    column(name, words, Holds::Text, sql).or_none()
}

pub(in crate::usecase::reports) const DEVICES: Spec = Spec {
    name: "devices",
    from: "FROM device v JOIN person p ON p.id = v.owner WHERE 1 = 1",
    joined: "",
    end: "",
    id: "v.id",
    columns: &[
        column("device", "The device.", Holds::Text, "v.id").shown(),
        PERSON_OF,
        LOGON,
        fact("app", "What the wallet on it is called.", "v.app"),
        fact("app_version", "Version of the wallet.", "v.app_version"),
        fact("platform", "`android`, `ios`, …", "v.platform").shown(),
        fact("os_version", "Version of its operating system.", "v.os_version"),
        fact("manufacturer", "Who made it.", "v.manufacturer"),
        fact("model", "What it is.", "v.model").shown(),
        fact("key_security", "How well it keeps keys.", "v.key_security"),
        column(
            "active",
            "Whether documents may go onto it.",
            Holds::Flag,
            IS_ACTIVE,
        )
        .shown(),
        column(
            "registered",
            "When it was registered.",
            Holds::Instant,
            "v.registered",
        ),
        column(
            "seen",
            "When something was last collected on it.",
            Holds::Instant,
            "v.seen",
        )
        .or_none()
        .shown(),
    ],
    filters: &[
        PERSON,
        GROUP,
        filter("platform", "As `android`.", Kind::Text, "v.platform = $?"),
        filter(
            "active",
            "`true` for those that documents may go onto, `false` for others.",
            Kind::Flag,
            "CASE WHEN v.status = 'active' THEN 1 ELSE 0 END = $?",
        ),
        filter(
            "registered_from",
            "Registered then or later.",
            Kind::Instant,
            "v.registered >= $?",
        ),
        filter(
            "registered_to",
            "Registered before.",
            Kind::Instant,
            "v.registered < $?",
        ),
        filter(
            "seen_from",
            "Something was last collected on it then or later.",
            Kind::Instant,
            "v.seen >= $?",
        ),
        filter(
            "seen_to",
            "Something was last collected on it before.",
            Kind::Instant,
            "v.seen < $?",
        ),
    ],
    sorts: &[
        sort("registered", Holds::Instant, "v.registered"),
        sort("device", Holds::Text, "v.id"),
        sort("seen", Holds::Instant, "COALESCE(v.seen, 0)"),
        sort("platform", Holds::Text, "COALESCE(v.platform, '')"),
        sort("model", Holds::Text, "COALESCE(v.model, '')"),
    ],
    first: sort("registered", Holds::Instant, "v.registered"),
    descending: true,
};

const IS_ACTIVE: &str = "CASE WHEN v.status = 'active' THEN 1 ELSE 0 END";
