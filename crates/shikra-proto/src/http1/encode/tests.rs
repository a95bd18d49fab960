use super::*;

#[test]
fn the_short_way_of_framing_says_what_the_rules_say() {
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "get"];
    for method in methods.map(|name| Method::from_bytes(name.as_bytes()).unwrap()) {
        for version in [Version::HTTP_10, Version::HTTP_11] {
            for status in (100..1000).map(|code| StatusCode::from_u16(code).unwrap()) {
                for len in [None, Some(0), Some(1), Some(u64::MAX)] {
                    let short = reply_framing(&method, version, status, len);
                    let naive = any_reply_framing(&method, version, status, len);
                    assert_eq!(short, naive, "{method} {version:?} {status} {len:?}");
                }
            }
        }
    }
}
