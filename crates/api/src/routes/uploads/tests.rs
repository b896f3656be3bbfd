//! Uploads over a real socket: by our own client, and by one that does everything wrong.

use super::{Desk, append, create, list, remove, show};
use crate::client::{Client, Error};
use crate::server::{Running, start_with};
use crate::types::{Done, UploadView};
use axum::Router;
use axum::routing::get;
use library::{Blobs, Uploads};
use model::Now;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

const NOW: Now = Now(1_795_651_200_000);
const MEBIBYTE: usize = 1 << 20;

struct World {
    folder: tempfile::TempDir,
    blobs: Arc<Blobs>,
    client: Client,
    socket: PathBuf,
    running: Running,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Arc::new(Blobs::open_at(folder.path()).unwrap());
        let socket = folder.path().join("socket");
        let running = serving(&blobs, &socket);
        Self { blobs, client: Client::new(socket.clone()), socket, running, folder }
    }

    /// Another server in the place of the one that runs.
    async fn restart(&mut self) {
        std::fs::remove_file(&self.socket).unwrap();
        let after = serving(&self.blobs, &self.socket);
        std::mem::replace(&mut self.running, after).stop().await;
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// What is at an upload's place, whole.
    fn bytes(&self, id: &str) -> Vec<u8> {
        let taken = Uploads::of(&self.blobs).unwrap().take(id).unwrap();
        std::fs::read(taken.path()).unwrap()
    }

    /// Sends the start of a request, and goes.
    async fn broken(&self, request: &[u8]) {
        UnixStream::connect(&self.socket).await.unwrap().write_all(request).await.unwrap();
    }

    /// Sends a request as it stands, and reads the answer to its end.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = UnixStream::connect(&self.socket).await.unwrap();
        // The server may answer, and go, before it has read all.
        drop(stream.write_all(request).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn announce(&self, size: u64) -> String {
        let wish = serde_json::json!({ "name": "a.iso", "size": size });
        let upload: UploadView =
            self.client.send(hyper::Method::POST, "/uploads", Some(&wish)).await.unwrap();
        upload.id
    }
}

fn serving(blobs: &Arc<Blobs>, socket: &Path) -> Running {
    let listener = UnixListener::bind(socket).unwrap();
    let desk = Desk { blobs: Arc::clone(blobs), now: || NOW };
    let router = Router::new()
        .route("/api/v1/uploads", get(list).post(create))
        .route("/api/v1/uploads/{id}", get(show).patch(append).delete(remove))
        .with_state(desk);
    start_with(listener, router)
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_and_compared() {
    let world = World::new();
    let bytes = content(5 * MEBIBYTE + 7);
    let file = world.file(&bytes);
    let mut heard = Vec::new();
    let mut sent = |bytes, total| {
        heard.push((bytes, total));
        true
    };
    let upload = world.client.upload(&file, "a.iso", Some(hex(&bytes)), &mut sent).await.unwrap();
    assert!(upload.whole && upload.name == "a.iso");
    assert!(heard.is_sorted() && heard.iter().all(|(_, total)| *total == bytes.len() as u64));
    assert!(world.bytes(&upload.id) == bytes);
    let all: Vec<UploadView> = world.client.get("/uploads").await.unwrap();
    assert_eq!(all, std::slice::from_ref(&upload));

    let path = format!("/uploads/{}", upload.id);
    let dry: Done = world
        .client
        .send(hyper::Method::DELETE, &format!("{path}?dry_run=true"), None::<&()>)
        .await
        .unwrap();
    assert!(!dry.done && dry.says.contains("a.iso"));
    let done: Done = world.client.send(hyper::Method::DELETE, &path, None::<&()>).await.unwrap();
    assert!(done.done);
    let gone = world.client.get::<UploadView>(&path).await.unwrap_err();
    assert!(matches!(gone, Error::Problem(problem) if problem.status == 404));

    let wrong = world
        .client
        .upload(&file, "a.iso", Some(hex(b"other")), &mut |_, _| true)
        .await
        .unwrap_err();
    assert!(wrong.to_string().contains("hashes to"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stopped_goes_on() {
    let world = World::new();
    let bytes = content(8 * MEBIBYTE);
    let file = world.file(&bytes);
    let stop_at = 3 * MEBIBYTE as u64;
    let stopped = world.client.upload(&file, "a.iso", None, &mut |bytes, _| bytes < stop_at).await;
    assert!(matches!(stopped, Err(Error::Stopped)));
    let all: Vec<UploadView> = world.client.get("/uploads").await.unwrap();
    let mut first = None;
    let mut sent = |bytes, _| {
        first.get_or_insert(bytes);
        true
    };
    // What was on its way is still being made safe; the client waits for that.
    let upload = world.client.go_on(&file, &all[0].id, &mut sent).await.unwrap();
    assert!(upload.whole && first.unwrap() > 0);
    assert!(world.bytes(&upload.id) == bytes);
    // Another file than the one that was announced.
    let id = world.announce(9).await;
    let other = world.client.go_on(&file, &id, &mut |_, _| true).await.unwrap_err();
    assert!(other.to_string().contains("not the 9"), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_leaves_what_came() {
    let world = World::new();
    let id = world.announce(100).await;
    let patch = |offset: u64, length: u64, body: &str| {
        format!(
            "PATCH /api/v1/uploads/{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    world.broken(patch(0, 50, "twenty bytes came..!").as_bytes()).await;
    // The answer of a broken request reaches nobody; the next request waits until it is written.
    let offset = loop {
        let upload = Uploads::of(&world.blobs).unwrap().show(&id).unwrap();
        if upload.offset > 0 {
            break upload.offset;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(offset, 20);
    // What came is safe before its file is let go of.
    let answer = loop {
        let answer = world.raw(patch(0, 5, "12345").as_bytes()).await;
        if !answer.contains("is being written") {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert!(answer.starts_with("HTTP/1.1 409") && answer.contains("upload-offset: 20"), "{answer}");
    let answer = world.raw(patch(20, 81, &"x".repeat(81)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // More than was announced, without saying how much.
    let chunked = format!(
        "PATCH /api/v1/uploads/{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUpload-Offset: 20\r\nTransfer-Encoding: chunked\r\n\r\n5a\r\n{}\r\n0\r\n\r\n",
        "x".repeat(90)
    );
    let answer = world.raw(chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("upload-offset: 20"), "{answer}");
    let answer = world.raw(patch(20, 80, &"x".repeat(80)).as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("upload-offset: 100"),
        "{answer}"
    );
    let head =
        format!("HEAD /api/v1/uploads/{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = world.raw(head.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("upload-offset: 100"),
        "{answer}"
    );
    assert!(answer.contains("upload-length: 100") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_that_make_no_sense_are_refused() {
    let world = World::new();
    for (wish, status) in [
        (serde_json::json!({ "name": "../a", "size": 1 }), 400),
        (serde_json::json!({ "name": "a", "size": 1, "sha256": "abc" }), 400),
        (serde_json::json!({ "name": "a", "size": -1 }), 400),
        (serde_json::json!({ "name": "a", "size": 1, "path": "/etc" }), 400),
        (serde_json::json!({ "name": "a", "size": 1_u64 << 41 }), 413),
    ] {
        let why = world
            .client
            .send::<UploadView>(hyper::Method::POST, "/uploads", Some(&wish))
            .await
            .unwrap_err();
        let Error::Problem(problem) = why else { panic!("{wish}: {why}") };
        assert_eq!(problem.status, status, "{wish}: {problem:?}");
    }
    let id = world.announce(1).await;
    let no_offset = format!(
        "PATCH /api/v1/uploads/{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"
    );
    let answer = world.raw(no_offset.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Upload-Offset"), "{answer}");
    let answer = world.raw(b"PATCH /api/v1/uploads/..%2f..%2fx HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUpload-Offset: 0\r\nContent-Length: 1\r\n\r\nx").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_send_at_once_one_is_told_to_wait_and_nothing_is_mixed() {
    let world = World::new();
    let bytes = content(3 * MEBIBYTE);
    let id = world.announce(bytes.len() as u64).await;
    let head = format!(
        "PATCH /api/v1/uploads/{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUpload-Offset: 0\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    );
    // The first sends half of its bytes: as soon as some are in the file, the upload is held.
    let mut first = UnixStream::connect(&world.socket).await.unwrap();
    let (half, rest) = bytes.split_at(2 * MEBIBYTE);
    first.write_all(&[head.as_bytes(), half].concat()).await.unwrap();
    let file = world.blobs.incoming().join("uploads").join(format!("{id}.data"));
    while file.metadata().unwrap().len() == 0 {
        tokio::task::yield_now().await;
    }
    let second = world.raw(format!("{head}other").as_bytes()).await;
    assert!(second.starts_with("HTTP/1.1 409") && second.contains("being written"), "{second}");
    let path = format!("/uploads/{id}");
    let removed = world.client.send::<Done>(hyper::Method::DELETE, &path, None::<&()>).await;
    assert!(matches!(removed, Err(Error::Problem(problem)) if problem.status == 409));
    first.write_all(rest).await.unwrap();
    let mut answer = Vec::new();
    first.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert!(world.bytes(&id) == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_cut_off_by_a_restart_of_the_server_goes_on() {
    let mut world = World::new();
    let bytes = content(6 * MEBIBYTE);
    let file = world.file(&bytes);
    let stop_at = 2 * MEBIBYTE as u64;
    let stopped = world.client.upload(&file, "a.iso", None, &mut |bytes, _| bytes < stop_at).await;
    assert!(matches!(stopped, Err(Error::Stopped)));
    let all: Vec<UploadView> = world.client.get("/uploads").await.unwrap();
    // The server ends, and another begins in the same state.
    world.restart().await;
    let mut first = None;
    let mut sent = |bytes, _| {
        first.get_or_insert(bytes);
        true
    };
    let upload = world.client.go_on(&file, &all[0].id, &mut sent).await.unwrap();
    assert!(upload.whole && upload.id == all[0].id && first.unwrap() > 0);
    assert!(world.bytes(&upload.id) == bytes);
}
