//! Somebody else's reader of OpenAPI asks everything that the description says can be asked, rightly and
//! wrongly, and compares every answer with it: schemathesis, which `./x test` fetches.
//!
//! `SCHEMATHESIS_EXAMPLES` is how many requests of each kind it makes up for each route.

mod common;

use common::{Server, skipped};
use std::path::Path;

/// Requests that it makes up for each route, unless more are asked for.
const EXAMPLES: &str = "25";
/// What is not asked, and why.
const LEFT_OUT: [&str; 5] = [
    // It lasts until whoever listens goes away.
    "/api/v1/events",
    // It reads as slowly as it is asked to: by one byte a second, for instance.
    "/api/v1/scrub",
    // Its links are used once, and its form answers people in HTML.
    "/first/{token}",
    // Ends the token that all of this is asked with, if it is found among the others.
    "/api/v1/tokens/{token}",
    // Counts tries by source: after ten every answer is that it is too often.
    "/api/v1/session",
];

#[test]
#[ignore = "needs schemathesis, which ./x test fetches"]
fn every_answer_of_the_api_is_one_that_its_description_knows() {
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/schemathesis");
    if !judge.join("bin/schemathesis").exists() {
        skipped(&format!("schemathesis is not in {}; ./x test fetches it", judge.display()));
        return;
    }
    let Some(server) = Server::start() else { return };
    furnish(&server);
    let token = server.says(&["token", "add", "judge", "--role", "admin"]);
    let examples = std::env::var("SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    let mut judged = server.inside(judge.join("bin/schemathesis"));
    judged
        .arg("run")
        .arg(described(&server))
        .args(["--url", "http://127.0.0.1:7070"])
        .args(["--header", &format!("Authorization: Bearer {}", token.trim())])
        .args(["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", &examples])
        .args(["--seed", "6", "--request-timeout", "20", "--continue-on-failure"])
        // That a schema cannot say everything that is refused is no fault: the refusal says it.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--generation-database", ":memory:", "--no-color"])
        .env("PYTHONPATH", &judge)
        .current_dir(server.folder.path());
    for path in LEFT_OUT {
        judged.args(["--exclude-path", path]);
    }
    let output = judged.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    if let Some(file) = std::env::var_os("SCHEMATHESIS_REPORT") {
        std::fs::write(file, said.as_bytes()).unwrap();
    }
    let status = server.says(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["bugs"], 0, "requests hit a bug");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", said.lines().rev().take(20).collect::<Vec<_>>().join("\n"));
}

/// The description without the headers that are made up alike for every request: under one
/// `Idempotency-Key` all but the first would be refused, and never read.
fn described(server: &Server) -> std::path::PathBuf {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let mut document: serde_json::Value =
        serde_json::from_slice(&std::fs::read(kept).unwrap()).unwrap();
    let alike = ["Idempotency-Key", "If-Match", "If-None-Match"];
    let paths = document["paths"].as_object_mut().unwrap().values_mut();
    for operation in paths.flat_map(|path| path.as_object_mut().unwrap().values_mut()) {
        let parameters = operation["parameters"].as_array_mut().unwrap();
        parameters.retain(|one| !alike.iter().any(|name| one["name"] == *name));
    }
    let file = server.folder.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    file
}

/// Something of each kind, so that what is asked about is there.
fn furnish(server: &Server) {
    for mac in ["52:54:00:77:00:01", "52:54:00:77:00:02"] {
        server.says(&["machine", "set", mac, "--label", "room=3"]);
    }
    let image = server.folder.path().join("image");
    std::fs::create_dir(&image).unwrap();
    std::fs::write(image.join("linux"), b"kernel").unwrap();
    std::fs::write(image.join("initrd.gz"), b"initrd").unwrap();
    let image = image.to_str().unwrap();
    server.says(&["image", "import", image, "--name", "files", "--accept-unsigned"]);
    server.says(&["profile", "add", "debian", "--image", "files"]);
    server.says(&["rule", "add", "--profile", "debian", "--arch", "x64-uefi"]);
}
