//! The functions of a policy as the node calls them: by the component model's canonical
//! ABI, written down by hand.
//!
//! Generated bindings would allocate a vector for each list and free it, and have the
//! node call once more so that the answer can be freed. Here the lists lie in an
//! [`Arena`], and the answer where the one before was: an exact policy in steps of one
//! event is called a third more often in the same time.

use std::cell::{Cell, RefCell};

use crate::arena::Arena;
use crate::{Config, ConfigError, Introspect, Policy, Snapshot, Step, Stepped};

/// A string as it is passed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Text {
    bytes: *const u8,
    len: usize,
}

impl Text {
    fn lent(text: &str) -> Self {
        Self { bytes: text.as_ptr(), len: text.len() }
    }

    /// # Safety
    /// It was written by the node, as UTF-8, and is still there.
    #[expect(unsafe_code, reason = "the node passes a pointer")]
    unsafe fn read(self) -> String {
        // SAFETY: by this function's own contract.
        let bytes = unsafe { std::slice::from_raw_parts(self.bytes, self.len) };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// What `configure` answers, in the words of `result<_, config-error>`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Configured {
    is_error: u32,
    case: u32,
    texts: [Text; 2],
}

/// One policy, its arguments and its answer.
#[derive(Debug)]
pub struct Exported<P> {
    /// Filled by the node before it calls.
    arena: RefCell<Arena>,
    running: RefCell<Option<Running<P>>>,
    /// Start and length of one list or two.
    answer: Cell<[u32; 4]>,
}

#[derive(Debug)]
struct Running<P> {
    config: Config,
    policy: Stepped<P>,
    /// The node reads them before it calls again.
    victims: Vec<u32>,
    statistics: Vec<Statistic>,
    saved: Vec<u8>,
}

/// A number that a policy tells of itself, in the words of `statistic`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Statistic {
    name: Text,
    value: f64,
}

