//! See `psycache_fuzz::answers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| psycache_fuzz::answers::run(input));
