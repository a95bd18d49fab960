use super::*;
use crate::rt::SocketIo;
use crate::service::Answer;

struct Nothing;

impl Service for Nothing {
    type Extra = ();
    type Response = ();

    fn call(&self, _: &mut Rc<Exchange<()>>) -> Answer<()> {
        unreachable!("the size of a type is all that is asked for")
    }

    fn finish(&self, _: &Rc<Exchange<()>>, (): ()) -> Answer<()> {
        unreachable!("as above")
    }

    fn recover(&self, _: &Rc<Exchange<()>>, _: String) -> Answer<()> {
        unreachable!("as above")
    }
}

/// The runtime adds 104 bytes and rounds up to a multiple of 128, so that one byte more than this costs each
/// connection 128.
#[test]
fn an_idle_connection_fits_the_smaller_block() {
    let len = size_of::<Connection<SocketIo, Nothing>>();
    assert!(len <= 256 - 104, "{len} bytes");
}
