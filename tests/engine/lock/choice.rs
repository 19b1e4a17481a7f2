//! Which wheel is taken, and why none is.

use nonevent_engine::project::lock::{Choice, Libc, LockError, Machine, PythonTarget, Wanted, WheelName};

use super::sha;
use super::world::{World, python};

/// Locks one package with these files and chooses on an interpreter.
fn choose(files: &[&str], sdist: bool, target: &PythonTarget) -> Result<String, String> {
    let file = |(at, name): (usize, &&str)| {
        let sha = sha(u32::try_from(at).unwrap());
        format!("{{ url = \"https://index.example/{name}\", hash = \"sha256:{sha}\", size = 10 }},\n")
    };
    let wheels: String = files.iter().enumerate().map(file).collect();
    let sdist = if sdist {
        format!("sdist = {{ url = \"https://index.example/numpy-2.5.5.tar.gz\", hash = \"sha256:{}\" }}\n", sha(99))
    } else {
        String::new()
    };
    let lock = format!(
        r#"version = 1
requires-python = ">=3.8"
[[package]]
name = "app"
version = "1"
source = {{ virtual = "." }}
dependencies = [{{ name = "numpy" }}]
[[package]]
name = "numpy"
version = "2.5.5"
source = {{ registry = "https://index.example/simple" }}
{sdist}wheels = [
{wheels}]
"#
    );
    let world = World::new(&[("pyproject.toml", "[project]\nname = \"app\"\nversion = \"1\"\n"), ("uv.lock", &lock)]);
    let selection = world.lock().select(target, &Wanted::default()).map_err(|error| error.to_string())?;
    selection.require_wheels().map_err(|error| error.to_string())?;
    match &selection.packages[0].choice {
        Choice::Wheel(file) => Ok(file.filename.clone()),
        other => panic!("a wheel is a wheel: {other:?}"),
    }
}

#[test]
fn the_best_tag_wins_then_the_highest_build() {
    let debian = python("3.13.5");
    let check = |files: &[&str], expected: &str| assert_eq!(choose(files, true, &debian).as_deref(), Ok(expected));
    let any = "numpy-2.5.5-py3-none-any.whl";
    let own = "numpy-2.5.5-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
    let newer = "numpy-2.5.5-cp313-cp313-manylinux_2_28_x86_64.whl";
    let stable = "numpy-2.5.5-cp38-abi3-manylinux1_x86_64.whl";
    let musl = "numpy-2.5.5-cp313-cp313-musllinux_1_2_x86_64.whl";
    check(&[any, stable, own, musl], own);
    check(&[own, newer], newer);
    check(&[any, stable, musl], stable);
    check(&[any, musl], any);
    check(&["numpy-2.5.5-2-py3-none-any.whl", any, "numpy-2.5.5-10-py3-none-any.whl"], "numpy-2.5.5-10-py3-none-any.whl");
    check(&["numpy-2.5.5-py2.py3-none-any.whl"], "numpy-2.5.5-py2.py3-none-any.whl");
}

#[test]
fn a_missing_wheel_is_explained() {
    let glibc = |version, minor| PythonTarget::cpython(version, Machine::X86_64, Libc::Glibc { major: 2, minor }).unwrap();
    let alpine = PythonTarget::cpython("3.13.5", Machine::X86_64, Libc::Musl { major: 1, minor: 2 }).unwrap();
    let arm = PythonTarget::cpython("3.13.5", Machine::Aarch64, Libc::Glibc { major: 2, minor: 41 }).unwrap();
    let check = |files: &[&str], sdist, target: &PythonTarget, expected: &str| {
        assert_eq!(choose(files, sdist, target), Err(expected.to_owned()));
    };
    let wheel = "numpy-2.5.5-cp313-cp313-manylinux_2_28_x86_64.manylinux_2_27_x86_64.whl";
    check(&[wheel], true, &glibc("3.13.5", 17), "numpy 2.5.5 needs glibc 2.27, the base has 2.17");
    check(&[wheel], false, &glibc("3.13.5", 17), "numpy 2.5.5 needs glibc 2.27, the base has 2.17");
    check(&[wheel], true, &alpine, "numpy 2.5.5 has wheels for glibc only, the base has musl");
    check(&[wheel], true, &arm, "numpy 2.5.5 has no wheel for linux/aarch64");
    check(&["numpy-2.5.5-cp313-cp313-win_amd64.whl"], true, &glibc("3.13.5", 41), "numpy 2.5.5 has no wheel for linux/x86_64");
    let older = ["numpy-2.5.5-cp39-cp39-manylinux1_x86_64.whl", "numpy-2.5.5-cp312-cp312-manylinux1_x86_64.whl"];
    check(&older, true, &glibc("3.13.5", 41), "numpy 2.5.5 has no wheel for Python 3.13 (only cp39, cp312)");
    check(&[], true, &glibc("3.13.5", 41), "numpy 2.5.5 has only a source distribution");
}

#[test]
fn every_reason_comes_with_a_way_out() {
    let unavailable = |reason| LockError::NoWheel {
        packages: vec![nonevent_engine::project::lock::Unavailable { name: "numpy".into(), version: "2".into(), reason }],
    };
    use nonevent_engine::project::lock::NoWheel::{Musl, OlderGlibc, OnlySource, OtherPlatform, OtherPython};
    for reason in [
        OnlySource,
        Musl,
        OlderGlibc { needs: "2.28".into(), has: "2.17".into() },
        OtherPython { offered: vec!["cp39".into()], python: "3.13".into() },
        OtherPlatform { platform: "linux/aarch64".into() },
    ] {
        assert_eq!(unavailable(reason).hints().len(), 1);
    }
}

#[test]
fn names_of_wheels_are_taken_apart() {
    let name = WheelName::parse("typing_extensions-4.1-3b-py2.py3-none-any.whl").unwrap();
    assert_eq!((name.distribution.as_str(), name.version.as_str()), ("typing_extensions", "4.1"));
    let tags: Vec<String> = name.tags().iter().map(ToString::to_string).collect();
    assert_eq!(tags, ["py2-none-any", "py3-none-any"]);
    for broken in ["a-1-py3-none-any.zip", "a-1-py3-none.whl", "a-1-b-py3-none-any.whl", "a-1-2-3-py3-none-any.whl", ""] {
        assert_eq!(WheelName::parse(broken), None, "{broken}");
    }
}

#[test]
fn a_target_is_a_full_version_on_a_known_processor() {
    let libc = Libc::Glibc { major: 2, minor: 41 };
    for version in ["3.13", "2.7.18", "3.13.x", ""] {
        let error = PythonTarget::cpython(version, Machine::X86_64, libc).unwrap_err();
        assert_eq!(error.to_string(), format!("`{version}` is no full version of Python 3"));
    }
    assert_eq!("arm64".parse::<Machine>(), Ok(Machine::Aarch64));
    assert_eq!("riscv64".parse::<Machine>().unwrap_err().to_string(), "no wheels are chosen for the processor `riscv64`");
    let target = PythonTarget::cpython("3.15.0rc1", Machine::X86_64, libc).unwrap();
    assert_eq!((target.markers().python_full_version().to_string(), target.minor()), ("3.15.0rc1".into(), 15));
}
