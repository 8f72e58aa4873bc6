//! Many keys in one round trip give what each gives by itself. Run by
//! `tests/integration/with_redis/many.rs`, which names a real server that has the keys.
#![allow(clippy::unwrap_used, reason = "a test that fails says all it knows")]

use psycache_plugin::{FetchError, Retriever, RetrieverConfig};
use psycache_retriever_redis::Redis;

const TIMEOUT_MS: u32 = 30_000;

/// The retriever of the component, without one.
fn redis(more: &[(&str, &str)]) -> Redis {
    let given = |name| std::env::var(name).expect("who runs it names a server");
    let config = RetrieverConfig::default().secret("password", &given("TEST_PASSWORD"));
    let config = config.option("dsn", &format!("redis://psy@{}", given("TEST_SERVER")));
    let with = |config: RetrieverConfig, (name, value): &(&str, &str)| config.option(name, value);
    Redis::configure(&more.iter().fold(config, with)).unwrap()
}

fn many(redis: &mut Redis, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, FetchError> {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let found = redis.fetch_many(&keys, TIMEOUT_MS)?;
    Ok(found.into_iter().map(|found| found.map(|found| found.value)).collect())
}

#[test]
fn each_key_has_its_value_by_the_rights_of_the_page() {
    for more in [&[][..], &[("key", "student:{key}"), ("field", "score")]] {
        let mut redis = redis(more);
        let found = many(&mut redis, &["Sam", "Nobody", "Tom", "Sam"]).unwrap();
        let expected = [Some("567"), None, Some("630"), Some("567")];
        assert_eq!(found, expected.map(|value| value.map(|value| value.as_bytes().to_vec())));
        assert_eq!(redis.fetch("Jack", TIMEOUT_MS).unwrap().unwrap().value, b"589");
        assert_eq!(many(&mut redis, &[]), Ok(Vec::new()));
    }
}

#[test]
fn one_that_is_no_string_refuses_the_batch_and_the_next_is_answered() {
    let mut redis = redis(&[]);
    let refused = many(&mut redis, &["Tom", "student:Tom", "Sam"]).unwrap_err();
    assert!(matches!(refused, FetchError::BadValue(_)), "{refused}");
    assert_eq!(many(&mut redis, &["Jack"]), Ok(vec![Some(b"589".to_vec())]));
}

#[test]
fn values_that_are_too_large_together_refuse_the_batch() {
    let mut redis = redis(&[]);
    let refused = many(&mut redis, &["large", "larger"]).unwrap_err();
    assert!(
        matches!(&refused, FetchError::BadValue(told) if told.contains("together")),
        "{refused}"
    );
    assert_eq!(many(&mut redis, &["large"]).unwrap()[0].as_ref().map(Vec::len), Some(40_000_001));
}
