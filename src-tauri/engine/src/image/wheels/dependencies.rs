//! The layers of a project's dependencies: big wheels alone, the rest together, each made once for the same wheels and place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::task::{JoinSet, spawn_blocking};

use super::archive::WheelArchive;
use super::elf;
use super::install::{FileBytes, Installed, Scheme, install, normalized};
use super::{Wheel, WheelError, fetch};
use crate::image::cache::Cache;
use crate::image::digest::key;
use crate::image::error::ImageError;
use crate::image::http::Http;
use crate::image::layer::{self, Clash, Content, EPOCH, LayerBlob, Node, Packing, Tree};

/// The shape of dependency layers: part of their key, changed with anything that changes their bytes.
const FORMAT: &str = "1";

/// Wheels that get a layer of their own at most: an engine's classic store takes 125 layers in all.
const MOST_ALONE: usize = 8;

/// Bytes from which a wheel gets a layer of its own.
const BIG: u64 = 4 << 20;

/// What dependency layers are made of.
pub(crate) struct Dependencies<'a> {
    pub(crate) wheels: &'a [Wheel],
    pub(crate) scheme: &'a Scheme,
    /// Files that the place itself consists of, such as `pyvenv.cfg`.
    pub(crate) skeleton: Tree<Vec<u8>>,
    pub(crate) packing: Packing,
    /// Shared libraries that the base has.
    pub(crate) base_libraries: &'a BTreeSet<String>,
}

/// Dependency layers, made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DependencyLayers {
    pub(crate) layers: Vec<LayerBlob>,
    pub(crate) warnings: Vec<String>,
}

/// What a file of a layer is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Member { wheel: usize, index: usize },
    Made(Vec<u8>),
}

/// One layer to be made.
struct Plan {
    tree: Tree<Piece>,
    /// The wheels that its pieces' numbers mean.
    wheels: Vec<(PathBuf, String)>,
}

/// Returns what the layers of these wheels at this place are known by.
fn layers_key(dependencies: &Dependencies<'_>) -> String {
    let Scheme { prefix, interpreter, python } = dependencies.scheme;
    let mut parts = vec![FORMAT.to_owned(), prefix.clone(), interpreter.clone(), python.clone()];
    parts.push(format!("{:?}", dependencies.packing));
    for (path, node) in dependencies.skeleton.iter() {
        parts.push(format!("{path} {node:?}"));
    }
    parts.extend(sorted(dependencies.wheels).iter().map(|wheel| format!("{} {}", normalized(&wheel.name), wheel.sha256)));
    parts.push("libraries".to_owned());
    parts.extend(dependencies.base_libraries.iter().cloned());
    key(parts.iter().map(String::as_str))
}

/// Makes the layers, unless they were made before. A layer whose blob is gone from the cache is made again when `blobs` asks for it.
pub(crate) async fn dependency_layers(
    dependencies: &Dependencies<'_>,
    blobs: Blobs,
    http: impl FnOnce() -> Result<Http, ImageError>,
    cache: &Cache,
    progress: &(dyn Fn(String) + Send + Sync),
) -> Result<DependencyLayers, ImageError> {
    let key = layers_key(dependencies);
    if let Some(known) = cache.record::<DependencyLayers>("wheel-layers", &key)
        && (blobs == Blobs::MayBeGone || known.layers.iter().all(|layer| cache.blob(&layer.digest).exists()))
    {
        return Ok(known);
    }
    let wheels = sorted(dependencies.wheels);
    let missing = wheels.iter().any(|wheel| !cache.wheel(&wheel.sha256).exists());
    let paths = match missing {
        true => fetch::fetch(&wheels, &http()?, cache, progress).await?,
        false => wheels.iter().map(|wheel| cache.wheel(&wheel.sha256)).collect(),
    };
    if !wheels.is_empty() {
        progress(format!("installing {} wheels", wheels.len()));
    }
    let sources: Vec<_> = paths.into_iter().zip(wheels).map(|(path, wheel)| (path, wheel.filename, wheel.name)).collect();
    let (scheme, skeleton) = (dependencies.scheme.clone(), dependencies.skeleton.clone());
    let plans =
        spawn_blocking(move || plan(&sources, &scheme, skeleton)).await.map_err(|error| ImageError::interrupted(&error))??;
    let made = write_all(plans, dependencies.packing, cache).await?;
    let warnings = elf::warnings(&made.objects, &made.names, dependencies.base_libraries);
    let layers = DependencyLayers { layers: made.layers, warnings };
    cache.put_record("wheel-layers", &key, &layers)?;
    Ok(layers)
}

