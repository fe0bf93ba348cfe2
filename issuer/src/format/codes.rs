//! Tables of codes: those that a format brings along, and the ones built in.

use core::fmt;
use std::sync::Arc;

/// Name under which every format can use the table of country codes.
pub const COUNTRY: &str = "country";
/// Name under which every format can use the table of distinguishing signs.
pub const UN_DISTINGUISHING_SIGN: &str = "un-distinguishing-sign";

/// The values that an element may have.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeTable {
    /// The name by which elements refer to it.
    pub name: String,
    /// Whether a value that is not listed gets a warning instead of an error.
    pub open: bool,
    /// The values with their labels, in the order of the file.
    pub codes: Vec<Code>,
}

/// One value of a [`CodeTable`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// What goes into the document; numbers are written in decimal.
    pub value: String,
    /// What it means, for people.
    pub label: Option<String>,
}

/// How a value stands to a [`CodeTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is in the table.
    Listed,
    /// It is not, but the table is open: worth a warning.
    Unlisted,
    /// It may not be used.
    Refused,
}

impl CodeTable {
    /// A table from the values of a format.
    #[must_use]
    pub const fn new(name: String, open: bool, codes: Vec<Code>) -> Self {
        Self { name, open, codes }
    }

    /// The table of this name that is built in, [`COUNTRY`] or [`UN_DISTINGUISHING_SIGN`].
    #[must_use]
    pub fn built_in(name: &str) -> Option<Arc<Self>> {
        let listed = match name {
            COUNTRY => COUNTRIES,
            UN_DISTINGUISHING_SIGN => SIGNS,
            _ => return None,
        };
        let codes = listed
            .split_ascii_whitespace()
            .map(|c| Code {
                value: c.to_owned(),
                label: None,
            })
            .collect();
        Some(Arc::new(Self {
            name: name.to_owned(),
            open: true,
            codes,
        }))
    }

    /// Whether `value` is in the table, or at least not refused by it.
    #[must_use]
    pub fn standing(&self, value: &str) -> Standing {
        // Formats cannot bring tables of these two names, so they are the ones built in.
        let (set_aside, has_form) = match self.name.as_str() {
            COUNTRY => (is_user_assigned(value), has_country_form(value)),
            UN_DISTINGUISHING_SIGN => (false, has_sign_form(value)),
            _ => (false, true),
        };
        if set_aside || self.codes.iter().any(|code| code.value == value) {
            Standing::Listed
        } else if self.open && has_form {
            Standing::Unlisted
        } else {
            Standing::Refused
        }
    }
}

impl fmt::Debug for CodeTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeTable")
            .field("name", &self.name)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

/// Whether `code` looks like an alpha-2 code of ISO 3166-1: two upper-case letters.
#[must_use]
pub fn has_country_form(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())
}

/// Whether `code` is assigned by ISO 3166-1, or set aside there for users (`AA`, `QM` to `QZ`, `XA` to `XZ`, `ZZ`).
#[must_use]
pub fn is_listed_country(code: &str) -> bool {
    is_user_assigned(code) || COUNTRIES.split_ascii_whitespace().any(|listed| listed == code)
}

fn is_user_assigned(code: &str) -> bool {
    matches!(
        code.as_bytes(),
        b"AA" | b"ZZ" | [b'Q', b'M'..=b'Z'] | [b'X', b'A'..=b'Z']
    )
}

