//! Where an alarm comes from.
use core::fmt;

/// Where an alarm comes from: 0 to 32 a slot, from 33 on a condition that no producer wrote.
macro_rules! origins {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $word:literal,)*) => {
        /// Where an alarm comes from: 0 to 32 a slot, from 33 on a condition that no producer wrote.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Origin {
            /// A slot of its module's segment, 0 to 32.
            Slot(u8),
            $($(#[$doc])* $variant,)*
        }

        impl Origin {
            /// All that are no slots.
            pub const OTHERS: [Origin; [$($number),*].len()] = [$(Origin::$variant,)*];

            /// The number.
            pub const fn number(self) -> u32 {
                match self {
                    Origin::Slot(slot) => slot as u32,
                    $(Origin::$variant => $number,)*
                }
            }

            /// The one with this number.
            pub const fn from_number(number: u32) -> Option<Origin> {
                match number {
                    0..=32 => Some(Origin::Slot(number as u8)),
                    $($number => Some(Origin::$variant),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for Origin {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Origin::Slot(slot) => write!(f, "slot {slot}"),
                    $(Origin::$variant => f.write_str($word),)*
                }
            }
        }
    };
}

origins! {
    /// The module's producer stopped beating.
    Silent = 33 "silent",
    /// The module's segment was removed.
    Lost = 34 "lost",
    /// The daemon's own: a segment is refused.
    Refused = 35 "segment refused",
    /// The daemon's own: an output cannot be driven.
    Failed = 36 "output failed",
    /// The module's producer was attached and is not any more.
    NoProducer = 37 "no producer",
    /// The daemon's own: the configuration was refused when it was read again.
    Configuration = 38 "configuration refused",
    /// The daemon's own: its worker died or hung and was replaced.
    Restarted = 39 "worker restarted",
    /// The daemon's own: the wall clock was set back.
    Clock = 40 "clock went back",
    /// The daemon's own: no memory or no System V segment is available.
    Limit = 41 "limit reached",
}
