//! `psycache tls try`: certificates for trying TLS, not for production.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::config::text::Parsed;
use crate::tls::NamePattern;

/// The names of a node on this machine.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const VALID_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Clocks of machines differ, so certificates are valid a little earlier.
const VALID_SINCE: Duration = Duration::from_secs(3600);

/// Make certificates for trying TLS, not for production
///
/// Writes into DIR a CA (ca.pem), a certificate for nodes (node.pem, node.key), which all
/// nodes of a cluster may share, and one for clients (client.pem, client.key). They are valid
/// for 30 days. The key of the CA is not kept, so nothing else can be signed. For
/// production, let your own CA sign certificates.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    psycache tls try certs --host node-1.internal,10.0.0.1\n  \
    psycache serve --tls-cert certs/node.pem --tls-key certs/node.key --tls-client-ca certs/ca.pem")]
pub(in crate::cli) struct Args {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Names and addresses of nodes, besides localhost, 127.0.0.1 and ::1
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = host)]
    host: Vec<String>,
}

fn host(text: &str) -> Parsed<String> {
    match text != "*" && NamePattern::parse(text).is_some() {
        true => Ok(text.to_owned()),
        false => Err("write a name without a port, such as node-1.internal or 10.0.0.1".into()),
    }
}

/// Runs the command.
pub(in crate::cli) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = &args.folder;
    let names = ["ca.pem", "node.pem", "node.key", "client.pem", "client.key"];
    if let Some(name) = names.iter().find(|name| folder.join(name).exists()) {
        let problem = format!(
            "{} is there already, and is not overwritten; remove it or name another folder",
            folder.join(name).display()
        );
        return Err(Failure::new(Exit::Usage, problem).into());
    }
    fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;

    let mut params = named("psycache tls try, not for production", &[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let ca = params.self_signed(&key)?;
    let issuer = Issuer::new(params, key);
    write(&folder.join("ca.pem"), ca.pem().as_bytes(), 0o644)?;

    let mut hosts: Vec<&str> = LOCAL.to_vec();
    hosts.extend(args.host.iter().map(String::as_str));
    let server = ExtendedKeyUsagePurpose::ServerAuth;
    let client = ExtendedKeyUsagePurpose::ClientAuth;
    sign(folder, "node", &hosts, vec![server, client.clone()], &issuer)?;
    sign(folder, "client", &["client"], vec![client], &issuer)?;

    let shown = folder.display();
    output::line(&format!("made certificates in {shown}, valid for 30 days; not for production"))?;
    output::line(&format!(
        "psycache serve --tls-cert {shown}/node.pem --tls-key {shown}/node.key --tls-client-ca {shown}/ca.pem"
    ))?;
    output::line(&format!(
        "psycache status --tls-ca {shown}/ca.pem --tls-cert {shown}/client.pem --tls-key {shown}/client.key"
    ))?;
    Ok(())
}

/// Writes a certificate for `hosts` and its key.
fn sign(
    folder: &Path,
    name: &str,
    hosts: &[&str],
    purposes: Vec<ExtendedKeyUsagePurpose>,
    issuer: &Issuer<'_, KeyPair>,
) -> anyhow::Result<()> {
    let mut params = named(&format!("psycache {name}"), hosts)?;
    params.extended_key_usages = purposes;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    let certificate: Certificate = params.signed_by(&key, issuer)?;
    write(&folder.join(format!("{name}.pem")), certificate.pem().as_bytes(), 0o644)?;
    write(&folder.join(format!("{name}.key")), key.serialize_pem().as_bytes(), 0o600)
}

fn named(name: &str, hosts: &[&str]) -> anyhow::Result<CertificateParams> {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name.push(DnType::CommonName, name);
    let now = SystemTime::now();
    params.not_before = (now - VALID_SINCE).into();
    params.not_after = (now + VALID_FOR).into();
    Ok(params)
}

fn write(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(content)
    };
    write().with_context(|| format!("{} can't be written", path.display()))
}
