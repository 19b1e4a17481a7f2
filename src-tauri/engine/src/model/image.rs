//! Images and the engine that holds them.

use serde::{Deserialize, Serialize};

use super::Digest;

/// Which builder made an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum BuilderKind {
    /// Locked wheels, joined to a base without running anything.
    Wheels,
    /// A Dockerfile, by BuildKit.
    Dockerfile,
}

/// An image as it was resolved once and is pinned in `nonevent.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PinnedImage {
    /// The reference that a person wrote, such as `python:3.13-slim`.
    pub reference: String,
    /// The digest that it had when it was pinned: of its manifest or index where a registry told it, else the engine's id.
    pub digest: Digest,
}

/// The image of an app, as a builder made it and an engine holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ImageReport {
    /// The image's identity: for the wheel builder the OCI manifest's digest, for a Dockerfile the engine's id.
    pub digest: Digest,
    /// What the engine calls it (its config's digest in the classic store, its manifest's in containerd's).
    pub engine_id: Digest,
    /// Who made it.
    pub builder: BuilderKind,
    /// What it stands on.
    pub base: Option<PinnedImage>,
    /// Bytes of its own layers, unpacked, without the base's.
    pub size: u64,
    /// Diff ids of all its layers, the base's first (OCI image specification, rootfs).
    pub layers: Vec<Digest>,
    /// True when the very same image was there already.
    pub reused: bool,
    /// What people should know, such as files that were left out.
    pub warnings: Vec<String>,
    /// The folder inside the image in which the app's processes run.
    pub workdir: String,
}

/// Which store the engine keeps images in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// A graph driver such as overlay2.
    Classic,
    /// containerd's image store.
    Containerd,
}

/// The engine that was resolved, and why that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct EngineInfo {
    /// Its address, such as `unix:///var/run/docker.sock`.
    pub host: String,
    /// Why this one.
    pub origin: EngineOrigin,
    /// The engine's own version, such as `28.5.2`.
    pub version: String,
    /// The API version in use.
    pub api: String,
    /// `linux/amd64` and the like.
    pub platform: String,
    /// Its store.
    pub store: StoreKind,
    /// Mirrors of Docker Hub that it is configured with.
    pub mirrors: Vec<String>,
    /// Bytes of memory that it has.
    pub memory: u64,
    /// Cores that it has.
    pub cpus: u32,
    /// True when it answers as Podman.
    pub podman: bool,
}

/// Which rule of the docker CLI chose the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum EngineOrigin {
    /// The variable `DOCKER_HOST`.
    DockerHost,
    /// The variable `DOCKER_CONTEXT`.
    DockerContext {
        /// The context.
        name: String,
    },
    /// The CLI's current context.
    CurrentContext {
        /// The context.
        name: String,
    },
    /// The platform's default socket.
    DefaultSocket,
}
