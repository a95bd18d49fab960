//! Shikra's connection loop alone: what is left when the framework does nothing. It answers by the text of the
//! path, and only what the framework's share is measured with.

use bytes::Bytes;
use http::StatusCode;
use server_common::{HELLO, HTML, Options, TEXT, page};
use shikra_engine::config::Config;
use shikra_engine::server::Server;
use shikra_engine::service::{Answer, Exchange, Extra, Lease, Reply, ReplyBody};
use shikra_engine::service::{Service, ServiceFactory};
use std::io;
use std::rc::Rc;

fn main() -> io::Result<()> {
    let options = Options::from_args();
    let mut config = Config::default();
    config.workers = options.workers;
    let server = Server::bind(("127.0.0.1", options.port), config)?;
    let report = server.start(Engine)?.wait();
    println!("{report:?}");
    Ok(())
}

struct Engine;

impl ServiceFactory for Engine {
    type Service = Self;

    async fn make(&self, _: Lease) -> io::Result<Self> {
        Ok(Self)
    }
}

#[derive(Default)]
struct Nothing;

impl Extra for Nothing {
    fn reset(&mut self) {}
}

impl Service for Engine {
    type Extra = Nothing;
    type Response = Reply;

    fn call(&self, exchange: &mut Rc<Exchange<Nothing>>) -> Answer<Reply> {
        let path = exchange.head().path();
        Answer::Now(match path {
            "/plaintext" => reply(TEXT, ReplyBody::Static(HELLO.as_bytes())),
            "/html" => reply(HTML, ReplyBody::Bytes(Bytes::from(page()))),
            _ => match path.strip_prefix("/users/") {
                Some(id) => reply(TEXT, ReplyBody::Owned(format!("User: {id}").into_bytes())),
                None => Reply::new(StatusCode::NOT_FOUND),
            },
        })
    }

    fn finish(&self, _: &Rc<Exchange<Nothing>>, reply: Reply) -> Answer<Reply> {
        Answer::Now(reply)
    }

    fn as_reply<'a>(&self, reply: &'a mut Reply) -> Option<&'a mut Reply> {
        Some(reply)
    }

    fn recover(&self, _: &Rc<Exchange<Nothing>>, _: String) -> Answer<Reply> {
        Answer::Now(Reply::new(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

fn reply(content_type: &'static str, body: ReplyBody) -> Reply {
    let mut reply = Reply::new(StatusCode::OK);
    reply.content_type = Some(content_type);
    reply.body = body;
    reply
}
