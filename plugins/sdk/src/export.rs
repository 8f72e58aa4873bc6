//! The macros that make a component of a type.

/// Exports a [`Policy`](crate::Policy) as the component's `policy` interface.
///
/// Expands to nothing on native targets. A component is one policy of one group. It
/// can't have exports of other bindings beside: those would free arguments that lie in
/// this one's arena. What the policy can do beside is named behind it: `introspect` if it is
/// [`Introspect`](crate::Introspect), `snapshot` if it is [`Snapshot`](crate::Snapshot).
///
/// ```ignore
/// export_policy!(Mine);
/// export_policy!(Mine, introspect, snapshot);
/// ```
#[macro_export]
macro_rules! export_policy {
    ($policy:ty $(, $ability:ident)* $(,)?) => {
        #[cfg(target_family = "wasm")]
        #[expect(unsafe_code, reason = "the exports take raw pointers from the node")]
        const _: () = {
            use $crate::exported::Exported;

            std::thread_local! {
                static POLICY: Exported<$policy> = const { Exported::new() };
            }

            // Where the arguments of every call go.
            #[unsafe(export_name = "cabi_export_realloc")]
            extern "C" fn place(old: *const u8, old_len: usize, _: usize, len: usize) -> *mut u8 {
                // SAFETY: the node tells the place that it was given before.
                POLICY.with(|policy| unsafe { policy.place(old, old_len, len) })
            }

            #[unsafe(export_name = "psycache:plugin/policy@0.1.0#configure")]
            extern "C" fn configure(
                capacity: u64,
                max_entries: u32,
                max_victims: u32,
                seed: u64,
                options: *const [$crate::exported::Text; 2],
                options_len: usize,
            ) -> *const u32 {
                let config = $crate::Config {
                    capacity,
                    max_entries,
                    max_victims,
                    seed,
                    pairs: Vec::new(),
                };
                // SAFETY: the node has written the options to where `place` said.
                POLICY.with(|policy| unsafe { policy.configure(config, options, options_len) })
            }

            #[unsafe(export_name = "psycache:plugin/policy@0.1.0#step")]
            extern "C" fn step(
                touched: *const u32,
                touched_len: usize,
                removed: *const u32,
                removed_len: usize,
                admitted: *const u32,
                admitted_len: usize,
                hashes: *const u64,
                hashes_len: usize,
                attributes: *const u32,
                attributes_len: usize,
                need: u64,
                now: u64,
            ) -> *const u32 {
                use std::slice::from_raw_parts as list;
                // SAFETY: the node has written the lists to where `place` said, which
                // stay there until the step is done.
                let step = unsafe {
                    $crate::Step {
                        touched: list(touched, touched_len),
                        removed: list(removed, removed_len),
                        admitted: list(admitted, admitted_len),
                        hashes: list(hashes, hashes_len),
                        attributes: list(attributes, attributes_len),
                        need,
                        now,
                    }
                };
                POLICY.with(|policy| policy.step(&step))
            }

            $($crate::export_ability!($ability);)*

            $crate::bindings::policy::export_policy_world!(Component with_types_in $crate::exported);
        };
    };
}

/// What `export_policy!` adds for an ability, where its `POLICY` is known.
#[macro_export]
#[doc(hidden)]
macro_rules! export_ability {
    (introspect) => {
        #[unsafe(export_name = "psycache:plugin/introspect@0.1.0#stats")]
        extern "C" fn statistics() -> *const u32 {
            POLICY.with(|policy| policy.statistics())
        }

        $crate::bindings::introspect::export_introspect_world!(Component with_types_in $crate::exported);
    };
    (snapshot) => {
        #[unsafe(export_name = "psycache:plugin/snapshot@0.1.0#save")]
        extern "C" fn save() -> *const u32 {
            POLICY.with(|policy| policy.save())
        }

        #[unsafe(export_name = "cabi_post_psycache:plugin/snapshot@0.1.0#save")]
        extern "C" fn saved(_: *const u32) {
            POLICY.with(|policy| policy.saved());
        }

        #[unsafe(export_name = "psycache:plugin/snapshot@0.1.0#restore")]
        extern "C" fn restore(
            format: *const u8,
            format_len: usize,
            bytes: *const u8,
            bytes_len: usize,
        ) -> u32 {
            use std::slice::from_raw_parts as list;
            // SAFETY: the node has written both to where `place` said.
            let (format, bytes) = unsafe { (list(format, format_len), list(bytes, bytes_len)) };
            POLICY.with(|policy| u32::from(policy.restore(format, bytes)))
        }

        $crate::bindings::snapshot::export_snapshot_world!(Component with_types_in $crate::exported);
    };
}

/// Exports a [`Retriever`](crate::Retriever) as the component's interfaces `retriever` and
/// `retriever-batch`.
///
/// Expands to nothing on native targets.
#[macro_export]
macro_rules! export_retriever {
    ($retriever:ty) => {
        #[cfg(target_family = "wasm")]
        #[expect(unsafe_code, reason = "the generated exports take raw pointers from the node")]
        const _: () = {
            use world::exports::psycache::plugin::retriever as contract;
            use world::exports::psycache::plugin::retriever_batch as batch;
            use $crate::Retriever as _;
            use $crate::bindings::retriever as world;

            std::thread_local! {
                static RETRIEVER: std::cell::RefCell<Option<$retriever>> =
                    const { std::cell::RefCell::new(None) };
            }

            fn with<T>(call: impl FnOnce(&mut $retriever) -> T) -> T {
                RETRIEVER.with_borrow_mut(|retriever| {
                    call(retriever.as_mut().expect("configure comes first"))
                })
            }

            struct Component;

            impl contract::Guest for Component {
                fn configure(config: contract::Config) -> Result<(), contract::ConfigError> {
                    let retriever = <$retriever>::configure(&config.into())?;
                    RETRIEVER.set(Some(retriever));
                    Ok(())
                }

                fn fetch(
                    key: String,
                    timeout_ms: u32,
                ) -> Result<Option<contract::Fetched>, contract::FetchError> {
                    let fetch = |retriever: &mut $retriever| {
                        Ok(retriever.fetch(&key, timeout_ms)?.map(Into::into))
                    };
                    $crate::call::within(timeout_ms, || with(fetch))
                }
            }

            impl batch::Guest for Component {
                fn fetch_many(
                    keys: Vec<String>,
                    timeout_ms: u32,
                ) -> Result<Vec<Option<contract::Fetched>>, contract::FetchError> {
                    let fetch = |retriever: &mut $retriever| {
                        let all = retriever.fetch_many(&keys, timeout_ms)?;
                        Ok(all.into_iter().map(|fetched| fetched.map(Into::into)).collect())
                    };
                    $crate::call::within(timeout_ms, || with(fetch))
                }
            }

    world::export_retriever_world!(Component with_types_in world);
        };
    };
}