impl<P: Policy> Exported<P> {
    /// Before `configure`.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            arena: RefCell::new(Arena::new()),
            running: RefCell::new(None),
            answer: Cell::new([0; 4]),
        }
    }

    /// A place for an argument of `len` bytes; `old_len` bytes of it may have been
    /// written to `old` before the node knew how long it is.
    ///
    /// # Safety
    /// `old` was given by this function for as many bytes since the last call ended.
    #[expect(unsafe_code, reason = "the node asks by pointers")]
    pub unsafe fn place(&self, old: *const u8, old_len: usize, len: usize) -> *mut u8 {
        let place = self.arena.borrow_mut().place(len);
        if old_len > 0 {
            // SAFETY: both were given by `Arena::place`, which gives no byte twice.
            unsafe { old.copy_to_nonoverlapping(place, old_len.min(len)) };
        }
        place
    }

    /// `policy.configure`: makes the policy.
    ///
    /// # Safety
    /// `options` are that many pairs of name and value, written by the node.
    #[expect(unsafe_code, reason = "the node passes pointers")]
    pub unsafe fn configure(
        &self,
        mut config: Config,
        options: *const [Text; 2],
        options_len: usize,
    ) -> *const u32 {
        // SAFETY: by this function's own contract.
        let read = |[name, value]: &[Text; 2]| unsafe { (name.read(), value.read()) };
        // SAFETY: as above.
        let options = unsafe { std::slice::from_raw_parts(options, options_len) };
        config.pairs = options.iter().map(read).collect();
        self.arena.borrow_mut().clear();
        let configured = match Stepped::new(&config) {
            Ok(policy) => {
                *self.running.borrow_mut() = Some(Running {
                    config,
                    policy,
                    victims: Vec::new(),
                    statistics: Vec::new(),
                    saved: Vec::new(),
                });
                Configured { is_error: 0, case: 0, texts: [Text::lent(""); 2] }
            }
            Err(error) => refused(error),
        };
        // Once in an instance's life.
        std::ptr::from_ref(Box::leak(Box::new(configured))).cast()
    }

    /// `policy.step`.
    ///
    /// # Panics
    /// Before `configure`.
    pub fn step(&self, step: &Step<'_>) -> *const u32 {
        let mut running = self.running.borrow_mut();
        let Running { policy, victims, .. } = running.as_mut().expect(CONFIGURED);
        policy.step(step, victims);
        self.arena.borrow_mut().clear();
        self.answer(&[list(victims)])
    }

    /// `introspect.stats`.
    ///
    /// # Panics
    /// Before `configure`.
    pub fn statistics(&self) -> *const u32
    where
        P: Introspect,
    {
        let mut running = self.running.borrow_mut();
        let Running { policy, statistics, .. } = running.as_mut().expect(CONFIGURED);
        let told = policy.policy().statistics().into_iter();
        *statistics =
            told.map(|(name, value)| Statistic { name: Text::lent(name), value }).collect();
        self.answer(&[list(statistics)])
    }

    /// `snapshot.save`.
    ///
    /// # Panics
    /// Before `configure`.
    pub fn save(&self) -> *const u32
    where
        P: Snapshot,
    {
        let mut running = self.running.borrow_mut();
        let Running { policy, saved, .. } = running.as_mut().expect(CONFIGURED);
        *saved = policy.save();
        self.answer(&[list(P::FORMAT.as_bytes()), list(saved)])
    }

    /// The node has read what `save` answered.
    pub fn saved(&self) {
        if let Some(running) = self.running.borrow_mut().as_mut() {
            running.saved = Vec::new();
        }
    }

    /// `snapshot.restore`.
    ///
    /// # Panics
    /// Before `configure`.
    pub fn restore(&self, format: &[u8], bytes: &[u8]) -> bool
    where
        P: Snapshot,
    {
        let mut running = self.running.borrow_mut();
        let Running { config, policy, .. } = running.as_mut().expect(CONFIGURED);
        let is_known = format == P::FORMAT.as_bytes();
        let restored = is_known.then(|| Stepped::restore(config, bytes)).flatten();
        let is_restored = restored.is_some();
        if let Some(restored) = restored {
            *policy = restored;
        }
        // It has grown to the size of the state, which no step has.
        *self.arena.borrow_mut() = Arena::new();
        is_restored
    }

    fn answer(&self, lists: &[[u32; 2]]) -> *const u32 {
        let mut answer = [0; 4];
        answer[..lists.len() * 2].copy_from_slice(lists.as_flattened());
        self.answer.set(answer);
        self.answer.as_ptr().cast()
    }
}

const CONFIGURED: &str = "configure comes first";

/// Where a list is, and how long.
fn list<T>(items: &[T]) -> [u32; 2] {
    [items.as_ptr() as u32, items.len() as u32]
}

fn refused(error: ConfigError) -> Configured {
    let (case, texts) = match error {
        ConfigError::UnknownOption(name) => (0, [name, String::new()]),
        ConfigError::InvalidValue { name, problem } => (1, [name, problem]),
        ConfigError::MissingOption(name) => (2, [name, String::new()]),
    };
    let texts = texts.map(|text| Text::lent(text.leak()));
    Configured { is_error: 1, case, texts }
}

/// Stands where the macros of the generated worlds look for the generated
/// functions: what these macros do beside, putting the type of the component into it, is all that
/// is wanted.
pub mod exports {
    #[macro_export]
    #[doc(hidden)]
    macro_rules! no_generated_functions {
        ($($any:tt)*) => {};
    }

    #[allow(missing_docs, reason = "the paths and the names are those of the generated ones")]
    pub mod psycache {
        pub mod plugin {
            pub mod policy {
                pub use no_generated_functions as __export_psycache_plugin_policy_0_1_0_cabi;
            }
            pub mod introspect {
                pub use no_generated_functions as __export_psycache_plugin_introspect_0_1_0_cabi;
            }
            pub mod snapshot {
                pub use no_generated_functions as __export_psycache_plugin_snapshot_0_1_0_cabi;
            }
        }
    }
}
