//! What a one-off container is made of.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount as ApiMount, MountType};

use crate::mask::Mask;
use crate::model::EngineInfo;

/// The folder for files that are collected after the command has ended. It outlives the process, unlike a tmpfs.
pub const OUT: &str = "/nonevent/out";

/// What a one-off container runs, and within which limits.
#[derive(Debug, Clone, PartialEq)]
pub struct OnceSpec {
    /// What its lines of output are marked with.
    pub source: String,
    /// Its image: a reference or what the engine calls it.
    pub image: String,
    /// What it runs.
    pub argv: Vec<String>,
    /// Its variables, above the image's.
    pub env: BTreeMap<String, String>,
    /// The folder it runs in, if not the image's.
    pub workdir: Option<String>,
    /// The user it runs as, if not the image's.
    pub user: Option<String>,
    /// Groups that it is in besides its own.
    pub groups: Vec<String>,
    /// Its networks; without any it has none but its own loopback.
    pub networks: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Bytes of memory, swap included.
    pub memory: u64,
    /// Processes and threads.
    pub pids: i64,
    /// Cores; never more than the engine has.
    pub cpus: f64,
    /// Whether it may write to its root.
    pub root: Root,
    /// Folders in memory.
    pub tmpfs: Vec<Tmpfs>,
    /// Volumes and files of the engine's host.
    pub mounts: Vec<Mount>,
    /// Folders inside mounts that everybody may write to, made before the command starts.
    pub folders: Vec<Folder>,
    /// Files that lie in [`OUT`] before the command starts, each with its content; only when something is collected.
    pub files: Vec<(String, Vec<u8>)>,
    /// Time after which it is killed.
    pub timeout: Duration,
    /// Its name, if the engine shall not choose one.
    pub name: Option<String>,
    /// What is taken out of its output and of collected files, before anything is kept or told.
    pub mask: Mask,
    /// Bytes of output after which lines are left out, but for the last ones.
    pub output_limit: u64,
    /// What becomes of standard output.
    pub stdout: Stdout,
    /// Files to read after the command has ended; in [`OUT`] when the root is read-only.
    pub collect: Vec<PathBuf>,
    /// Bytes that one collected file may have.
    pub collect_limit: u64,
}

/// Whether a container may write to its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// Only mounts are writable.
    ReadOnly,
    /// Everything is, until it ends.
    Writable,
}

/// What becomes of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// Its lines are streamed, as those of standard error are.
    Lines,
    /// It is kept whole, up to this many bytes, and not streamed.
    Keep(usize),
}

/// A folder in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tmpfs {
    /// Where.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its permissions, such as `0o1777`.
    pub mode: u32,
}

/// Something of the engine's that a container sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// A named volume.
    Volume {
        /// Its name.
        name: String,
        /// Where the container sees it.
        path: String,
    },
    /// A named volume that is only read.
    ReadOnly {
        /// Its name.
        name: String,
        /// Where the container sees it.
        path: String,
    },
    /// A file or folder of the engine's host.
    Host {
        /// Where it is.
        source: String,
        /// Where the container sees it.
        path: String,
    },
}

/// A folder that everybody may write to, inside a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The mount's path.
    pub mount: String,
    /// The folder's name in it.
    pub name: String,
}

impl OnceSpec {
    /// Starts from a command in an image: no network, a read-only root, half a gibibyte, one minute.
    pub fn new(source: impl Into<String>, image: impl Into<String>, argv: Vec<String>) -> Self {
        Self {
            source: source.into(),
            image: image.into(),
            argv,
            env: BTreeMap::new(),
            workdir: None,
            user: None,
            groups: Vec::new(),
            networks: Vec::new(),
            labels: BTreeMap::new(),
            memory: 512 * 1024 * 1024,
            pids: 512,
            cpus: f64::INFINITY,
            root: Root::ReadOnly,
            tmpfs: vec![Tmpfs { path: "/tmp".into(), bytes: 64 * 1024 * 1024, mode: 0o1777 }],
            mounts: Vec::new(),
            folders: Vec::new(),
            files: Vec::new(),
            timeout: Duration::from_mins(1),
            name: None,
            mask: Mask::default(),
            output_limit: 16 * 1024 * 1024,
            stdout: Stdout::Lines,
            collect: Vec::new(),
            collect_limit: 64 * 1024 * 1024,
        }
    }

