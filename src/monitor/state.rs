//! How a segment is found, and how it is.

/// How a module's segment is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// By the module's own key.
    Fixed,
    /// By the key old producers compute from a path.
    Ftok,
    /// The path led here before; somebody is still attached.
    Former,
}

impl Role {
    /// All three, as the status block numbers them.
    pub const ALL: [Role; 3] = [Role::Fixed, Role::Ftok, Role::Former];

    /// For messages and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Fixed => "fixed",
            Role::Ftok => "ftok",
            Role::Former => "former",
        }
    }
}

/// How a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Read, and somebody else is attached.
    Ok,
    /// Nothing else is attached: its producer has left or died.
    NoProducer,
    /// Its producer promised to beat and does not.
    Silent,
    /// A writer is inside and does not leave: slots 1 to 32 are shown as they were.
    Busy,
    /// Not ours to read: see `errno`.
    Refused,
    /// The ftok path gives no key.
    NoKey,
}

impl State {
    /// All of them, as the status block numbers them.
    pub const ALL: [State; 6] =
        [State::Ok, State::NoProducer, State::Silent, State::Busy, State::Refused, State::NoKey];

    /// For messages and tables.
    pub const fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::NoProducer => "no producer",
            State::Silent => "silent",
            State::Busy => "busy",
            State::Refused => "refused",
            State::NoKey => "no key",
        }
    }
}
