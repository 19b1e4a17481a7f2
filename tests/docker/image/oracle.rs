//! What uv and pip install, to be compared with what the wheel builder puts into its layers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nonevent_engine::image::wheels::Wheel;

/// Files by their path in a `--target` folder: bytes, and whether they may be executed.
pub type Tree = BTreeMap<String, (Vec<u8>, bool)>;

/// Files that tell who installed, and how: each installer writes its own.
const OWN: [&str; 6] = ["INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json", "uv_build.json"];

/// Reads the virtual environment out of the layers in a builder's cache, laid out as `--target` does.
pub fn from_layers(cache: &Path) -> Tree {
    let mut tree = Tree::new();
    for blob in std::fs::read_dir(cache.join("blobs")).unwrap() {
        let file = std::fs::File::open(blob.unwrap().path()).unwrap();
        let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(file));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let Some(path) = path.strip_prefix("opt/venv/").filter(|_| entry.header().entry_type().is_file()) else { continue };
            let path = path.strip_prefix("lib/python3.13/site-packages/").unwrap_or(path).to_owned();
            let executable = entry.header().mode().unwrap() & 0o100 != 0;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let known = tree.insert(path.clone(), (bytes, executable));
            assert!(known.is_none(), "{path} is in two layers");
        }
    }
    tree.remove("pyvenv.cfg").expect("the environment has its configuration");
    tree
}

/// Lets uv install the wheels.
pub fn by_uv(wheels: &[Wheel], cache: &Path) -> Tree {
    let (folder, files) = copies(wheels, cache);
    let target = folder.path().join("target");
    let platform = format!("{}-manylinux_2_28", std::env::consts::ARCH);
    run(Command::new("uv")
        .args(["pip", "install", "--quiet", "--no-config", "--no-deps", "--no-index", "--link-mode", "copy"])
        .args(["--python-version", "3.13", "--python-platform", &platform, "--target"])
        .arg(&target)
        .args(files));
    read(&target)
}

/// Lets pip install the wheels.
pub fn by_pip(wheels: &[Wheel], cache: &Path) -> Tree {
    let (folder, files) = copies(wheels, cache);
    let target = folder.path().join("target");
    let mut pip = Command::new("uv");
    pip.args(["tool", "run", "--quiet", "pip", "--isolated", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]);
    pip.args(["--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.13"]);
    for version in ["_2_28", "_2_27", "_2_26", "_2_24", "_2_17", "2014", "_2_12", "2010", "_2_5", "1"] {
        pip.args(["--platform", &format!("manylinux{version}_{}", std::env::consts::ARCH)]);
    }
    run(pip.arg("--target").arg(&target).args(files));
    read(&target)
}

/// A tree in which nothing may be executed: pip looks at the x bit only where an archive says that an entry is a regular file, uv always.
pub fn without_x(tree: &Tree) -> Tree {
    tree.iter().map(|(path, (bytes, _))| (path.clone(), (bytes.clone(), false))).collect()
}

/// Asserts that two trees are the same but for what each installer writes in its own words.
#[track_caller]
pub fn assert_same(ours: &Tree, theirs: &Tree, who: &str) {
    let names = |tree: &Tree| tree.keys().filter(|path| !is_own(path)).cloned().collect::<BTreeSet<_>>();
    let (we, they) = (names(ours), names(theirs));
    assert_no_difference(&we, &they, &format!("files, ours and {who}'s"));
    for path in &we {
        let (our_bytes, our_x) = &ours[path];
        let (their_bytes, their_x) = &theirs[path];
        assert_eq!(our_x, their_x, "{who} sees {path} otherwise");
        match path.starts_with("bin/") {
            true => assert_eq!(meaning(our_bytes), meaning(their_bytes), "{path} differs from {who}'s"),
            false => assert!(our_bytes == their_bytes, "{path} differs from {who}'s"),
        }
    }
    let (we, they) = (records(ours), records(theirs));
    assert_no_difference(&we, &they, &format!("rows of RECORD, ours and {who}'s"));
}

#[track_caller]
fn assert_no_difference(ours: &BTreeSet<String>, theirs: &BTreeSet<String>, what: &str) {
    let only_ours: Vec<_> = ours.difference(theirs).take(20).collect();
    let only_theirs: Vec<_> = theirs.difference(ours).take(20).collect();
    assert!(only_ours.is_empty() && only_theirs.is_empty(), "{what}: {only_ours:#?} {only_theirs:#?}");
}

/// A script without what depends on the installer: the interpreter, and the words around the call.
fn meaning(bytes: &[u8]) -> Vec<String> {
    if !bytes.starts_with(b"#!") {
        return vec![format!("{:?}", bytes)];
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    let call = |line: &&str| line.starts_with("from ") || line.trim_start().starts_with("sys.exit(");
    let calls: Vec<_> = text.lines().filter(call).map(|line| line.trim().to_owned()).collect();
    match calls.len() {
        2 => calls,
        _ => text.lines().skip(1).map(str::to_owned).collect(),
    }
}

/// All rows of all RECORD files, but for installers' own files and scripts.
fn records(tree: &Tree) -> BTreeSet<String> {
    let texts = tree.iter().filter(|(path, _)| path.ends_with(".dist-info/RECORD"));
    let rows = texts.flat_map(|(_, (bytes, _))| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>());
    // In a `--target` folder scripts and data lie beside the packages, in an environment above them.
    let rows = rows.map(|row| row.replace("../", ""));
    rows.filter(|row| {
        let path = row.split(',').next().unwrap_or_default().trim_matches('"');
        !path.starts_with("bin/") && !is_own(path)
    })
    .collect()
}

fn is_own(path: &str) -> bool {
    path == ".lock" || path.rsplit_once(".dist-info/").is_some_and(|(_, name)| OWN.contains(&name))
}

fn copies(wheels: &[Wheel], cache: &Path) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let copy = |wheel: &Wheel| {
        let path = folder.path().join(&wheel.filename);
        std::fs::copy(cache.join("wheels").join(&wheel.sha256), &path).unwrap();
        path
    };
    let files = wheels.iter().map(copy).collect();
    (folder, files)
}

fn run(command: &mut Command) {
    // A person's own settings are not part of the comparison.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PIP_FIND") || name.starts_with("UV_FIND")) {
        command.env_remove(name);
    }
    let output = command.output().expect("`uv` is on the PATH: scripts/bootstrap installs it");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn read(root: &Path) -> Tree {
    let files = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let executable = entry.metadata().unwrap().permissions().mode() & 0o100 != 0;
            (path, (std::fs::read(entry.path()).unwrap(), executable))
        })
        .collect()
}
