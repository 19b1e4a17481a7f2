//! What a layer holds: paths in byte order, each with its parents.

use std::collections::BTreeMap;

/// A tree of files, to be written as one layer. Paths are relative to the root, with `/` between their parts.
#[derive(Debug, Clone)]
pub struct Tree<C> {
    nodes: BTreeMap<String, Node<C>>,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<C> {
    /// A folder, mode 0755.
    Directory,
    /// A regular file.
    File {
        /// Its mode.
        mode: Mode,
        /// Its bytes.
        size: u64,
        /// Its modification time, in seconds since 1970.
        time: u64,
        /// Where its bytes come from.
        content: C,
    },
    /// A symbolic link.
    Link {
        /// Where it points.
        target: String,
    },
}

/// The modes that files of an image have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// 0644.
    Plain,
    /// 0755.
    Executable,
}

/// A path is taken by something else: `path` by an entry, or one of its parents by something that is no folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The path that is taken.
    pub path: String,
}

impl Mode {
    /// Returns the permission bits.
    pub fn bits(self) -> u32 {
        match self {
            Self::Plain => 0o644,
            Self::Executable => 0o755,
        }
    }
}

impl<C> Default for Tree<C> {
    fn default() -> Self {
        Self { nodes: BTreeMap::new() }
    }
}

impl<C> Tree<C> {
    /// Adds an entry and the folders above it.
    ///
    /// # Errors
    /// When the path is taken. A folder that is there already is no clash.
    pub fn insert(&mut self, path: &str, node: Node<C>) -> Result<(), Clash> {
        for (end, _) in path.match_indices('/') {
            let parent = path.get(..end).unwrap_or_default();
            match self.nodes.get(parent) {
                Some(Node::Directory) => {}
                Some(_) => return Err(Clash { path: parent.to_owned() }),
                None => {
                    self.nodes.insert(parent.to_owned(), Node::Directory);
                }
            }
        }
        match (self.nodes.get(path), &node) {
            (None, _) => {
                self.nodes.insert(path.to_owned(), node);
                Ok(())
            }
            (Some(Node::Directory), Node::Directory) => Ok(()),
            (Some(_), _) => Err(Clash { path: path.to_owned() }),
        }
    }

    /// Returns the entry at a path.
    pub fn get(&self, path: &str) -> Option<&Node<C>> {
        self.nodes.get(path)
    }

    /// Walks the entries in byte order, so that a folder comes before what is in it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node<C>)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Tells whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}
