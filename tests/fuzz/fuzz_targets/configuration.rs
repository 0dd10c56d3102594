#![no_main]
include!("../target_root.rs");
libfuzzer_sys::fuzz_target!(|data: &[u8]| alone(data, targets::configuration));
