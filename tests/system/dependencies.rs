//! What a producer in Rust has to compile: the core's three dependencies, and theirs.
use std::collections::BTreeSet;
use std::process::Command;

/// The names of the packages in `cargo tree` of the core, without the core itself.
fn tree(options: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--locked", "--offline", "--package", "alarmd-core", "--edges", "normal,build"]);
    cargo.args(["--prefix", "none", "--format", "{p}"]).args(options).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.output().expect("cargo");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "alarmd-core").map(str::to_owned).collect()
}

#[test]
fn a_rust_producer_compiles_the_cores_three_dependencies_and_theirs() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(tree(&["--depth", "1"]), names(&["heapless", "libc", "log"]));
    let of_heapless = ["byteorder", "hash32", "stable_deref_trait"];
    assert_eq!(tree(&[]), names(&[&["heapless", "libc", "log"][..], &of_heapless].concat()));
}
