//! How much room the engine's disk has.
//!
//! Where the engine is a process of this machine the system is asked; elsewhere (another machine, a virtual one) a container that sees the
//! disk through its own root.

use std::path::Path;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Docker;
use super::once::{self, OnceSpec, Stdout};

/// The disk that holds images and containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The engine's folder on it.
    pub folder: String,
    /// Bytes that are free for whoever is not root.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Measures the engine's disk; none where nothing tells. `image` has `df` and is on the engine, or the answer is none on other machines.
pub async fn disk(docker: &Docker, image: &str) -> Option<Disk> {
    let info = docker.client.info().await.ok()?;
    let folder = info.docker_root_dir.clone()?;
    let own_name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let is_here = docker.info.host.starts_with("unix://") && info.name.is_some() && info.name == own_name;
    match is_here.then(|| of_folder(Path::new(&folder))).flatten() {
        Some((free, total)) => Some(Disk { folder, free, total }),
        None => seen_from_inside(docker, image).await.map(|(free, total)| Disk { folder, free, total }),
    }
}

/// Asks the system: free and all bytes of the disk that holds a folder.
fn of_folder(folder: &Path) -> Option<(u64, u64)> {
    let found = nix::sys::statvfs::statvfs(folder).ok()?;
    let block = found.fragment_size();
    Some((found.blocks_available().saturating_mul(block), found.blocks().saturating_mul(block)))
}

/// Asks a container, whose root lies on the engine's disk: free and all bytes.
pub async fn seen_from_inside(docker: &Docker, image: &str) -> Option<(u64, u64)> {
    let argv = ["df", "-Pk", "/"].map(str::to_owned).to_vec();
    let mut spec = OnceSpec::new("disk", image, argv);
    spec.stdout = Stdout::Keep(4096);
    let (sender, _unread) = mpsc::channel(1);
    let ended = once::run(docker, &spec, &sender, &CancellationToken::new()).await.ok()?;
    parse_df(&String::from_utf8_lossy(&ended.stdout))
}

/// Reads the one line of `df -Pk` (POSIX): its fourth field is what is free, its second all of it, in KiB.
fn parse_df(text: &str) -> Option<(u64, u64)> {
    let fields: Vec<&str> = text.lines().nth(1)?.split_whitespace().collect();
    let bytes = |index: usize| fields.get(index)?.parse::<u64>().ok()?.checked_mul(1024);
    Some((bytes(3)?, bytes(1)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn dfs_answer_is_read() {
        let text = "Filesystem     1024-blocks      Used Available Capacity Mounted on\noverlay          102400000  40000000  57198592      42% /\n";
        assert_eq!(parse_df(text), Some((57_198_592 * 1024, 102_400_000 * 1024)));
        assert_eq!(parse_df("df: not found\n"), None);
    }

    #[test]
    fn the_system_tells_about_its_own_folders() {
        let (free, total) = of_folder(Path::new("/")).unwrap();
        assert!(free <= total && total > 0);
        assert_eq!(of_folder(Path::new("/no/such/folder")), None);
    }
}
