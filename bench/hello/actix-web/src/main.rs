use actix_web::{App, HttpServer, web};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let at = std::env::args().nth(1).expect("an address");
    let app = || App::new().route("/", web::get().to(async || "Hello, World!"));
    HttpServer::new(app).bind(at)?.run().await
}
