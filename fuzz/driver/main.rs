//! One target under libFuzzer: the one that `FUZZ_TARGET` names when this is built. See `fuzz/run`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mdoc_fuzz::Target;

const TARGET: Target = match mdoc_fuzz::find(env!("FUZZ_TARGET")) {
    Some(target) => target,
    None => panic!("there is no such target"),
};

fuzz_target!(|input: &[u8]| (TARGET.run)(input));
