//! The showcase on a free port, with a browser in front of it.

use e2e::Browser;
use shikra::{App, AppHandle};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

/// A running showcase with an empty board, and a browser.
pub(crate) struct Site {
    pub(crate) browser: Browser,
    server: AppHandle,
}

impl Site {
    pub(crate) fn start() -> Self {
        let mut app = App::new();
        showcase::register(&mut app).unwrap();
        let server = app.workers(1).start("127.0.0.1:0").unwrap();
        Self { browser: Browser::start(), server }
    }

    pub(crate) fn open(&self, path: &str) {
        self.browser.open(&self.url(path));
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.addr())
    }

    /// Fills the form in and sends it.
    pub(crate) fn pin(&self, text: &str, author: &str, color: &str) {
        self.browser.find("#text").write(text);
        self.browser.find("#author").clear();
        self.browser.find("#author").write(author);
        self.browser.find(&format!("input[value={color}]")).click();
        self.browser.find("#compose [type=submit]").click();
    }

    /// Waits until the board shows this many notes.
    pub(crate) fn wait_for_count(&self, count: usize) {
        let _ = self.browser.find_path(&format!("//*[@id='count'][text()='{count}']"));
        let shown = self.browser.run("return document.querySelectorAll('#notes > .note').length");
        assert_eq!(shown, count);
    }

    /// With `E2E_PICTURES` set to a folder, leaves there a picture of what the browser shows.
    pub(crate) fn keep(&self, name: &str) {
        if let Some(folder) = std::env::var_os("E2E_PICTURES") {
            let file = Path::new(&folder).join(format!("{name}.png"));
            std::fs::write(file, self.browser.picture()).unwrap();
        }
    }

    /// Puts a note on the board behind the browser's back.
    pub(crate) fn post(&self, text: &str, author: &str, color: &str) {
        let body = format!(r#"{{"text":"{text}","author":"{author}","color":"{color}"}}"#);
        let mut stream = TcpStream::connect(self.server.addr()).unwrap();
        write!(
            stream,
            "POST /api/notes HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 201 "), "{reply}");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // The second call cuts the connections that the browser keeps.
        self.server.stop();
        self.server.stop();
        self.server.wait();
    }
}
