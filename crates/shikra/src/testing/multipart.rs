//! Bodies of several parts, as browsers send forms with files (RFC 7578).

use bytes::Bytes;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file for [`TestRequest::file`](super::TestRequest::file): from the disk, or from memory.
///
/// A path makes one from the disk: its last part is the name, and the extension decides the content
/// type (`application/octet-stream` where it is unknown).
///
/// ```
/// use shikra::{App, testing::{TestClient, TestFile}};
///
/// let client = TestClient::new(App::new().post("/", async |req| req.text_lossy().await));
/// let file = TestFile::from_bytes("notes.txt", "remember the milk").with_content_type("text/x");
/// let text = client.post("/").file("notes", file).send().text();
/// assert!(text.contains(r#"form-data; name="notes"; filename="notes.txt""#));
/// assert!(text.contains("Content-Type: text/x\r\n\r\nremember the milk\r\n"));
/// ```
#[derive(Clone, Debug)]
pub struct TestFile {
    name: String,
    content_type: Option<String>,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Disk(PathBuf),
    Memory(Bytes),
}

impl TestFile {
    /// A file from memory; the content type follows from the extension of the name.
    #[must_use]
    pub fn from_bytes(name: &str, content: impl Into<Bytes>) -> Self {
        let source = Source::Memory(content.into());
        Self { name: name.to_owned(), content_type: None, source }
    }

    /// A file from the disk, read when it is added to a request.
    #[must_use]
    pub fn from_path(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, content_type: None, source: Source::Disk(path.to_owned()) }
    }

    /// The same file under another name.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same file with a content type of its own.
    #[must_use]
    pub fn with_content_type(mut self, content_type: &str) -> Self {
        self.content_type = Some(content_type.to_owned());
        self
    }

    fn read(self) -> Result<(String, String, Bytes), String> {
        let content_type = self.content_type.unwrap_or_else(|| type_of(&self.name).to_owned());
        let content = match self.source {
            Source::Memory(content) => content,
            Source::Disk(path) => match fs::read(&path) {
                Ok(content) => content.into(),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(format!("file not found at path: {}", path.display()));
                }
                Err(error) => {
                    return Err(format!(
                        "file cannot be read at path: {}: {error}",
                        path.display()
                    ));
                }
            },
        };
        Ok((self.name, content_type, content))
    }
}

impl<P: AsRef<Path>> From<P> for TestFile {
    fn from(path: P) -> Self {
        Self::from_path(path)
    }
}

/// Parts, in the order of their adding.
#[derive(Debug, Default)]
pub(super) struct Multipart(Vec<Part>);

#[derive(Debug)]
struct Part {
    head: String,
    content: Bytes,
}

impl Multipart {
    pub(super) fn add_field(&mut self, name: &str, value: &str) {
        let head = format!("Content-Disposition: form-data; name=\"{}\"", escape(name));
        self.0.push(Part { head, content: Bytes::copy_from_slice(value.as_bytes()) });
    }

    pub(super) fn add_file(&mut self, field: &str, file: TestFile) -> Result<(), String> {
        let (name, content_type, content) = file.read()?;
        if content_type.contains(['\r', '\n']) {
            return Err(format!("a line break in the content type {content_type:?}"));
        }
        let head = format!(
            "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {content_type}",
            escape(field),
            escape(&name),
        );
        self.0.push(Part { head, content });
        Ok(())
    }

    /// The content type with its boundary, and the body.
    pub(super) fn encode(&self) -> (String, Bytes) {
        let mut boundary = boundary();
        while self.0.iter().any(|part| holds(&part.content, boundary.as_bytes())) {
            boundary = self::boundary();
        }
        let mut body = Vec::new();
        for part in &self.0 {
            body.extend_from_slice(format!("--{boundary}\r\n{}\r\n\r\n", part.head).as_bytes());
            body.extend_from_slice(&part.content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={boundary}"), body.into())
    }
}

/// Random, so that no test comes to rely on one: the keys of the standard library's maps are.
fn boundary() -> String {
    let (one, other) = (RandomState::new().hash_one(0), RandomState::new().hash_one(1));
    format!("shikra-{one:016x}{other:016x}")
}

fn holds(content: &[u8], text: &[u8]) -> bool {
    content.windows(text.len()).any(|window| window == text)
}

/// As browsers write names: RFC 7578 §4.2, and the form encoding of HTML for the bytes that would end
/// the name.
fn escape(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn type_of(name: &str) -> &'static str {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    let found = TYPES.iter().find(|(known, _)| *known == extension);
    found.map_or("application/octet-stream", |(_, content_type)| content_type)
}

const TYPES: [(&str, &str); 27] = [
    ("avif", "image/avif"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("mjs", "text/javascript"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("toml", "application/toml"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];