/// Whether the bytes of layers that were made before are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blobs {
    /// Only what they are is.
    MayBeGone,
    /// They are.
    Needed,
}

/// Sorted by name and content, without repetition: the order in which a lock lists them is of no consequence.
fn sorted(wheels: &[Wheel]) -> Vec<Wheel> {
    let mut sorted = wheels.to_vec();
    sorted.sort_by(|a, b| (normalized(&a.name), &a.sha256).cmp(&(normalized(&b.name), &b.sha256)));
    sorted.dedup_by(|a, b| a.sha256 == b.sha256);
    sorted
}

fn plan(sources: &[(PathBuf, String, String)], scheme: &Scheme, skeleton: Tree<Vec<u8>>) -> Result<Vec<Plan>, WheelError> {
    let installed: Vec<(Installed, u64)> = sources
        .par_iter()
        .map(|(path, filename, name)| {
            let size = fs::metadata(path).map_err(|source| WheelError::Unreadable { filename: filename.clone(), source })?.len();
            Ok((install(&mut WheelArchive::open(path, filename)?, name, scheme)?, size))
        })
        .collect::<Result<_, WheelError>>()?;
    let repeated = check_conflicts(sources, &installed, &skeleton)?;
    let mut big: Vec<usize> =
        (0..sources.len()).filter(|wheel| installed.get(*wheel).is_some_and(|(_, size)| *size >= BIG)).collect();
    big.sort_by_key(|wheel| (std::cmp::Reverse(installed.get(*wheel).map(|(_, size)| *size)), *wheel));
    big.truncate(MOST_ALONE);
    big.sort_unstable();
    let rest: Vec<usize> = (0..sources.len()).filter(|wheel| !big.contains(wheel)).collect();
    let mut groups: Vec<(Vec<usize>, Tree<Vec<u8>>)> = big.into_iter().map(|wheel| (vec![wheel], Tree::default())).collect();
    groups.push((rest, skeleton));
    groups
        .into_iter()
        .map(|(wheels, skeleton)| {
            let mut tree = Tree::default();
            let taken =
                |clash: Clash| WheelError::invalid("a wheel", format!("it installs below `{}`, which is a file", clash.path));
            for (path, node) in skeleton.iter() {
                tree.insert(path, made(node)).map_err(taken)?;
            }
            let mut files = Vec::new();
            for (number, wheel) in wheels.iter().enumerate() {
                let Some(((installed, _), source)) = installed.get(*wheel).zip(sources.get(*wheel)) else { continue };
                files.push((source.0.clone(), source.1.clone()));
                for file in installed.files.iter().filter(|file| !repeated.contains(&(*wheel, file.path.as_str()))) {
                    let content = match &file.bytes {
                        FileBytes::Member(index) => Piece::Member { wheel: number, index: *index },
                        FileBytes::Made(bytes) => Piece::Made(bytes.clone()),
                    };
                    let node = Node::File { mode: file.mode, size: file.size, time: EPOCH, content };
                    tree.insert(&file.path, node).map_err(|clash| {
                        WheelError::invalid(&source.1, format!("it installs `{}`, and `{}` is no folder", file.path, clash.path))
                    })?;
                }
            }
            Ok(Plan { tree, wheels: files })
        })
        .collect()
}

fn made(node: &Node<Vec<u8>>) -> Node<Piece> {
    match node {
        Node::Directory => Node::Directory,
        Node::Link { target } => Node::Link { target: target.clone() },
        Node::File { mode, size, time, content } => {
            Node::File { mode: *mode, size: *size, time: *time, content: Piece::Made(content.clone()) }
        }
    }
}

