//! Wheels, bases and projects made up on the spot.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use oci_spec::image::{Descriptor, ImageConfiguration, MediaType, Sha256Digest};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

use crate::image::wheels::{LocalProject, Wheel};
use crate::image::{BaseImage, BaseOrigin, Libc, LibcKind, Platform, PythonRuntime};
use crate::model::{AppSettings, BuildSettings, CommandLine, Digest, Framework, PinnedImage, Process, ProcessKind};

/// A wheel in the making.
pub struct Draft {
    name: String,
    files: Vec<(String, Vec<u8>, u32)>,
}

impl Draft {
    /// A wheel of version 1.0, with what every wheel has.
    pub fn new(name: &str) -> Self {
        let draft = Self { name: name.to_owned(), files: Vec::new() };
        let dist_info = draft.dist_info();
        draft
            .file(&format!("{dist_info}/METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n").as_bytes())
            .file(&format!("{dist_info}/WHEEL"), b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    }

    pub fn bare(name: &str) -> Self {
        Self { name: name.to_owned(), files: Vec::new() }
    }

    pub fn dist_info(&self) -> String {
        format!("{}-1.0.dist-info", self.name.replace('-', "_"))
    }

    pub fn file(self, path: &str, bytes: &[u8]) -> Self {
        self.file_with_mode(path, bytes, 0o644)
    }

    pub fn file_with_mode(mut self, path: &str, bytes: &[u8], mode: u32) -> Self {
        self.files.push((path.to_owned(), bytes.to_vec(), mode));
        self
    }

    /// Adds a RECORD of all files and writes the wheel into a folder.
    pub fn write(self, folder: &Path) -> Wheel {
        let record = format!("{}/RECORD", self.dist_info());
        let rows = self
            .files
            .iter()
            .map(|(path, bytes, _)| (path.clone(), (crate::image::wheels::record::hash(bytes), bytes.len() as u64)));
        let text = crate::image::wheels::record::write(&rows.collect(), &record).unwrap();
        self.file(&record, &text).write_as_it_is(folder)
    }

    pub fn write_as_it_is(self, folder: &Path) -> Wheel {
        let filename = format!("{}-1.0-py3-none-any.whl", self.name.replace('-', "_"));
        let path = folder.join(&filename);
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        for (name, bytes, mode) in &self.files {
            zip.start_file(name.as_str(), SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        Wheel {
            name: self.name,
            version: "1.0".into(),
            filename,
            url: url::Url::from_file_path(&path).unwrap().to_string(),
            sha256: hex::encode(Sha256::digest(&bytes)),
            size: Some(bytes.len() as u64),
        }
    }
}

pub fn base() -> BaseImage {
    let diff_id = Digest::new(format!("sha256:{}", "1".repeat(64)));
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Env":["PATH=/usr/local/bin:/usr/bin:/bin","LANG=C.UTF-8"],"Cmd":["python3"]}},
        "rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}},"history":[{{"created":"2026-01-01T00:00:00Z","created_by":"base"}}]}}"#
    );
    let layer = Descriptor::new(MediaType::ImageLayerGzip, 1000, Sha256Digest::from_str(&"2".repeat(64)).unwrap());
    BaseImage {
        pinned: PinnedImage { reference: "python:3.13-slim".into(), digest: Digest::new(format!("sha256:{}", "3".repeat(64))) },
        name: "docker.io/library/python:3.13-slim".into(),
        digest: Digest::new(format!("sha256:{}", "4".repeat(64))),
        origin: BaseOrigin::Registry,
        platform: Platform { os: "linux".into(), architecture: "amd64".into(), variant: None },
        config: ImageConfiguration::from_reader(config.as_bytes()).unwrap(),
        layers: vec![layer],
        diff_ids: vec![diff_id],
        python: PythonRuntime {
            executable: "/usr/local/bin/python".into(),
            real_executable: "/usr/local/bin/python3.13".into(),
            version: "3.13.5".into(),
            implementation: "CPython".into(),
            machine: "x86_64".into(),
            libc: Libc { kind: LibcKind::Glibc, version: "2.41".into() },
            prefix: "/usr/local".into(),
            site_packages: "/usr/local/lib/python3.13/site-packages".into(),
            libraries: BTreeSet::from(["libc.so.6".to_owned()]),
        },
    }
}

pub fn settings() -> BuildSettings {
    BuildSettings {
        dockerfile: None,
        stage: None,
        args: BTreeMap::new(),
        secrets: BTreeMap::new(),
        base: "python:3.13-slim".into(),
        include: Vec::new(),
        exclude: Vec::new(),
        ca_bundle: None,
        extras: Vec::new(),
        groups: Vec::new(),
    }
}

pub fn app() -> AppSettings {
    AppSettings {
        name: "shop".into(),
        framework: Framework::Fastapi,
        python: "3.13".into(),
        processes: vec![Process {
            name: "web".into(),
            kind: ProcessKind::Web { port: 8000 },
            command: CommandLine::Exec(vec!["shop".into(), "serve".into()]),
            stop_grace: std::time::Duration::from_secs(10),
        }],
        env: BTreeMap::new(),
        volumes: Vec::new(),
    }
}

pub fn project(root: PathBuf) -> LocalProject {
    LocalProject {
        name: "Shop.App".into(),
        version: Some("1.2".into()),
        scripts: BTreeMap::from([("shop".to_owned(), "shop.cli:main".to_owned())]),
        entry_points: BTreeMap::from([("shop.plugins".to_owned(), BTreeMap::from([("tax".to_owned(), "shop.tax".to_owned())]))]),
        import_roots: vec!["src".into()],
        root,
    }
}
