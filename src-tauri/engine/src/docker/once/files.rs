//! Reads files of an image, through a container that is made for it and never started.

use std::path::PathBuf;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Container, OnceError, OnceSpec, read_file};
use crate::docker::Docker;

/// Files that are asked for at a time.
const AT_A_TIME: usize = 8;

/// Reads files of an image; none for each that is not there, is no file, or is larger than `limit` bytes.
///
/// # Errors
/// When the engine refuses.
pub async fn read_files(
    docker: &Docker,
    spec: &OnceSpec,
    files: &[PathBuf],
    limit: u64,
) -> Result<Vec<Option<Vec<u8>>>, OnceError> {
    let container = Container::create(docker, spec).await?;
    let read = |path: PathBuf| {
        let (client, id) = (container.client.clone(), container.id.clone());
        async move {
            match read_file(&client, &id, &path, limit).await {
                Err(OnceError::TooLarge { .. }) => Ok(None),
                content => content,
            }
        }
    };
    let contents = stream::iter(files.to_vec()).map(read).buffered(AT_A_TIME).try_collect().await;
    container.remove().await;
    contents
}
