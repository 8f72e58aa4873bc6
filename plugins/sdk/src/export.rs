//! The macros that make a component of a type.

/// Exports a [`Policy`](crate::Policy) as the component's `policy` interface.
///
/// Expands to nothing on native targets. A component is one policy of one group, so
/// its state is one thread-local [`Stepped`](crate::Stepped).
#[macro_export]
macro_rules! export_policy {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        #[expect(unsafe_code, reason = "the generated exports take raw pointers from the node")]
        const _: () = {
            use world::exports::psycache::plugin::policy as contract;
            use $crate::bindings::policy as world;

            std::thread_local! {
                static POLICY: std::cell::RefCell<Option<$crate::Stepped<$policy>>> =
                    const { std::cell::RefCell::new(None) };
            }

            struct Component;

            impl contract::Guest for Component {
                fn configure(config: contract::Config) -> Result<(), contract::ConfigError> {
                    let policy = $crate::Stepped::new(&config.into())?;
                    POLICY.set(Some(policy));
                    Ok(())
                }

                fn step(
                    touched: Vec<u32>,
                    removed: Vec<u32>,
                    admitted: Vec<u32>,
                    hashes: Vec<u64>,
                    attributes: Vec<u32>,
                    need: u64,
                    now: u64,
                ) -> Vec<u32> {
                    // The list is handed over to the node, so it can't be kept for the
                    // next step; an empty one, which most are, takes no memory.
                    let mut victims = Vec::new();
                    let step = $crate::Step {
                        touched: &touched,
                        removed: &removed,
                        admitted: &admitted,
                        hashes: &hashes,
                        attributes: &attributes,
                        need,
                        now,
                    };
                    POLICY.with_borrow_mut(|policy| {
                        policy.as_mut().expect("configure comes first").step(&step, &mut victims);
                    });
                    victims
                }
            }

    world::export_policy_world!(Component with_types_in world);
        };
    };
}

/// Exports a [`Retriever`](crate::Retriever) as the component's `retriever` interface.
///
/// Expands to nothing on native targets.
#[macro_export]
macro_rules! export_retriever {
    ($retriever:ty) => {
        #[cfg(target_family = "wasm")]
        #[expect(unsafe_code, reason = "the generated exports take raw pointers from the node")]
        const _: () = {
            use world::exports::psycache::plugin::retriever as contract;
            use $crate::Retriever as _;
            use $crate::bindings::retriever as world;

            std::thread_local! {
                static RETRIEVER: std::cell::RefCell<Option<$retriever>> =
                    const { std::cell::RefCell::new(None) };
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
                    RETRIEVER.with_borrow_mut(|retriever| {
                        let retriever = retriever.as_mut().expect("configure comes first");
                        let fetched = retriever.fetch(&key, timeout_ms)?;
                        Ok(fetched.map(Into::into))
                    })
                }
            }

    world::export_retriever_world!(Component with_types_in world);
        };
    };
}