    pub(super) fn body(&self, engine: &EngineInfo) -> ContainerCreateBody {
        let memory = i64::try_from(self.memory).ok();
        let host = HostConfig {
            network_mode: Some(self.networks.first().cloned().unwrap_or_else(|| "none".to_owned())),
            memory,
            // The same number means: no swap.
            memory_swap: memory,
            pids_limit: Some(self.pids),
            nano_cpus: Some(nano_cpus(self.cpus.min(f64::from(engine.cpus.max(1))))),
            group_add: Some(self.groups.clone()),
            readonly_rootfs: Some(self.root == Root::ReadOnly),
            tmpfs: Some(self.tmpfs.iter().map(Tmpfs::options).collect()),
            mounts: Some(self.api_mounts()),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            // Its output is read as it comes; a log on the engine's disk would only have to be limited and removed.
            log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
            ..HostConfig::default()
        };
        ContainerCreateBody {
            image: Some(self.image.clone()),
            entrypoint: Some(Vec::new()),
            cmd: Some(self.argv.clone()),
            env: Some(self.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            working_dir: self.workdir.clone(),
            user: self.user.clone(),
            labels: Some(self.labels.clone().into_iter().collect::<HashMap<_, _>>()),
            // Whether it is healthy nobody will ask.
            healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        }
    }

    fn api_mounts(&self) -> Vec<ApiMount> {
        let mut mounts: Vec<ApiMount> = self.mounts.iter().map(Mount::api).collect();
        if !self.collect.is_empty() {
            // An anonymous volume: it is removed with the container.
            let target = Some(OUT_MOUNT.to_owned());
            mounts.push(ApiMount { target, typ: Some(MountType::VOLUME), ..ApiMount::default() });
        }
        mounts
    }

    /// Archives that make the writable folders, each with the mount that it is unpacked in.
    pub(super) fn folder_archives(&self) -> Vec<(String, Vec<u8>)> {
        let out = Folder { mount: OUT_MOUNT.to_owned(), name: OUT_NAME.to_owned() };
        let out = (!self.collect.is_empty()).then_some(&out);
        let mut by_mount: BTreeMap<&str, tar::Builder<Vec<u8>>> = BTreeMap::new();
        for folder in self.folders.iter().chain(out) {
            let archive = by_mount.entry(&folder.mount).or_insert_with(|| tar::Builder::new(Vec::new()));
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o1777);
            header.set_size(0);
            // Writing to memory does not fail, and names of ours fit a header.
            let _ = archive.append_data(&mut header, format!("{}/", folder.name), std::io::empty());
        }
        if let Some(archive) = by_mount.get_mut(OUT_MOUNT) {
            for (name, content) in &self.files {
                let mut header = tar::Header::new_gnu();
                header.set_mode(0o666);
                header.set_size(content.len() as u64);
                let _ = archive.append_data(&mut header, format!("{OUT_NAME}/{name}"), content.as_slice());
            }
        }
        let finished = by_mount.into_iter().map(|(mount, archive)| (mount.to_owned(), archive.into_inner()));
        finished.filter_map(|(mount, bytes)| Some((mount, bytes.ok()?))).collect()
    }
}

/// The volume that [`OUT`] lies in: a volume itself belongs to root, a folder in it can be anybody's.
const OUT_MOUNT: &str = "/nonevent";
const OUT_NAME: &str = "out";

impl Tmpfs {
    fn options(&self) -> (String, String) {
        (self.path.clone(), format!("rw,exec,nosuid,nodev,size={},mode={:o}", self.bytes, self.mode))
    }
}

impl Mount {
    fn api(&self) -> ApiMount {
        let (typ, source, target) = match self {
            Self::Volume { name, path } | Self::ReadOnly { name, path } => (MountType::VOLUME, name, path),
            Self::Host { source, path } => (MountType::BIND, source, path),
        };
        ApiMount {
            source: Some(source.clone()),
            target: Some(target.clone()),
            typ: Some(typ),
            read_only: Some(matches!(self, Self::ReadOnly { .. })),
            ..ApiMount::default()
        }
    }
}

#[allow(clippy::cast_possible_truncation)]
fn nano_cpus(cpus: f64) -> i64 {
    (cpus * 1e9).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_lies_in_its_mount() {
        assert_eq!(OUT, format!("{OUT_MOUNT}/{OUT_NAME}"));
    }

    #[test]
    fn folders_of_one_mount_come_in_one_archive() {
        let mut spec = OnceSpec::new("gate", "image", vec!["true".into()]);
        spec.collect = vec!["/nonevent/out/x".into()];
        spec.folders =
            vec![Folder { mount: "/cache".into(), name: "ruff".into() }, Folder { mount: "/cache".into(), name: "mypy".into() }];
        let archives = spec.folder_archives();
        let names: Vec<(String, Vec<String>)> = archives
            .iter()
            .map(|(mount, bytes)| {
                let mut archive = tar::Archive::new(bytes.as_slice());
                let entries = archive.entries().expect("entries").map(|entry| {
                    let entry = entry.expect("entry");
                    assert_eq!(entry.header().mode().expect("mode"), 0o1777);
                    entry.path().expect("path").display().to_string()
                });
                (mount.clone(), entries.collect())
            })
            .collect();
        assert_eq!(
            names,
            [
                ("/cache".to_owned(), vec!["ruff/".to_owned(), "mypy/".to_owned()]),
                ("/nonevent".to_owned(), vec!["out/".to_owned()])
            ]
        );
    }
}
