//! What people are told of their documents, and over which channel (E9).

use core::fmt;

use super::profile::Scheme;

/// What somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// Where a document is collected.
    Address,
    /// The authentication code for that.
    Code,
    /// A document was made anew, and is fetched by the wallet that has it.
    Update,
}

/// How somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// By electronic mail.
    Mail,
    /// By a message to the mobile phone.
    Sms,
}

impl Notice {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Address, Self::Code, Self::Update];

    /// Its name, in the names of templates, the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Code => "code",
            Self::Update => "update",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.name() == name)
    }
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Mail, Self::Sms];

    /// Its name, in the names of templates, the interface and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Sms => "sms",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Scheme {
    /// Over which channel people are told what is no secret, if they are told.
    #[must_use]
    pub const fn tells(self) -> Option<Channel> {
        match self {
            Self::None => None,
            Self::Default | Self::AuthCodeViaEmail | Self::AuthCodeViaSms => Some(Channel::Mail),
        }
    }

    /// What is sent by which channel. Where a code goes by message, its address goes by mail alone: whoever has the phone has
    /// not both.
    #[must_use]
    pub const fn sends(self) -> &'static [(Notice, Channel)] {
        match self {
            Self::Default => &[
                (Notice::Address, Channel::Mail),
                (Notice::Code, Channel::Mail),
                (Notice::Code, Channel::Sms),
            ],
            Self::None => &[],
            Self::AuthCodeViaEmail => &[(Notice::Address, Channel::Sms), (Notice::Code, Channel::Mail)],
            Self::AuthCodeViaSms => &[(Notice::Address, Channel::Mail), (Notice::Code, Channel::Sms)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_and_its_address_are_never_together_on_a_phone() {
        for scheme in [
            Scheme::Default,
            Scheme::None,
            Scheme::AuthCodeViaEmail,
            Scheme::AuthCodeViaSms,
        ] {
            let sends = |notice, channel| scheme.sends().contains(&(notice, channel));
            assert!(
                !(sends(Notice::Code, Channel::Sms) && sends(Notice::Address, Channel::Sms)),
                "{scheme:?}"
            );
            let both = [Notice::Address, Notice::Code]
                .map(|notice| Channel::ALL.iter().any(|channel| sends(notice, *channel)));
            assert_eq!(both, [scheme != Scheme::None; 2], "{scheme:?}");
        }
    }
}
