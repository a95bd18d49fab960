//! The cookies that a response sets.

use super::Response;
use shikra_proto::cookie::{SetCookie, scope};

impl Response {
    /// Sends a cookie along. It takes the place of one of the same name, domain and path that was to be sent.
    ///
    /// `Secure` is added if the request came over an encrypted connection, unless the cookie is
    /// [`without_secure`](SetCookie::without_secure).
    ///
    /// ```
    /// use shikra::{IntoResponse, OrStatus, Result, SetCookie};
    ///
    /// fn log_out() -> Result {
    ///     Ok("bye".with_cookie(&SetCookie::removal("sid").or_status(500)?))
    /// }
    /// # let res = log_out().unwrap();
    /// # assert!(res.header("set-cookie").unwrap().starts_with("sid=; Max-Age=0; Path=/;"));
    /// ```
    #[track_caller]
    pub fn set_cookie(&mut self, cookie: &SetCookie) {
        let mut value = Vec::new();
        cookie.encode(&mut value);
        let own = scope(&value);
        self.reply.fields.remove_where("set-cookie", |other| scope(other) == own);
        if cookie.is_secure_as_connection() {
            self.aside_mut().cookies.push(cookie.name().into());
        }
        self.append_header("set-cookie", value);
    }

    /// [`Response::set_cookie`], by value.
    #[track_caller]
    pub fn with_cookie(mut self, cookie: &SetCookie) -> Self {
        self.set_cookie(cookie);
        self
    }

    /// Whether a cookie of this name is to be sent along, its removal included.
    ///
    /// ```
    /// use shikra::{Response, SetCookie};
    ///
    /// let mut res = Response::new().with_cookie(&SetCookie::new("a", "1").unwrap());
    /// assert!(res.has_cookie("a") && !res.has_cookie("b"));
    /// assert!(res.remove_cookie("a") && !res.has_cookie("a"));
    /// ```
    #[must_use]
    pub fn has_cookie(&self, name: &str) -> bool {
        let mut cookies = self.reply.fields.get_all("set-cookie");
        cookies.any(|cookie| scope(cookie).name == name.as_bytes())
    }

    /// Sends no cookie of this name along; says whether there was one. A client that has it keeps it: to delete it
    /// there, send [`SetCookie::removal`].
    pub fn remove_cookie(&mut self, name: &str) -> bool {
        let takes = |cookie: &[u8]| scope(cookie).name == name.as_bytes();
        self.reply.fields.remove_where("set-cookie", takes)
    }

    /// Adds `Secure` to the cookies that are as secure as their connection.
    pub(super) fn secure_cookies(&mut self) {
        let names = self.aside.as_mut().map(|aside| std::mem::take(&mut aside.cookies));
        let names = names.unwrap_or_default();
        if names.is_empty() {
            return;
        }
        let lines: Vec<_> = self.reply.fields.get_all("set-cookie").map(<[u8]>::to_vec).collect();
        self.reply.fields.remove("set-cookie");
        for mut line in lines {
            let name = scope(&line).name;
            let is_named = names.iter().any(|known| known.as_bytes() == name);
            if is_named && !is_secure(&line) {
                line.extend_from_slice(b"; Secure");
            }
            // Valid: it was a field before.
            let _ = self.reply.fields.try_append("set-cookie", &line);
        }
    }
}

fn is_secure(line: &[u8]) -> bool {
    let mut attributes = line.split(|&byte| byte == b';').skip(1);
    attributes.any(|attribute| attribute.trim_ascii().eq_ignore_ascii_case(b"secure"))
}