/// Whether `code` looks like a code of ISO 3166-2, for example `US-MD`: country, hyphen, one to three letters or digits.
#[must_use]
pub fn has_subdivision_form(code: &str) -> bool {
    code.split_once('-').is_some_and(|(country, part)| {
        has_country_form(country)
            && (1..=3).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

/// Whether `sign` looks like a distinguishing sign: at most three upper-case letters; it may be empty.
#[must_use]
pub fn has_sign_form(sign: &str) -> bool {
    sign.len() <= 3 && sign.bytes().all(|b| b.is_ascii_uppercase())
}

/// Whether `sign` is one of the distinguishing signs of ISO/IEC 18013-1:2018, Annex F.
#[must_use]
pub fn is_listed_sign(sign: &str) -> bool {
    SIGNS.split_ascii_whitespace().any(|listed| listed == sign)
}

/// The distinguishing sign of a country, if this toolkit knows it.
#[must_use]
pub fn sign_of(country: &str) -> Option<&'static str> {
    SIGN_OF_COUNTRY
        .split_ascii_whitespace()
        .filter_map(|pair| pair.split_once(':'))
        .find(|(code, _)| *code == country)
        .map(|(_, sign)| sign)
}

/// ISO 3166-1 alpha-2, as assigned.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// ISO/IEC 18013-1:2018, Annex F, as two independent implementations have it, and `UAE`.
const SIGNS: &str = "\
    A AFG AL AM AND AUS AZ B BD BDS BF BG BH BIH BOL BR BRN BRU BS BUR BVI BW BY CAM CDN CH CI CL CO CR CU CY CZ D \
    DK DOM DY DZ E EAK EAT EAU EAZ EC ER ES EST ET ETH F FIN FJI FL FO G GB GBA GBG GBJ GBM GBZ GCA GE GH GR GUY H \
    HKJ HR I IL IND IR IRL IRQ IS J JA K KG KWT KZ L LAO LAR LB LS LT LV M MA MAL MC MD MEX MGL MK MNE MOC MS MW N \
    NA NAM NAU NEP NIC NL NZ P PA PE PK PL PNG PY Q RA RC RCA RCB RCH RG RH RI RIM RL RM RMM RN RNR RO ROK ROU RP \
    RSM RU RUS RWA S SA SD SGP SK SLO SME SN SO SRB SUD SY SYR T TCH TD TG TJ TM TN TR TT TZA UA UAE USA UZ V VN \
    WAG WAL WAN WD WG WL WS WV YAR YV ZA ZRE ZW";

/// Country and sign; a country whose sign is in doubt is left out, the user data then state it.
const SIGN_OF_COUNTRY: &str = "\
    AD:AND AE:UAE AF:AFG AL:AL AM:AM AR:RA AT:A AU:AUS AZ:AZ BA:BIH BB:BDS BD:BD BE:B BF:BF BG:BG BH:BRN BI:RU BJ:DY \
    BN:BRU BO:BOL BR:BR BS:BS BW:BW BY:BY BZ:BH CA:CDN CF:RCA CG:RCB CH:CH CI:CI CL:RCH CM:CAM CO:CO CR:CR CU:CU \
    CY:CY CZ:CZ DE:D DK:DK DM:WD DO:DOM DZ:DZ EC:EC EE:EST EG:ET ER:ER ES:E ET:ETH FI:FIN FJ:FJI FO:FO FR:F GA:G \
    GB:GB GD:WG GE:GE GG:GBG GH:GH GI:GBZ GM:WAG GN:RG GR:GR GT:GCA GY:GUY HR:HR HT:RH HU:H ID:RI IE:IRL IL:IL \
    IM:GBM IN:IND IQ:IRQ IR:IR IS:IS IT:I JE:GBJ JM:JA JO:HKJ JP:J KE:EAK KG:KG KH:K KR:ROK KW:KWT KZ:KZ LA:LAO \
    LB:RL LC:WL LI:FL LK:CL LR:LB LS:LS LT:LT LU:L LV:LV LY:LAR MA:MA MC:MC MD:MD ME:MNE MG:RM MK:MK ML:RMM MN:MGL \
    MR:RIM MT:M MU:MS MW:MW MX:MEX MY:MAL MZ:MOC NA:NAM NE:RN NG:WAN NI:NIC NL:NL NO:N NP:NEP NR:NAU NZ:NZ PA:PA \
    PE:PE PG:PNG PH:RP PK:PK PL:PL PT:P PY:PY QA:Q RO:RO RS:SRB RU:RUS RW:RWA SA:SA SC:SY SD:SUD SE:S SG:SGP SI:SLO \
    SK:SK SL:WAL SM:RSM SN:SN SO:SO SR:SME SV:ES SY:SYR SZ:SD TG:TG TH:T TJ:TJ TM:TM TN:TN TR:TR TT:TT TZ:EAT UA:UA \
    UG:EAU US:USA UY:ROU UZ:UZ VA:V VC:WV VE:YV VG:BVI VN:VN WS:WS YE:YAR ZA:ZA ZM:RNR ZW:ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_listed_open_or_refused() {
        let table = CodeTable::built_in(COUNTRY).unwrap();
        for (code, standing) in [
            ("NL", Standing::Listed),
            ("QM", Standing::Listed),
            ("XK", Standing::Listed),
            ("ZZ", Standing::Listed),
            ("UT", Standing::Unlisted),
            ("QL", Standing::Unlisted),
            ("nl", Standing::Refused),
            ("NLD", Standing::Refused),
            ("", Standing::Refused),
        ] {
            assert_eq!(table.standing(code), standing, "{code}");
        }
        assert_eq!(table.codes.len(), 249);
    }

    #[test]
    fn every_sign_of_a_country_is_listed_and_every_country_exists() {
        for pair in SIGN_OF_COUNTRY.split_ascii_whitespace() {
            let (country, sign) = pair.split_once(':').unwrap();
            assert!(is_listed_country(country), "{country}");
            assert!(is_listed_sign(sign), "{sign}");
            assert_eq!(sign_of(country), Some(sign), "{country} stands twice");
        }
        assert_eq!(sign_of("DE"), Some("D"));
        assert_eq!(sign_of("UT"), None);
    }

    #[test]
    fn a_sign_may_be_empty_and_an_unlisted_one_is_a_warning() {
        let table = CodeTable::built_in(UN_DISTINGUISHING_SIGN).unwrap();
        assert_eq!(table.standing("NL"), Standing::Listed);
        assert_eq!(table.standing("NMK"), Standing::Unlisted);
        assert_eq!(table.standing(""), Standing::Unlisted);
        assert_eq!(table.standing("nl"), Standing::Refused);
    }

    #[test]
    fn subdivisions_have_a_country_and_a_part() {
        for good in ["US-MD", "NL-UT", "FR-75", "GB-ENG"] {
            assert!(has_subdivision_form(good), "{good}");
        }
        for bad in ["US", "US-", "us-md", "Utrecht", "US-MARYLAND"] {
            assert!(!has_subdivision_form(bad), "{bad}");
        }
    }
}
