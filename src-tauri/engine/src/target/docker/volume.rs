//! Volumes: the app's, those of services, those that carry one instance's secrets.
//!
//! An engine makes a new volume root's own; an app that is not root could not write to it, so its root folder is given to the image's
//! user. Files get into a volume through a container that is created on it and never started.

use bollard::models::{ContainerCreateBody, HostConfig, VolumeCreateRequest};
use bollard::query_parameters::{CreateContainerOptions, ListVolumesOptionsBuilder, RemoveVolumeOptionsBuilder};
use futures_util::StreamExt;

use super::DockerTarget;
use super::api::{File, FileContent, is_conflict, is_missing};
use super::recipe::{look_up, numeric_user};
use super::scope::{Role, label};
use crate::target::{InstanceSpec, Place, TargetError};

impl DockerTarget {
    /// Makes a volume of an environment if it is not there.
    pub(super) async fn ensure_volume(&self, name: &str, place: &Place, role: Role) -> Result<(), TargetError> {
        self.ensure_labelled_volume(name, self.api.labels(role, Some(place))).await
    }

    /// Makes the volume for an instance's secrets, which goes with the instance.
    pub(super) async fn ensure_secrets_volume(&self, volume: &str, place: &Place, instance: &str) -> Result<(), TargetError> {
        let mut labels = self.api.labels(Role::Secrets, Some(place));
        labels.insert(label::INSTANCE.to_owned(), instance.to_owned());
        self.ensure_labelled_volume(volume, labels).await
    }

    /// Writes an instance's secrets, each a file that only the image's user reads.
    pub(super) async fn write_secrets(
        &self,
        volume: &str,
        place: &Place,
        spec: &InstanceSpec,
        owner: (u64, u64),
    ) -> Result<(), TargetError> {
        let paths: Vec<(String, &[u8])> =
            spec.secrets.iter().map(|(name, value)| (format!("v/{name}"), value.reveal().as_bytes())).collect();
        let mut files = vec![File { path: "v", content: FileContent::Folder, mode: 0o755, owner }];
        files.extend(paths.iter().map(|(path, value)| File { path, content: FileContent::Bytes(value), mode: 0o400, owner }));
        self.put_into_volume(volume, place, &files).await
    }

    /// Gives a volume's root folder to the image's user, if it is root's and the user is not.
    pub(super) async fn hand_over(
        &self,
        container: &str,
        place: &Place,
        volume: &str,
        path: &str,
        owner: (u64, u64),
    ) -> Result<(), TargetError> {
        if owner.0 == 0 {
            return Ok(());
        }
        if let Some((0, mode)) = self.owner_of(container, path).await? {
            let folder = File { path: "v", content: FileContent::Folder, mode, owner };
            self.put_into_volume(volume, place, &[folder]).await?;
        }
        Ok(())
    }

    /// Returns user and group of an image's user, by number. A name is looked up in the image, through a container made of it.
    pub(super) async fn image_user(&self, image: &str, container: &str) -> Result<(u64, u64), TargetError> {
        let inspected = self.api.client.inspect_image(image).await;
        let inspected = inspected.map_err(|error| self.api.error(format!("inspect image {image}"), error))?;
        let user = inspected.config.and_then(|config| config.user).unwrap_or_default();
        if let Some((uid, Some(gid))) = numeric_user(&user) {
            return Ok((uid, gid));
        }
        let passwd = self.api.download(container, "/etc/passwd").await?.unwrap_or_default();
        match (look_up(&String::from_utf8_lossy(&passwd), &user), numeric_user(&user)) {
            (Some(found), _) => Ok(found),
            (None, Some((uid, _))) => Ok((uid, 0)),
            (None, None) => Err(TargetError::Refused {
                operation: format!("find user `{user}` of the image"),
                reason: "its `/etc/passwd` does not name it".to_owned(),
            }),
        }
    }

    /// Removes a volume; one that is gone, or still in use, is left.
    pub(super) async fn remove_volume(&self, name: &str) -> Result<(), TargetError> {
        match self.api.client.remove_volume(name, Some(RemoveVolumeOptionsBuilder::new().force(true).build())).await {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) || is_conflict(&error) => Ok(()),
            Err(error) => Err(self.api.error(format!("remove volume {name}"), error)),
        }
    }

    /// Lists volumes of this installation that bear more labels: name and labels.
    pub(super) async fn volumes(&self, labels: Vec<String>) -> Result<Vec<bollard::models::Volume>, TargetError> {
        let options = ListVolumesOptionsBuilder::new().filters(&self.api.filters(labels)).build();
        let listed = self.api.client.list_volumes(Some(options)).await.map_err(|error| self.api.error("list volumes", error))?;
        Ok(listed.volumes.unwrap_or_default())
    }

    async fn ensure_labelled_volume(
        &self,
        name: &str,
        labels: std::collections::HashMap<String, String>,
    ) -> Result<(), TargetError> {
        // Creating one that exists changes nothing.
        let request = VolumeCreateRequest { name: Some(name.to_owned()), labels: Some(labels), ..VolumeCreateRequest::default() };
        let created = self.api.client.create_volume(request).await;
        created.map(|_| ()).map_err(|error| self.api.error(format!("create volume {name}"), error))
    }

    /// Puts files into a volume, which they see as folder `v`.
    async fn put_into_volume(&self, volume: &str, place: &Place, files: &[File<'_>]) -> Result<(), TargetError> {
        let body = ContainerCreateBody {
            image: Some(self.options.proxy_image.clone()),
            entrypoint: Some(vec!["false".to_owned()]),
            labels: Some(self.api.labels(Role::Hand, Some(place))),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                binds: Some(vec![format!("{volume}:/v")]),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let created = self.api.client.create_container(None::<CreateContainerOptions>, body).await;
        let hand = created.map_err(|error| self.creation_error("a container that carries files", error))?.id;
        let put = self.api.upload(&hand, "/", files).await;
        self.api.remove(&hand).await?;
        put
    }

    /// Returns the owner and the mode of a folder of a container: the head of its archive, of which no more is read.
    async fn owner_of(&self, container: &str, path: &str) -> Result<Option<(u64, u32)>, TargetError> {
        use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let mut stream = Box::pin(self.api.client.download_from_container(container, Some(options)));
        let mut head = Vec::new();
        while head.len() < 512 {
            match stream.next().await {
                Some(Ok(part)) => head.extend_from_slice(&part),
                Some(Err(error)) if is_missing(&error) => return Ok(None),
                Some(Err(error)) => return Err(self.api.error(format!("look at {path} of {container}"), error)),
                None => return Ok(None),
            }
        }
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes().copy_from_slice(head.get(..512).unwrap_or(&[0; 512]));
        Ok(header.uid().ok().zip(header.mode().ok()))
    }
}
