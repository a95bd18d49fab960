//! JSON bodies against the plain decoder: what a request accepts, and what it makes of it.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use shikra::prelude::*;
use shikra::testing::TestClient;

/// Fields that are not here are skipped, whatever their bytes are.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
struct Item {
    id: u32,
    name: String,
    tags: Vec<String>,
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(PIECES), 0..3)
        .prop_map(|pieces| [b"\"", pieces.concat().as_slice(), b"\""].concat())
}

fn field() -> impl Strategy<Value = Vec<u8>> {
    let list = prop::collection::vec(text(), 0..3)
        .prop_map(|texts| [b"[", texts.join(&b","[..]).as_slice(), b"]"].concat());
    let other = prop::sample::select(OTHERS).prop_map(<[u8]>::to_vec);
    (prop::sample::select(NAMES), prop_oneof![text(), list, other])
        .prop_map(|(name, value)| [name, b":", &value].concat())
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    (prop::collection::vec(field(), 0..4), prop::sample::select(ENDS))
        .prop_map(|(fields, end)| [b"{", fields.join(&b", "[..]).as_slice(), end].concat())
}

const PIECES: &[&[u8]] =
    &[b"a", b"b c", "é".as_bytes(), b"\\n", b"\\u00e9", b"\\ud83d", b"\xff", b"\n", b""];
const NAMES: &[&[u8]] = &[b"\"id\"", b"\"name\"", b"\"tags\"", b"\"more\""];
const OTHERS: &[&[u8]] = &[b"7", b"-1", b"null", b"[]", b"{}", b"[1", b"true"];
const ENDS: &[&[u8]] = &[b"}", b"}", b"}", b" }\n", b"", b"}}", b",}", b"}\xff"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn json_is_what_the_plain_decoder_makes_of_it(body in body()) {
        let mut app = App::new();
        app.post("/", async |req| Ok(Json(req.json::<Item>().await?)));
        let reply = TestClient::new(app).post("/").body(body.clone()).send();
        match serde_json::from_slice::<Item>(&body) {
            Ok(item) => {
                prop_assert_eq!(reply.status(), 200, "{:?}", body);
                prop_assert_eq!(serde_json::from_str::<Item>(&reply.text()).unwrap(), item);
            }
            Err(_) => prop_assert!([400, 422].contains(&reply.status().as_u16()), "{:?}", body),
        }
    }
}
