//! Hands the build context to the engine: it asks for a folder, is told what is in it, and fetches what it does not have yet.
//!
//! The protocol is BuildKit's file synchronisation (fsutil): a description of every file in order, an empty one at the end, then
//! the content of each file that was asked for, by its place in that order. Only changed files travel.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bollard::fsutil::types::{Packet, Stat, packet::PacketType};
use bollard::moby::filesync::packet::file_sync_server::FileSync;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::patterns::Patterns;
use super::walk::{self, Selection};

/// Bytes of a file that travel in one packet.
const PIECE: usize = 64 * 1024;

/// Packets that wait to be sent.
const QUEUE: usize = 64;

/// The folders that the engine may ask for, by name.
#[derive(Debug)]
pub(super) struct Files {
    folders: BTreeMap<String, PathBuf>,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Files {
    pub(super) fn new(folders: BTreeMap<String, PathBuf>, warnings: Arc<Mutex<Vec<String>>>) -> Self {
        Self { folders, warnings }
    }
}

type Packets = Pin<Box<dyn Stream<Item = Result<Packet, Status>> + Send>>;

#[tonic::async_trait]
impl FileSync for Files {
    type DiffCopyStream = Packets;
    type TarStreamStream = Packets;

    async fn diff_copy(&self, request: Request<Streaming<Packet>>) -> Result<Response<Packets>, Status> {
        let wanted = Wanted::read(request.metadata());
        let name = wanted.folder.as_str();
        let Some(root) = self.folders.get(name).cloned() else {
            return Err(Status::not_found(format!("no folder is called `{name}` in this build")));
        };
        let (packets, receiver) = mpsc::channel(QUEUE);
        let warnings = self.warnings.clone();
        tokio::spawn(serve(root, wanted.selection, request.into_inner(), packets, warnings));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn tar_stream(&self, _: Request<Streaming<Packet>>) -> Result<Response<Packets>, Status> {
        Err(Status::unimplemented("only `diffcopy` is spoken"))
    }
}

/// What the engine asks for, in the metadata of its request.
struct Wanted {
    folder: String,
    selection: Selection,
}

impl Wanted {
    fn read(metadata: &tonic::metadata::MetadataMap) -> Self {
        let values = |key: &str| -> Vec<String> {
            let encoded = metadata.get(format!("{key}-encoded")).is_some();
            let texts = metadata.get_all(key).iter().filter_map(|value| value.to_str().ok());
            texts.map(|text| if encoded { decode(text) } else { text.to_owned() }).collect()
        };
        let patterns = |key: &str| Patterns::new(values(key).iter().map(String::as_str));
        Self {
            folder: values("dir-name").into_iter().next().unwrap_or_default(),
            selection: Selection { include: patterns("include-patterns"), exclude: patterns("exclude-patterns") },
        }
    }
}

/// Values that are not ASCII come percent-encoded, as in a query of a URL.
fn decode(text: &str) -> String {
    let pair = format!("v={text}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Files by the place at which they were described.
type Described = Arc<Mutex<Vec<Option<PathBuf>>>>;

async fn serve(
    root: PathBuf,
    selection: Selection,
    mut requests: Streaming<Packet>,
    packets: mpsc::Sender<Result<Packet, Status>>,
    warnings: Arc<Mutex<Vec<String>>>,
) {
    let described = Described::default();
    let describing = {
        let (described, packets) = (described.clone(), packets.clone());
        tokio::task::spawn_blocking(move || describe(&root, &selection, &described, &packets, &warnings))
    };
    // Requests come while folders are still being described; they queue up, so that neither side waits for the other.
    let (asked, asking) = mpsc::unbounded_channel();
    let sending = {
        let packets = packets.clone();
        tokio::task::spawn_blocking(move || send_files(&described, asking, &packets))
    };
    while let Some(Ok(packet)) = requests.next().await {
        match packet.r#type() {
            PacketType::PacketReq => {
                let _ = asked.send(packet.id);
            }
            PacketType::PacketFin => {
                let _ = packets.send(Ok(empty(PacketType::PacketFin))).await;
                break;
            }
            PacketType::PacketErr | PacketType::PacketStat | PacketType::PacketData => break,
        }
    }
    drop((asked, packets));
    let _ = tokio::join!(describing, sending);
}

fn describe(
    root: &Path,
    selection: &Selection,
    described: &Described,
    packets: &mpsc::Sender<Result<Packet, Status>>,
    warnings: &Mutex<Vec<String>>,
) {
    let told = walk::walk(root, selection, &mut |stat: Stat, path: Option<PathBuf>| {
        described.lock().unwrap_or_else(PoisonError::into_inner).push(path);
        let packet = Packet { stat: Some(stat), ..empty(PacketType::PacketStat) };
        packets.blocking_send(Ok(packet)).is_ok()
    });
    match told {
        Ok(left_out) => {
            let mut warnings = warnings.lock().unwrap_or_else(PoisonError::into_inner);
            warnings.extend(left_out);
            let _ = packets.blocking_send(Ok(empty(PacketType::PacketStat)));
        }
        Err(error) => {
            let _ = packets.blocking_send(Err(Status::internal(error.to_string())));
        }
    }
}

fn send_files(described: &Described, mut asked: mpsc::UnboundedReceiver<u32>, packets: &mpsc::Sender<Result<Packet, Status>>) {
    while let Some(id) = asked.blocking_recv() {
        let path = {
            let described = described.lock().unwrap_or_else(PoisonError::into_inner);
            usize::try_from(id).ok().and_then(|place| described.get(place).cloned().flatten())
        };
        let sent = match path {
            Some(path) => send_file(id, &path, packets),
            None => Err(Status::invalid_argument(format!("file {id} was never described"))),
        };
        if let Err(status) = sent {
            let _ = packets.blocking_send(Err(status));
            return;
        }
    }
}

fn send_file(id: u32, path: &Path, packets: &mpsc::Sender<Result<Packet, Status>>) -> Result<(), Status> {
    let unreadable = |error: std::io::Error| Status::internal(format!("{}: {error}", path.display()));
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    loop {
        let mut data = vec![0; PIECE];
        let read = file.read(&mut data).map_err(unreadable)?;
        data.truncate(read);
        let packet = Packet { id, data, ..empty(PacketType::PacketData) };
        // An empty piece tells that the file has ended. A receiver that is gone has asked for nothing more.
        if packets.blocking_send(Ok(packet)).is_err() || read == 0 {
            return Ok(());
        }
    }
}

fn empty(kind: PacketType) -> Packet {
    Packet { r#type: kind.into(), stat: None, id: 0, data: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_encoded_or_not() {
        let mut metadata = tonic::metadata::MetadataMap::new();
        metadata.insert("dir-name", "context".parse().expect("value"));
        metadata.append("exclude-patterns", "caf%C3%A9".parse().expect("value"));
        metadata.append("exclude-patterns", "a+b%20c".parse().expect("value"));
        metadata.insert("exclude-patterns-encoded", "1".parse().expect("value"));
        let wanted = Wanted::read(&metadata);
        assert_eq!(wanted.folder, "context");
        assert!(wanted.selection.exclude.matches("café") && wanted.selection.exclude.matches("a b c"));
        assert!(wanted.selection.include.is_empty());
    }
}
