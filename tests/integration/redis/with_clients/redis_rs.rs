//! The scenario by redis-rs.

use ::redis::{Client, Commands, Connection, RedisResult, cmd, pipe};

use super::Pair;

fn connect(pair: &Pair, place: usize) -> RedisResult<Connection> {
    // The database as in the URLs that people have.
    Client::open(format!("redis://{}/0?protocol=resp3", pair.addresses[place][1]))?.get_connection()
}

#[test]
fn redis_rs_works() {
    let mut pair = Pair::start();
    let mut first = connect(&pair, 0).unwrap();
    let mut second = connect(&pair, 1).unwrap();
    assert_eq!(first.get("Tom"), Ok(Some(630)));
    assert_eq!(first.get("nobody"), Ok(None::<String>));
    first.set_ex::<_, _, ()>("Ada", 1815, 60).unwrap();
    assert_eq!(second.get("Ada"), Ok(Some(1815)));
    first.mset::<_, _, ()>(&[("a", 1), ("b", 2)]).unwrap();
    assert_eq!(second.mget(&["a", "nobody", "b"]), Ok(vec![Some(1), None, Some(2)]));
    assert_eq!(first.del(&["a", "b", "c"]), Ok(2));

    let mut pipeline = pipe();
    for number in 0..500 {
        pipeline.set(format!("key-{number}"), number).ignore();
    }
    for number in 0..500 {
        pipeline.get(format!("key-{number}"));
    }
    assert_eq!(pipeline.query::<Vec<i32>>(&mut first), Ok((0..500).collect()));

    let refused = first.incr::<_, _, i64>("Ada", 1).unwrap_err();
    assert!(refused.to_string().contains("this cache has GET"), "{refused}");

    pair.kill_first();
    assert!(first.get::<_, i64>("Tom").is_err());
    assert_eq!(second.get("Tom"), Ok(630));
    pair.start_first();
    let mut first = connect(&pair, 0).unwrap();
    assert_eq!(first.get("Tom"), Ok(630));
    cmd("FLUSHDB").query::<()>(&mut first).unwrap();
}
