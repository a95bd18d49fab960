//! The guide and the pages for those who come from elsewhere: whole, linked, and compiled.

use shikra::prelude::*;
use shikra::testing::TestClient;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pages(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ext| ext == "md")).collect()
}

#[test]
fn every_page_is_listed_and_its_examples_are_compiled() {
    let compiled = fs::read_to_string(root().join("crates/shikra/src/guide.rs")).unwrap();
    let list = fs::read_to_string(root().join("docs/guide/README.md")).unwrap();
    let mut pages_seen = 0;
    for folder in ["guide", "coming-from"] {
        for page in pages(&format!("docs/{folder}")) {
            let name = page.file_name().unwrap().to_str().unwrap();
            if name == "README.md" {
                continue;
            }
            pages_seen += 1;
            let included = format!("include_str!(\"../../../docs/{folder}/{name}\")");
            assert!(compiled.contains(&included), "{name} is not compiled");
            assert!(list.contains(&format!("{name})")), "{name} is not listed");
            let text = fs::read_to_string(&page).unwrap();
            for fence in text.lines().filter(|line| line.starts_with("```")) {
                assert!(
                    ["```", "```rust", "```toml"].contains(&fence),
                    "{name}: {fence} does not run"
                );
            }
        }
    }
    assert!(pages_seen >= 10, "{pages_seen}");
}

#[test]
fn no_link_between_pages_leads_nowhere() {
    for folder in ["docs", "docs/guide", "docs/coming-from"] {
        for page in pages(folder) {
            let text = fs::read_to_string(&page).unwrap();
            for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
                let target = link.0.split('#').next().unwrap();
                let is_file = !target.is_empty() && !target.contains("://");
                let path = page.parent().unwrap().join(target);
                assert!(!is_file || path.exists(), "{}: {target}", page.display());
            }
        }
    }
}

/// PO-004: the methods, patterns and middleware of Express under their names, and what differs on a page.
#[test]
fn the_words_of_express_are_the_words_here() {
    async fn who(req: Request) -> String {
        let id = req.param_str("id").unwrap_or("-");
        format!("{} {id}", req.method())
    }
    async fn hello(req: Request, next: Next) -> Response {
        req.meta().insert("hello");
        next.run(req).await
    }
    let mut app = App::new();
    app.use_(hello).use_at("/admin", before(async |_| Some(403)));
    app.get("/users/:id?", who).post("/users/:id?", who).put("/users/:id?", who);
    app.patch("/users/:id?", who).delete("/users/:id?", who);
    app.options("/users/:id?", who).any("/all/*", who);
    app.get("/admin", async |_| "never seen");
    app.get("/", async |req| req.meta().get::<&str>().map(|word| *word));
    let client = TestClient::new(app);
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let ask = |path: &str| client.request(method.parse().unwrap(), path).send();
        ask("/users/7").assert_status(200).assert_text(&format!("{method} 7"));
        ask("/users").assert_text(&format!("{method} -"));
        ask("/all/a/b").assert_text(&format!("{method} -"));
    }
    client.get("/").send().assert_text("hello");
    client.get("/admin").send().assert_status(403);

    let page = fs::read_to_string(root().join("docs/coming-from/polka-express.md")).unwrap();
    let words = "app.get app.use app.all app.listen next() next(err) req.params req.query req.path req.body \
                 res.send res.json res.status res.redirect res.set res.cookie onError onNoMatch";
    for word in words.split(' ') {
        assert!(page.contains(word), "{word}");
    }
    for difference in
        ["most exact route wins", "regular expressions", "thrown anywhere", "below a mount"]
    {
        assert!(page.contains(difference), "{difference}");
    }
}
