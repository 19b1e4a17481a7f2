//! Our table of wheel tags held against the one of `packaging`, the library that pip uses.

use nonevent_engine::project::lock::{Implementation, Libc, Machine, PythonTarget, ordered_tags};

use super::world::run_ok;

/// Prints the tags of an interpreter that is not the running one: version, suffix of the ABI, machine, C library.
const SCRIPT: &str = r#"
import sys, sysconfig
from packaging import tags, _manylinux, _musllinux
minor, suffix, machine, libc, major, least = sys.argv[1:]
version = (int(major), int(least))
sysconfig.get_platform = lambda: "linux-" + machine
_manylinux._have_compatible_abi = lambda *_: True
_manylinux._get_glibc_version = lambda: _manylinux._GLibCVersion(*(version if libc == "glibc" else (-1, -1)))
_musllinux._get_musl_version = lambda _: _musllinux._MuslVersion(*version) if libc == "musl" else None
platforms = list(tags._linux_platforms())
python, own = (3, int(minor)), "cp3" + minor
for tag in tags.cpython_tags(python, [own + suffix], platforms):
    print(tag)
for tag in tags.compatible_tags(python, own, platforms):
    print(tag)
"#;

fn check(minor: u16, implementation: Implementation, machine: Machine, libc: Libc) {
    let suffix = if implementation == Implementation::FreeThreaded { "t" } else { "" };
    let (name, major, least) = match libc {
        Libc::Glibc { major, minor } => ("glibc", major, minor),
        Libc::Musl { major, minor } => ("musl", major, minor),
    };
    let (minor_text, major, least) = (minor.to_string(), major.to_string(), least.to_string());
    let start = ["run", "--quiet", "--no-project", "--with", "packaging>=26.3", "python", "-c", SCRIPT];
    let arguments = [minor_text.as_str(), suffix, machine.as_str(), name, &major, &least];
    let folder = tempfile::tempdir().unwrap();
    let printed = run_ok(folder.path(), "uv", &start.into_iter().chain(arguments).collect::<Vec<_>>());
    let target = PythonTarget::new(implementation, &format!("3.{minor}.1"), machine, libc).unwrap();
    let ours: Vec<String> = ordered_tags(&target).iter().map(ToString::to_string).collect();
    assert_eq!(ours, printed.lines().collect::<Vec<_>>(), "{target:?}");
}

#[test]
fn tags_are_those_of_packaging_in_their_order() {
    let glibc = |minor| Libc::Glibc { major: 2, minor };
    check(13, Implementation::CPython, Machine::X86_64, glibc(41));
    check(9, Implementation::CPython, Machine::X86_64, glibc(17));
    check(11, Implementation::CPython, Machine::Aarch64, glibc(36));
    check(14, Implementation::CPython, Machine::Aarch64, Libc::Musl { major: 1, minor: 2 });
    check(12, Implementation::CPython, Machine::X86_64, Libc::Musl { major: 1, minor: 1 });
    check(14, Implementation::FreeThreaded, Machine::X86_64, glibc(41));
}
