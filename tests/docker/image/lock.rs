//! A lock for tests: what uv resolves today, by its own file format.

use std::path::Path;
use std::process::{Command, Stdio};

use nonevent_engine::image::wheels::Wheel;

/// Resolves requirements for Linux on this kind of machine and CPython 3.13, and picks one wheel of each package.
///
/// What was resolved is kept in the build folder: a lock that is a week old is as good a lock.
pub fn wheels(requirements: &[&str]) -> Vec<Wheel> {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-pylock.toml", requirements.join("-")));
    if !kept.exists() {
        resolve(requirements, &kept);
    }
    let lock: toml::Table = std::fs::read_to_string(&kept).unwrap().parse().unwrap();
    lock["packages"].as_array().unwrap().iter().map(wheel).collect()
}

fn resolve(requirements: &[&str], into: &Path) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let input = folder.path().join("requirements.in");
    std::fs::write(&input, requirements.join("\n")).unwrap();
    let output = folder.path().join("pylock.toml");
    let platform = format!("{}-manylinux_2_28", std::env::consts::ARCH);
    let status = Command::new("uv")
        .args(["pip", "compile", "--quiet", "--no-config", "--only-binary", ":all:", "--python-version", "3.13"])
        .args(["--python-platform", &platform, "--format", "pylock.toml", "--output-file"])
        .arg(&output)
        .arg(&input)
        .stdout(Stdio::null())
        .status()
        .expect("`uv` is on the PATH: scripts/bootstrap installs it");
    assert!(status.success(), "uv could not resolve {requirements:?}");
    std::fs::rename(&output, into).unwrap();
}

fn wheel(package: &toml::Value) -> Wheel {
    let text = |value: &toml::Value, key: &str| value[key].as_str().unwrap().to_owned();
    let filename = |wheel: &toml::Value| {
        let named = wheel.get("name").and_then(|name| name.as_str()).map(str::to_owned);
        named.unwrap_or_else(|| text(wheel, "url").rsplit('/').next().unwrap().to_owned())
    };
    let fits = |name: &str| {
        let machine = name.contains("manylinux") && name.contains(std::env::consts::ARCH);
        let python = ["-cp313-cp313-", "-abi3-", "-py3-none-", "-py2.py3-none-"].iter().any(|tag| name.contains(tag));
        name.ends_with("-none-any.whl") || (machine && python)
    };
    let wheels = package["wheels"].as_array().unwrap();
    let chosen = wheels.iter().find(|wheel| fits(&filename(wheel))).unwrap_or_else(|| panic!("no wheel fits: {package}"));
    Wheel {
        name: text(package, "name"),
        version: text(package, "version"),
        filename: filename(chosen),
        url: text(chosen, "url"),
        sha256: text(&chosen["hashes"], "sha256"),
        size: chosen.get("size").and_then(toml::Value::as_integer).and_then(|size| u64::try_from(size).ok()),
    }
}
