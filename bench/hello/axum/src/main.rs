use axum::{Router, routing::get};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let at = std::env::args().nth(1).expect("an address");
    let app = Router::new().route("/", get(async || "Hello, World!"));
    axum::serve(tokio::net::TcpListener::bind(at).await?, app).await
}
