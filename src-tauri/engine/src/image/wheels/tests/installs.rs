//! One wheel, installed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::synthetic::Draft;
use crate::image::layer::Mode;
use crate::image::wheels::archive::WheelArchive;
use crate::image::wheels::install::{FileBytes, Installed, Scheme, install};
use crate::image::wheels::{WheelError, record};

fn scheme() -> Scheme {
    Scheme { prefix: "opt/venv".into(), interpreter: "/opt/venv/bin/python".into(), python: "3.13".into() }
}

/// Installs a draft; returns its files with their bytes.
fn installed(draft: Draft, as_it_is: bool) -> Result<BTreeMap<String, (Mode, Vec<u8>)>, WheelError> {
    let folder = tempfile::tempdir().unwrap();
    let wheel = if as_it_is { draft.write_as_it_is(folder.path()) } else { draft.write(folder.path()) };
    let mut archive = WheelArchive::open(&folder.path().join(&wheel.filename), &wheel.filename)?;
    let Installed { files } = install(&mut archive, &wheel.name, &scheme())?;
    files
        .into_iter()
        .map(|file| {
            let bytes = match file.bytes {
                FileBytes::Made(bytes) => bytes,
                FileBytes::Member(index) => archive.read(index)?,
            };
            assert_eq!(bytes.len() as u64, file.size, "{}", file.path);
            Ok((file.path, (file.mode, bytes)))
        })
        .collect()
}

#[track_caller]
fn refused(draft: Draft) -> String {
    let error = installed(draft, true).expect_err("it installs");
    error.to_string()
}

