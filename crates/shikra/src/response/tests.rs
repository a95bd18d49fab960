//! What no test from outside can see, as long as connections are not encrypted there.

use super::{Response, Security};
use shikra_proto::cookie::{SameSite, SetCookie};

fn cookies(res: Response, connection: Security) -> Vec<String> {
    let reply = res.into_reply_over(connection);
    let lines = reply.fields.get_all("set-cookie");
    lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

#[test]
fn cookies_are_as_secure_as_their_connection() -> Result<(), shikra_proto::cookie::CookieError> {
    // CF-56
    let res = || -> Result<Response, shikra_proto::cookie::CookieError> {
        let mut res = Response::new()
            .with_cookie(&SetCookie::new("plain", "1")?)
            .with_cookie(&SetCookie::new("never", "1")?.without_secure())
            .with_cookie(&SetCookie::new("none", "1")?.with_same_site(SameSite::None));
        res.append_header("set-cookie", "raw=1");
        Ok(res)
    };
    assert_eq!(
        cookies(res()?, Security::Encrypted),
        [
            "plain=1; Path=/; SameSite=Lax; Secure",
            "never=1; Path=/; SameSite=Lax",
            "none=1; Path=/; Secure; SameSite=None",
            "raw=1",
        ]
    );
    assert_eq!(cookies(res()?, Security::Plain)[0], "plain=1; Path=/; SameSite=Lax");
    Ok(())
}
