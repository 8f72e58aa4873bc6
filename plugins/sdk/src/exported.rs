//! The functions of a policy as the node calls them: by the component model's canonical
//! ABI, written down by hand.
//!
//! Generated bindings would allocate a vector for each list and free it, and have the
//! node call once more so that the answer can be freed. Here the lists lie in an
//! [`Arena`], and the answer where the one before was: an exact policy in steps of one
//! event is called a third more often in the same time.

use std::cell::{Cell, RefCell};

use crate::arena::Arena;
use crate::{Config, ConfigError, Policy, Step, Stepped};

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
    state: RefCell<Option<State<P>>>,
    /// Start and length of the victims.
    answer: Cell<[u32; 2]>,
}

#[derive(Debug)]
struct State<P> {
    policy: Stepped<P>,
    /// The node reads them before it calls again.
    victims: Vec<u32>,
}

impl<P: Policy> Exported<P> {
    /// Before `configure`.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            arena: RefCell::new(Arena::new()),
            state: RefCell::new(None),
            answer: Cell::new([0; 2]),
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
                *self.state.borrow_mut() = Some(State { policy, victims: Vec::new() });
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
        let mut state = self.state.borrow_mut();
        let State { policy, victims } = state.as_mut().expect("configure comes first");
        policy.step(step, victims);
        self.arena.borrow_mut().clear();
        self.answer.set([victims.as_ptr() as u32, victims.len() as u32]);
        self.answer.as_ptr().cast()
    }
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

/// Stands where `export_policy_world` looks for the generated functions: what that
/// macro does beside, putting the type of the component into it, is all that is wanted.
pub mod exports {
    #[allow(missing_docs, reason = "the path and the name are those of the generated one")]
    pub mod psycache {
        pub mod plugin {
            pub mod policy {
                #[macro_export]
                #[doc(hidden)]
                macro_rules! no_generated_policy {
                    ($($any:tt)*) => {};
                }
                pub use no_generated_policy as __export_psycache_plugin_policy_0_1_0_cabi;
            }
        }
    }
}
