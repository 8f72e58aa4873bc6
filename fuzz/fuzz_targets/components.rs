//! See `psycache_fuzz::components`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| psycache_fuzz::components::run(input));