#[test]
fn everything_goes_where_the_specification_says() {
    let draft = Draft::new("my-pkg")
        .file("my_pkg/__init__.py", b"")
        .file_with_mode("my_pkg/tool.sh", b"#!/bin/sh\n", 0o755)
        .file("my_pkg-1.0.data/purelib/pure.py", b"pure")
        .file("my_pkg-1.0.data/platlib/plat.so", b"plat")
        .file("my_pkg-1.0.data/scripts/run", b"#!python -E\nprint()\n")
        .file("my_pkg-1.0.data/scripts/native", b"\x7fELF not really")
        .file("my_pkg-1.0.data/scripts/both", b"#!python\nloses against the entry point\n")
        .file("my_pkg-1.0.data/headers/my.h", b"h")
        .file("my_pkg-1.0.data/data/share/my/x.txt", b"x")
        .file("my_pkg-1.0.dist-info/entry_points.txt", b"[console_scripts]\nboth = my_pkg:main\n")
        .file("my_pkg-1.0.dist-info/INSTALLER", b"somebody else");
    let files = installed(draft, false).unwrap();
    let listed: Vec<_> = files.iter().map(|(path, (mode, _))| format!("{:o} {path}", mode.bits())).collect();
    insta::assert_snapshot!(listed.join("\n"), @"
755 opt/venv/bin/both
755 opt/venv/bin/native
755 opt/venv/bin/run
644 opt/venv/include/site/python3.13/my-pkg/my.h
644 opt/venv/lib/python3.13/site-packages/my_pkg-1.0.dist-info/INSTALLER
644 opt/venv/lib/python3.13/site-packages/my_pkg-1.0.dist-info/METADATA
644 opt/venv/lib/python3.13/site-packages/my_pkg-1.0.dist-info/RECORD
644 opt/venv/lib/python3.13/site-packages/my_pkg-1.0.dist-info/WHEEL
644 opt/venv/lib/python3.13/site-packages/my_pkg-1.0.dist-info/entry_points.txt
644 opt/venv/lib/python3.13/site-packages/my_pkg/__init__.py
755 opt/venv/lib/python3.13/site-packages/my_pkg/tool.sh
644 opt/venv/lib/python3.13/site-packages/plat.so
644 opt/venv/lib/python3.13/site-packages/pure.py
644 opt/venv/share/my/x.txt
");
    let site = "opt/venv/lib/python3.13/site-packages";
    let bytes = |path: &str| String::from_utf8_lossy(&files[path].1).into_owned();
    assert_eq!(bytes("opt/venv/bin/run"), "#!/opt/venv/bin/python -E\nprint()\n");
    assert!(bytes("opt/venv/bin/both").contains("from my_pkg import main"));
    assert_eq!(bytes(&format!("{site}/my_pkg-1.0.dist-info/INSTALLER")), "nonevent\n");
    // RECORD tells the truth about every file.
    let own = "my_pkg-1.0.dist-info/RECORD";
    let record = record::parse(&files[&format!("{site}/{own}")].1).unwrap();
    let expected: BTreeMap<_, _> = files
        .iter()
        .map(|(path, (_, bytes))| (scheme().recorded(path), record::hash(bytes)))
        .filter(|(path, _)| path != own)
        .collect();
    assert_eq!(record, expected);
    assert!(record.contains_key("../../../bin/run"));
}

#[test]
fn a_hash_that_the_wheel_does_not_state_is_made() {
    let draft = Draft::new("pkg").file("pkg.py", b"x = 1\n").file("pkg-1.0.dist-info/RECORD", b"pkg-1.0.dist-info/RECORD,,\n");
    let files = installed(draft, true).unwrap();
    let text = String::from_utf8_lossy(&files["opt/venv/lib/python3.13/site-packages/pkg-1.0.dist-info/RECORD"].1).into_owned();
    assert!(text.contains(&format!("pkg.py,{},6\n", record::hash(b"x = 1\n"))), "{text}");
}

#[test]
fn what_is_no_wheel_says_why() {
    let record = |draft: Draft, name: &str| draft.file(&format!("{name}-1.0.dist-info/RECORD"), b"");
    let cases = [
        refused(Draft::bare("pkg")),
        refused(Draft::new("pkg")),
        refused(record(Draft::new("pkg").file("other-1.0.dist-info/METADATA", b""), "pkg")),
        refused(record(Draft::bare("pkg").file("other-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\n"), "other")),
        refused(record(Draft::bare("pkg").file("pkg-1.0.dist-info/WHEEL", b"Wheel-Version: 2.0\n"), "pkg")),
        refused(record(Draft::new("pkg").file("../evil.py", b""), "pkg")),
        refused(record(Draft::new("pkg").file("pkg-1.0.data/nowhere/x", b""), "pkg")),
        refused(record(
            Draft::new("pkg").file("pkg-1.0.dist-info/entry_points.txt", b"[console_scripts]\nx = os;system\n"),
            "pkg",
        )),
        refused(record(Draft::new("pkg").file("a.py", b"").file("pkg-1.0.data/purelib/a.py", b""), "pkg")),
    ];
    insta::assert_snapshot!(cases.join("\n"), @"
`pkg-1.0-py3-none-any.whl` is no wheel that can be installed: it has 0 `.dist-info` folders, not one
`pkg-1.0-py3-none-any.whl` is no wheel that can be installed: it has no RECORD
`pkg-1.0-py3-none-any.whl` is no wheel that can be installed: it has 2 `.dist-info` folders, not one
`pkg-1.0-py3-none-any.whl` is no wheel that can be installed: it is not `pkg`: it has `other-1.0.dist-info`
`pkg-1.0-py3-none-any.whl` is no wheel that can be installed: its format is `2.0`, this program knows 1
`pkg-1.0-py3-none-any.whl` is no wheel that can be installed: `../evil.py` is no path inside of it
`pkg-1.0-py3-none-any.whl` is no wheel that can be installed: `pkg-1.0.data/nowhere/x` belongs nowhere
`pkg-1.0-py3-none-any.whl` is no wheel that can be installed: `x = os;system` is no entry point: write it as `module:function`
`pkg-1.0-py3-none-any.whl` is no wheel that can be installed: it installs `opt/venv/lib/python3.13/site-packages/a.py` twice
");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.whl");
    std::fs::write(&path, "no archive").unwrap();
    let error = WheelArchive::open(&path, "broken.whl").map(|_| ()).unwrap_err();
    assert!(error.to_string().starts_with("`broken.whl` is no wheel that can be installed: "), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever names a wheel uses: each of its files is installed once, inside the prefix, and RECORD says so.
    #[test]
    fn every_file_is_installed_and_recorded(
        names in proptest::collection::btree_set("[a-zA-Zäß0-9 ,\"'._+-]{1,12}", 1..12),
        folder in "[a-z]{1,8}",
    ) {
        let draft = names.iter().filter(|name| *name != "." && *name != "..").fold(Draft::new("pkg"), |draft, name| {
            draft.file(&format!("{folder}/{name}"), name.as_bytes())
        });
        let files = installed(draft, false).unwrap();
        let record = record::parse(&files["opt/venv/lib/python3.13/site-packages/pkg-1.0.dist-info/RECORD"].1).unwrap();
        for name in names.iter().filter(|name| *name != "." && *name != "..") {
            let path = format!("{folder}/{name}");
            let installed = format!("opt/venv/lib/python3.13/site-packages/{path}");
            prop_assert_eq!(&files[&installed].1, name.as_bytes());
            prop_assert_eq!(&record[&path], &record::hash(name.as_bytes()));
        }
        prop_assert!(files.keys().all(|path| path.starts_with("opt/venv/")));
    }
}
