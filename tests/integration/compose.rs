//! The files of `examples/compose`, as far as they can be checked without Docker: they
//! are well formed, and the names in them agree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

pub(crate) const NODE: &str = include_str!("../../examples/compose/node.toml");

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/compose")
}

fn compose() -> Yaml {
    let text = std::fs::read_to_string(folder().join("compose.yaml")).unwrap();
    YamlLoader::load_from_str(&text).unwrap().remove(0)
}

/// The service's own `key`, or that of what it is merged with.
fn of<'a>(service: &'a Yaml, key: &str) -> &'a Yaml {
    match &service[key] {
        Yaml::BadValue => &service["<<"][key],
        found => found,
    }
}

fn texts(list: &Yaml) -> Vec<&str> {
    list.as_vec().into_iter().flatten().map(|item| item.as_str().unwrap()).collect()
}

fn keys(map: &Yaml) -> Vec<&str> {
    map.as_hash().into_iter().flat_map(|hash| hash.keys()).filter_map(Yaml::as_str).collect()
}

#[test]
fn services_wait_for_each_other_and_mount_what_is_there() {
    let compose = compose();
    let services = &compose["services"];
    let names = keys(services);
    assert_eq!(names, ["node-1", "node-2", "node-3", "etcd", "mariadb", "jaeger"]);
    let secrets = keys(&compose["secrets"]);
    for secret in &secrets {
        let file = compose["secrets"][*secret]["file"].as_str().unwrap();
        assert!(folder().join(file).is_file(), "{file}");
    }
    let mut published = BTreeSet::new();
    for name in &names {
        let service = &services[*name];
        for other in keys(of(service, "depends_on")) {
            assert!(names.contains(&other), "{name} waits for {other}");
            let waits = of(service, "depends_on")[other]["condition"].as_str().unwrap();
            assert_eq!(waits, "service_healthy");
            assert!(!services[other]["healthcheck"].is_badvalue(), "{other} tells no health");
        }
        for volume in texts(of(service, "volumes")) {
            let file = volume.split(':').next().unwrap();
            assert!(folder().join(file).is_file(), "{name} mounts {file}");
        }
        for secret in texts(of(service, "secrets")) {
            assert!(secrets.contains(&secret), "{name} has {secret}");
        }
        for port in texts(of(service, "ports")) {
            let (outside, _) = port.split_once(':').unwrap();
            assert!(published.insert(outside.to_owned()), "{outside} is published twice");
        }
    }
}

#[test]
fn nodes_and_their_file_name_the_services() {
    let compose = compose();
    let services = &compose["services"];
    let node: toml::Table = NODE.parse().unwrap();
    let port = |key: &str| node[key].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
    let (listen, http) = (port("listen"), port("http"));
    for name in ["node-1", "node-2", "node-3"] {
        let service = &services[name];
        let advertised = service["environment"]["PSYCACHE_ADVERTISE"].as_str().unwrap();
        assert_eq!(advertised, format!("{name}:{listen}"));
        let inside: Vec<_> =
            texts(&service["ports"]).into_iter().map(|p| p.split_once(':').unwrap().1).collect();
        assert_eq!(inside, [&*listen, &*http]);
        let command = texts(of(service, "command"));
        assert_eq!(command[..2], ["serve", "--config"]);
        let mounted = format!("./node.toml:{}:ro", command[2]);
        assert_eq!(texts(of(service, "volumes")), [mounted]);
    }
    for host in ["http://etcd:2379", "http://jaeger:4317", "@mariadb:3306/", "\"mariadb:3306\""] {
        assert_eq!(NODE.matches(host).count(), 1, "{host}");
    }
    assert!(NODE.contains("file:/run/secrets/db-password"));
    let database = services["mariadb"]["environment"]["MARIADB_DATABASE"].as_str().unwrap();
    assert!(NODE.contains(&format!("3306/{database}\"")), "{database}");
    let build = &services["node-1"]["<<"]["build"];
    let context = folder().join(build["context"].as_str().unwrap());
    assert!(context.join(build["dockerfile"].as_str().unwrap()).is_file());
}

#[test]
fn the_guide_names_services_ports_and_files_that_exist() {
    let guide = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let compose = compose();
    let names = keys(&compose["services"]);
    let mut named = 0;
    for action in ["stop", "start", "kill", "exec"] {
        for (_, rest) in guide
            .match_indices(&format!("docker compose {action} "))
            .map(|(at, found)| (at, &guide[at + found.len()..]))
        {
            let service = rest.split_whitespace().next().unwrap();
            assert!(names.contains(&service), "docker compose {action} {service}");
            named += 1;
        }
    }
    assert!(named >= 8, "{named}");
    let published: Vec<&str> = names
        .iter()
        .flat_map(|name| texts(of(&compose["services"][*name], "ports")))
        .map(|port| port.split_once(':').unwrap().0)
        .collect();
    for (at, found) in guide.match_indices("127.0.0.1:") {
        let port: String =
            guide[at + found.len()..].chars().take_while(char::is_ascii_digit).collect();
        assert!(published.contains(&&*port), "nothing is published at {port}");
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let told = name == "README.md" || name.ends_with(".dockerignore");
        assert!(told || guide.contains(&format!("| `{name}` |")), "{name} is not told of");
    }
}
