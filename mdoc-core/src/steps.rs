//! What reports are made of: named steps, how each of them ended, and stable codes for why.
//!
//! Documents ([`crate::verify`]) and lists of authorities ([`crate::vical`]) have steps and codes of their own; what is
//! the same for both is here.

use core::fmt;
use std::borrow::Cow;

/// Something with a stable name for programs and a sentence for people.
pub trait Named {
    /// The name. Never changed, never used for something else.
    fn id(&self) -> &'static str;
    /// What it means, in a sentence.
    fn meaning(&self) -> &'static str;
}

/// A fault that a step found: as text, a sentence with the values that decided.
pub trait Found: fmt::Display {
    /// The reason code.
    fn code_id(&self) -> &'static str;
}

/// How a step ended; `R` is a reason, `W` says why something was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<R, W> {
    /// It holds.
    Passed,
    /// It does not hold, and what was checked is not to be trusted.
    Failed(R),
    /// It does not hold, and the policy lets that pass.
    Warning(R),
    /// It was not looked at. Never a pass.
    NotDone(W),
}

/// One line of a report. A step that found several things has several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<C, R, W> {
    /// The step.
    pub check: C,
    /// How it ended.
    pub outcome: Outcome<R, W>,
}

impl<C: Named, R: Found, W: Named> Step<C, R, W> {
    /// `passed`, `failed`, `warning` or `not_done`.
    #[must_use]
    pub const fn outcome_name(&self) -> &'static str {
        match self.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::Warning(_) => "warning",
            Outcome::NotDone(_) => "not_done",
        }
    }

    /// The reason code, or the code of why it was not done; empty for a pass.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.outcome {
            Outcome::Passed => "",
            Outcome::Failed(reason) | Outcome::Warning(reason) => reason.code_id(),
            Outcome::NotDone(why) => why.id(),
        }
    }

    /// What was found, in a sentence; for a pass what it means.
    #[must_use]
    pub fn message(&self) -> Cow<'static, str> {
        match &self.outcome {
            Outcome::Passed => Cow::Borrowed(self.check.meaning()),
            Outcome::Failed(reason) | Outcome::Warning(reason) => Cow::Owned(reason.to_string()),
            Outcome::NotDone(why) => Cow::Borrowed(why.meaning()),
        }
    }
}

/// The steps of a procedure: `Name = "id", "source", "meaning";`, in the order of a report.
macro_rules! checks {
    ($(#[$about:meta])* $($name:ident = $id:literal, $source:literal, $meaning:literal;)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Check {
            $(#[doc = $meaning] $name,)*
        }

        impl Check {
            /// All steps, in the order of a report.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its place among all steps, from 0.
            #[expect(
                clippy::as_conversions,
                reason = "the number of a variant is to be had in no other way, and there are few of them"
            )]
            #[must_use]
            pub const fn place(self) -> u32 {
                self as u32
            }

            /// The name of the step.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Where the step is asked for.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)* }
            }

            /// What the step makes sure of, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }

        impl $crate::steps::Named for Check {
            fn id(&self) -> &'static str {
                Self::id(*self)
            }

            fn meaning(&self) -> &'static str {
                Self::meaning(*self)
            }
        }
    };
}

/// Faults with their weights: `Name = "code", Weight, "meaning";`, in the order of the checks.
macro_rules! faults {
    ($(#[$about:meta])* $($name:ident = $id:literal, $weight:ident, $meaning:literal;)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// All codes, in the order of the checks.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code itself.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// How much it weighs.
            #[must_use]
            pub const fn weight(self) -> Weight {
                match self { $(Self::$name => Weight::$weight,)* }
            }

            /// What is wrong, in a sentence without a full stop.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

/// The faults that steps find: `Name = "code", Check, Weight, "meaning";`, in the order of the steps.
macro_rules! codes {
    ($(#[$about:meta])* $($name:ident = $id:literal, $check:ident, $weight:ident, $meaning:literal;)*) => {
        $crate::steps::faults! {
            $(#[$about])*
            $($name = $id, $weight, $meaning;)*
        }

        impl Code {
            /// The step that finds it.
            #[must_use]
            pub const fn check(self) -> Check {
                match self { $(Self::$name => Check::$check,)* }
            }
        }
    };
}

/// Why steps are not done: `Name = "code", "meaning";`.
macro_rules! whys {
    ($($name:ident = $id:literal, $meaning:literal;)*) => {
        /// Why a step was not done. Such a step is never a pass.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Why {
            $(#[doc = $meaning] $name,)*
        }

        impl Why {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code for programs.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The reason in a sentence without a full stop.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }

        impl $crate::steps::Named for Why {
            fn id(&self) -> &'static str {
                Self::id(*self)
            }

            fn meaning(&self) -> &'static str {
                Self::meaning(*self)
            }
        }
    };
}

pub(crate) use {checks, codes, faults, whys};
