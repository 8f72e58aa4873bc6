//! The keys of resident entries, for rules that depend on them.

/// The key of the entry at `slot`; `None` if there is none (any more). It may be called from all
/// functions of a policy but `configure`, for entries of this step too. Each call crosses to the
/// node and copies the key, so ask once, in `insert`. A policy that calls it imports `entries`.
///
/// On a native target [`with_keys`] gives the keys.
#[must_use]
pub fn key(slot: u32) -> Option<String> {
    imported::key(slot)
}

#[cfg(not(target_family = "wasm"))]
pub use imported::with_keys;

#[cfg(not(target_family = "wasm"))]
mod imported {
    use std::cell::RefCell;
    use std::rc::Rc;

    type Keys = Rc<dyn Fn(u32) -> Option<String>>;

    std::thread_local! {
        static KEYS: RefCell<Option<Keys>> = const { RefCell::new(None) };
    }

    pub(super) fn key(slot: u32) -> Option<String> {
        let keys = KEYS.with_borrow(Clone::clone)?;
        keys(slot)
    }

    /// Runs `work` in this thread with `keys` in place of the node, for tests of a policy.
    pub fn with_keys<T>(
        keys: impl Fn(u32) -> Option<String> + 'static,
        work: impl FnOnce() -> T,
    ) -> T {
        let before = KEYS.replace(Some(Rc::new(keys)));
        let done = work();
        KEYS.set(before);
        done
    }
}

/// By the canonical ABI, as in `exported.rs`.
#[cfg(target_family = "wasm")]
#[expect(unsafe_code, reason = "the import is called with a raw pointer")]
mod imported {
    #[link(wasm_import_module = "psycache:plugin/entries@0.1.0")]
    unsafe extern "C" {
        #[link_name = "key"]
        fn entries_key(slot: u32, answer: *mut Answer);
    }

    /// An `option<string>`.
    #[repr(C)]
    struct Answer {
        is_some: u8,
        bytes: *mut u8,
        len: usize,
    }

    pub(super) fn key(slot: u32) -> Option<String> {
        let mut answer = Answer { is_some: 0, bytes: std::ptr::null_mut(), len: 0 };
        // SAFETY: the node writes an answer, whose bytes lie where `place` said.
        let bytes = unsafe {
            entries_key(slot, &raw mut answer);
            if answer.is_some == 0 {
                return None;
            }
            if answer.len == 0 {
                return Some(String::new());
            }
            Vec::from_raw_parts(answer.bytes, answer.len, answer.len)
        };
        String::from_utf8(bytes).ok()
    }

    /// Where the bytes of a key go.
    #[unsafe(export_name = "cabi_import_realloc")]
    unsafe extern "C" fn place(old: *mut u8, old_len: usize, align: usize, len: usize) -> *mut u8 {
        use std::alloc::{Layout, alloc, realloc};
        if len == 0 {
            return std::ptr::without_provenance_mut(align);
        }
        let layout = |len| Layout::from_size_align(len, align).expect("the node asks for a string");
        // SAFETY: `old` was given by this function for as many bytes, and `len` is not 0.
        let place = unsafe {
            match old_len {
                0 => alloc(layout(len)),
                _ => realloc(old, layout(old_len), len),
            }
        };
        assert!(!place.is_null(), "no memory for a key");
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_gives_the_keys() {
        assert_eq!(key(1), None);
        let of = |slot| (slot < 2).then(|| format!("key{slot}"));
        with_keys(of, || assert_eq!((key(1), key(2)), (Some("key1".into()), None)));
        assert_eq!(key(1), None);
    }
}
