//! Pages from templates: a layout, a component, loops, plugins, and a page that is longer than memory should be.
//!
//! `cargo run -p examples --bin templates`, then <http://127.0.0.1:3000/>, `/numbers` and `/mail`. Change a
//! file in `examples/templates` and reload: debug builds notice. Release builds have the files inside.

use rust_embed::RustEmbed;
use serde::Serialize;
use shikra::prelude::*;
use shikra::templates::{Templates, context};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Files;

#[derive(Serialize)]
struct Shelf {
    books: &'static [Book],
}

#[derive(Serialize)]
struct Book {
    title: &'static str,
    cents: u32,
    on_sale: bool,
}

const BOOKS: &[Book] = &[
    Book { title: "Type & Trait", cents: 1999, on_sale: false },
    Book { title: "<Async>", cents: 950, on_sale: true },
];

fn templates() -> Templates {
    let templates = Templates::new("views")
        .with_layouts("layouts")
        .with_components("components")
        .with_plugin("visitor", || "stranger")
        .with_plugin("price", |cents: u32| format!("{}.{:02} €", cents / 100, cents % 100));
    if cfg!(debug_assertions) {
        return templates.with_base(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"));
    }
    let files = Files::iter().filter_map(|path| {
        let text = String::from_utf8(Files::get(&path)?.data.into_owned()).ok()?;
        Some((path, text))
    });
    templates.with_embedded(files)
}

/// What belongs to one request is a plugin of its pages alone.
async fn know_visitor(req: Request, next: Next) -> Response {
    if let Some(name) = req.cookie("name").map(Cow::into_owned) {
        req.add_page_plugin("visitor", move || name.clone());
    }
    next.run(req).await
}

fn app(templates: Templates) -> App {
    let mut app = App::new();
    app.use_(know_visitor).state(templates.clone()).set_engine(templates);
    app.get("/", async |req| req.render("shelf", &Shelf { books: BOOKS }).await);
    app.get("/numbers", async |req| {
        let numbers: Vec<u32> = (0..100_000).collect();
        req.render_stream("numbers", &context! { numbers }).await
    });
    app.get("/mail", async |req| {
        let order = context! { name: "Ada", count: BOOKS.len() };
        Ok(req.state::<Templates>().generate("mail/order", &order)?)
    });
    app
}

fn main() -> std::io::Result<()> {
    let templates = templates();
    for warning in templates.precompile()? {
        eprintln!("{warning}");
    }
    app(templates).listen("127.0.0.1:3000")
}

#[cfg(test)]
mod tests {
    use super::*;
    use shikra::testing::TestClient;

    #[test]
    fn the_shelf_has_layout_components_and_plugins() {
        let templates = templates();
        assert!(templates.precompile().unwrap().is_empty());
        let client = TestClient::new(app(templates));
        let page = client.get("/").header("cookie", "name=Ann").send().text();
        assert!(page.contains("<h1>Our books</h1>") && page.contains("Hello Ann."), "{page}");
        assert!(page.contains("<li>Type &amp; Trait: 19.99 €</li>"), "{page}");
        assert!(page.contains("&lt;Async&gt;: 9.50 €\n <b>now cheaper</b></li>"), "{page}");
        assert!(page.contains("<footer>2 books</footer>"), "{page}");
        assert!(client.get("/").send().text().contains("Hello stranger."));
        assert!(client.get("/numbers").send().text().contains("<i>99999</i>"));
        assert!(client.get("/mail").send().text().contains("Dear Ada, your order of 2 books"));
    }

    #[test]
    fn all_files_are_embedded_too() {
        assert_eq!(Files::iter().count(), 6);
    }
}
