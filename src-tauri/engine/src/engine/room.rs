//! Room on the engine's disk: seen before a build needs it, and what cleaning would free.

use std::collections::BTreeMap;

use super::Engine;
use crate::docker::Docker;
use crate::docker::disk::{Disk, disk};
use crate::error::EngineError;
use crate::event::EventBody;
use crate::model::{KeepSettings, ProjectName, Release};
use crate::pipeline::{Context, images};
use crate::request::{Garbage, Sweep};
use crate::target::Kept;

/// Bytes that a build needs where nothing was built before: an image of an app, the gates' one on top, and the archive that carries them.
const FIRST_BUILD: u64 = 600_000_000;
/// Bytes that stay free whatever is built, for logs and data of what serves.
const RESERVE: u64 = 256_000_000;

impl Engine {
    /// Refuses to build on a disk that has no room for it, and says so where it gets tight; names what cleaning would free.
    pub(super) async fn look_for_room(
        &self,
        context: &Context,
        docker: &Docker,
        project: &ProjectName,
    ) -> Result<(), EngineError> {
        // Where nothing tells, the build itself finds out.
        let Some(disk) = disk(docker, images::PROXY).await else { return Ok(()) };
        let last = self.store.releases(project)?.first().map(|release| release.evidence.image_size);
        let need = needed(last);
        match judge(&disk, need) {
            Room::Enough => Ok(()),
            Room::Tight => {
                let message = format!("the engine's disk has {} left at {}", bytes(disk.free), disk.folder);
                context.emit(EventBody::WarningRaised { message, hint: self.room_hint().await }).await?;
                Ok(())
            }
            Room::None => Err(EngineError::user(
                "disk_full",
                format!(
                    "the engine's disk has {} left at {}, and a build needs about {}",
                    bytes(disk.free),
                    disk.folder,
                    bytes(need)
                ),
            )
            .with_hints(self.room_hint().await)
            .with_hint("`docker system df` shows what else lies there; Nonevent removes only what it made")),
        }
    }

    async fn room_hint(&self) -> Option<String> {
        let Garbage { bytes: free, items } = self.gc(Sweep::Tell).await.ok()?;
        Some(match items.len() {
            0 => "`nonevent gc` has nothing to remove; fewer releases are kept with `[release] keep`".to_owned(),
            _ => format!("`nonevent gc` would free {}", bytes(free)),
        })
    }

    /// The images that stay: of the newest releases of each project, as many as it keeps ready for a rollback, within its bytes.
    pub(super) fn kept(&self) -> Result<Kept, EngineError> {
        Ok(kept(&self.store.all_releases()?))
    }
}

/// Decides which releases' images stay. `releases` come the newest first; the newest one of a project says how many.
fn kept(releases: &[Release]) -> Kept {
    let mut kept = Kept::default();
    let mut so_far: BTreeMap<&ProjectName, (KeepSettings, u32, u64)> = BTreeMap::new();
    for release in releases {
        kept.projects.insert(release.project.clone());
        let (keep, count, bytes) = so_far.entry(&release.project).or_insert((release.settings.keep, 0, 0));
        // The newest is not counted, and the one before it is what a rollback needs: bytes do not take it away.
        let fits = *count <= 1 || keep.bytes.is_none_or(|limit| *bytes + release.evidence.image_size <= limit);
        if *count <= keep.releases && fits {
            kept.images.insert(release.engine_id.clone());
            *bytes += if *count == 0 { 0 } else { release.evidence.image_size };
        }
        *count += 1;
    }
    kept
}

/// What there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    Tight,
    None,
}

/// Bytes that a build needs: the image as large as the last one, the gates' one, and what carries it to the engine.
fn needed(last: Option<u64>) -> u64 {
    RESERVE + last.map_or(FIRST_BUILD, |size| size.saturating_mul(3))
}

fn judge(disk: &Disk, need: u64) -> Room {
    match disk.free {
        free if free < need => Room::None,
        free if free < need.saturating_mul(2) => Room::Tight,
        _ => Room::Enough,
    }
}

#[allow(clippy::cast_precision_loss)]
fn bytes(count: u64) -> String {
    match count {
        ..1_000_000_000 => format!("{:.0} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_judged_by_the_last_image() {
        let disk = |free| Disk { folder: "/var/lib/docker".to_owned(), free, total: 100_000_000_000 };
        let need = needed(Some(500_000_000));
        assert_eq!(need, 1_756_000_000);
        assert_eq!(judge(&disk(1_700_000_000), need), Room::None);
        assert_eq!(judge(&disk(2_000_000_000), need), Room::Tight);
        assert_eq!(judge(&disk(9_000_000_000), need), Room::Enough);
        assert!(needed(None) > RESERVE);
        assert_eq!((bytes(312_400_000).as_str(), bytes(3_440_000_000).as_str()), ("312 MB", "3.4 GB"));
    }
}
