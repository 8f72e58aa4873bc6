//! One request of a trace, as the caches of a simulation get it.

/// What a request does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads the key, and stores it on a miss.
    #[default]
    Get,
    /// Stores the key, whether it is there or not.
    Set,
    /// Takes the key out.
    Remove,
    /// Reads the key. What a miss stores is a request of its own.
    Miss,
    /// Stores the key after a miss, unless it is there.
    Load,
    /// Takes all keys out. The request's key means nothing.
    Clear,
}

impl Kind {
    /// Whether it reads.
    pub(super) fn is_get(self) -> bool {
        matches!(self, Self::Get | Self::Miss)
    }

    /// Whether it tells the size of a value.
    pub(super) fn has_value(self) -> bool {
        matches!(self, Self::Get | Self::Set | Self::Load)
    }
}

/// One request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// Number of the key, in the order in which keys came.
    pub(super) key: u32,
    /// Bytes of the value; 1 where the trace does not tell. Of a [`Kind::Miss`] those of the
    /// key's last value.
    pub(super) size: u32,
    /// Milliseconds since the trace's own zero; 0 where it does not tell. Never less than in
    /// the request before.
    pub(super) at_ms: u64,
    /// Milliseconds that the value lives; 0 for no limit.
    pub(super) ttl_ms: u32,
    /// Microseconds that loading the value takes; 0 where the trace does not tell.
    pub(super) load_us: u32,
    pub(super) kind: Kind,
    /// It comes after the warm-up.
    pub(super) is_counted: bool,
}