/// Refuses wheels that write one path with different bytes; returns the files that others install just the same.
fn check_conflicts<'a>(
    sources: &[(PathBuf, String, String)],
    installed: &'a [(Installed, u64)],
    skeleton: &Tree<Vec<u8>>,
) -> Result<BTreeSet<(usize, &'a str)>, WheelError> {
    let mut first: BTreeMap<&str, (usize, &FileBytes)> = BTreeMap::new();
    let mut repeated = BTreeSet::new();
    let filename = |wheel: usize| sources.get(wheel).map(|source| source.1.clone()).unwrap_or_default();
    for (wheel, (installed, _)) in installed.iter().enumerate() {
        for file in &installed.files {
            if skeleton.get(&file.path).is_some() {
                return Err(WheelError::invalid(
                    &filename(wheel),
                    format!("it installs `{}`, which every environment has", file.path),
                ));
            }
            match first.get(file.path.as_str()) {
                None => drop(first.insert(&file.path, (wheel, &file.bytes))),
                Some((other, bytes)) => {
                    if read(sources, *other, bytes)? != read(sources, wheel, &file.bytes)? {
                        return Err(WheelError::Conflict {
                            path: file.path.clone(),
                            first: filename(*other),
                            second: filename(wheel),
                        });
                    }
                    repeated.insert((wheel, file.path.as_str()));
                }
            }
        }
    }
    Ok(repeated)
}

fn read(sources: &[(PathBuf, String, String)], wheel: usize, bytes: &FileBytes) -> Result<Vec<u8>, WheelError> {
    match (bytes, sources.get(wheel)) {
        (FileBytes::Made(bytes), _) => Ok(bytes.clone()),
        (FileBytes::Member(index), Some((path, filename, _))) => WheelArchive::open(path, filename)?.read(*index),
        (FileBytes::Member(_), None) => Ok(Vec::new()),
    }
}

#[derive(Default)]
struct Made {
    layers: Vec<LayerBlob>,
    objects: Vec<elf::Object>,
    names: BTreeSet<String>,
}

async fn write_all(plans: Vec<Plan>, packing: Packing, cache: &Cache) -> Result<Made, ImageError> {
    let mut writing = JoinSet::new();
    for (number, plan) in plans.into_iter().enumerate() {
        let cache = cache.clone();
        writing.spawn_blocking(move || (number, write_one(plan, packing, &cache)));
    }
    let mut written = BTreeMap::new();
    while let Some(joined) = writing.join_next().await {
        let (number, outcome) = joined.map_err(|error| ImageError::interrupted(&error))?;
        written.insert(number, outcome?);
    }
    let mut made = Made::default();
    for (layer, objects, names) in written.into_values() {
        made.layers.push(layer);
        made.objects.extend(objects);
        made.names.extend(names);
    }
    Ok(made)
}

fn write_one(plan: Plan, packing: Packing, cache: &Cache) -> Result<(LayerBlob, Vec<elf::Object>, BTreeSet<String>), ImageError> {
    let names = plan.tree.iter().filter(|(path, _)| elf::is_library(path)).map(|(path, _)| elf::file_name(path).to_owned());
    let names = names.collect();
    let archives = plan.wheels.iter().map(|(path, filename)| WheelArchive::open(path, filename)).collect::<Result<_, _>>()?;
    let mut content = Pieces { archives, objects: Vec::new() };
    let blob = layer::write(&plan.tree, &mut content, packing, cache)?;
    Ok((blob, content.objects, names))
}

struct Pieces {
    archives: Vec<WheelArchive>,
    objects: Vec<elf::Object>,
}

impl Content<Piece> for Pieces {
    fn open<'a>(&'a mut self, content: &'a Piece) -> io::Result<Box<dyn Read + 'a>> {
        match content {
            Piece::Made(bytes) => Ok(Box::new(Cursor::new(bytes))),
            Piece::Member { wheel, index } => {
                let archive = self.archives.get_mut(*wheel).ok_or_else(|| io::Error::other("its wheel is gone"))?;
                let filename = archive.filename().to_owned();
                let mut member = archive.open_member(*index)?;
                let mut start = [0; 4];
                let length = fill(&mut member, &mut start)?;
                let start = start.get(..length).unwrap_or_default().to_vec();
                if !elf::begins_as_elf(&start) {
                    return Ok(Box::new(Cursor::new(start).chain(member)));
                }
                let mut bytes = start;
                member.read_to_end(&mut bytes)?;
                self.objects.extend(elf::Object::read(&bytes, &filename));
                Ok(Box::new(Cursor::new(bytes)))
            }
        }
    }
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest)? {
            0 => break,
            given => filled += given,
        }
    }
    Ok(filled)
}
