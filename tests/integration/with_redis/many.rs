//! Many keys in one round trip.

use super::{PASSWORD, Server};
use crate::scores::run_server_tests;

#[test]
fn many_keys_at_once_give_what_each_gives_by_itself() {
    let server = Server::start();
    for key in ["large", "larger"] {
        server.does(&["SETRANGE", key, "40000000", "x"]);
    }
    run_server_tests("psycache-retriever-redis", &server.address(), PASSWORD);
    // One connection for each retriever, whatever its batches were refused for but their size.
    assert_eq!(server.ran("auth"), 5);
    assert_eq!(server.ran("mget"), 0);
}
