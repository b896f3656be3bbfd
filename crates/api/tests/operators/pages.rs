//! The web UI's files: who asks for a page gets it at every address of a view; programs hear the truth.

use super::world::World;
use hyper::Method;

const PAGE: [(&str, &str); 1] = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];

#[tokio::test(flavor = "multi_thread")]
async fn every_view_has_an_address_and_programs_are_told_of_none() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path()).await;
    for view in ["/", "/machines", "/machines/52:54:00:00:00:03", "/no-such-view"] {
        let got = world.ask(Method::GET, view, &PAGE, "").await;
        assert_eq!(
            (got.status.as_u16(), got.text.as_str()),
            (200, "<title>the UI</title>"),
            "{view}"
        );
        assert_eq!(got.headers["cache-control"], "no-cache", "{view}");
        assert_eq!(got.headers["x-content-type-options"], "nosniff", "{view}");
        let policy = got.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe") && !policy.contains("data:"), "{policy}");
    }
    for none in ["/machines", "/api", "/api/v2", "/assets/none.js", "/assets/index.html"] {
        let got = world.ask(Method::GET, none, &[("accept", "*/*")], "").await;
        assert_eq!(got.status, 404, "{none}");
        assert_eq!(got.headers["content-type"], "application/problem+json", "{none}");
    }
    let deep = world.ask(Method::GET, "/api/v1/machine", &PAGE, "").await;
    assert_eq!(deep.status, 404, "what is no view is none for people either");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_named_by_its_content_is_kept_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path()).await;
    let packed = [("accept-encoding", "gzip, br")];
    let got = world.ask(Method::GET, "/assets/a-1f.js", &packed, "").await;
    assert_eq!((got.status.as_u16(), got.text.as_str()), (200, "packed"));
    assert_eq!(got.headers["content-encoding"], "gzip");
    assert_eq!(got.headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(got.headers["cache-control"], "public, max-age=31536000, immutable");
    let got = world.ask(Method::GET, "/assets/a-1f.js", &[], "").await;
    assert_eq!(got.text, "\"plain\"");
    assert!(got.headers.get("content-encoding").is_none());
    world.stop().await;
}
