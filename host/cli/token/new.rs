//! `psycache token new`: a token, and its line for the tokens file.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;

use crate::access::{Grant, Pattern, PerSecond, TokenDigest};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::config::text::Parsed;

/// What a token begins with, so that tools which look for secrets find one.
const PREFIX: &str = "psycache_";

/// Random bytes of a token.
const RANDOM_BYTES: usize = 32;

/// Make a token for a caller
///
/// The first line is the token, for the caller. It is shown once and kept nowhere. The second
/// line is for the file that `psycache serve --tokens FILE` reads; it has a digest of the token
/// only.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    psycache token new web --role read --role write --group scores-* --rate 1000\n  \
    psycache token new jobs --role read --role write:jobs\n  \
    psycache token new operator --role admin --role clear\n  \
    psycache token new prometheus --role metrics")]
pub(in crate::cli) struct Args {
    /// The caller's name, for the log; each in the file has another [default: caller-, and digits
    /// of the token's digest]
    #[arg(value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// read, write (set and remove), clear, admin (status, swap, shadow, reload) or metrics,
    /// for all groups or some: read:scores, read:scores-*
    #[arg(long = "role", value_name = "ROLE[:GROUPS]", required = true)]
    roles: Vec<Wanted>,
    /// The groups of the roles that name none: scores, scores-* [default: all]
    #[arg(long = "group", value_name = "PATTERN")]
    groups: Vec<Pattern>,
    /// The most requests in a second [default: no limit]
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<PerSecond>,
}

/// A name that needs no quotes in the file.
fn name(text: &str) -> Parsed<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("write letters, digits, - and _".into()),
    }
}

fn rate(text: &str) -> Parsed<PerSecond> {
    let rate = text.parse().ok().and_then(PerSecond::new);
    rate.ok_or_else(|| format!("write a whole number from 1 to {}", PerSecond::MOST))
}

/// A role as it was given.
#[derive(Clone)]
struct Wanted {
    grant: Grant,
    names_groups: bool,
}

impl Wanted {
    fn takes_groups(&self) -> bool {
        !self.names_groups && self.grant.takes_groups()
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self { grant: text.parse()?, names_groups: text.contains(':') })
    }
}

/// Runs the command.
pub(in crate::cli) fn run(args: &Args) -> anyhow::Result<()> {
    let mut random = [0; RANDOM_BYTES];
    OsRng.try_fill_bytes(&mut random)?;
    let roles = roles(&args.roles, &args.groups)?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    output::line(&token)?;
    Ok(output::line(&line(args, &roles, &TokenDigest::of(token.as_bytes())))?)
}

/// The roles, each for the groups that it names, or else for each of `groups`.
fn roles(roles: &[Wanted], groups: &[Pattern]) -> Result<Vec<Grant>, Failure> {
    if !groups.is_empty() && !roles.iter().any(Wanted::takes_groups) {
        let problem = "--group: no role takes it; write metrics without one, and ROLE:GROUPS names its \
                       own";
        return Err(Failure::new(Exit::Usage, problem));
    }
    let of_each = |role: &Wanted| match role.takes_groups() && !groups.is_empty() {
        true => groups.iter().cloned().map(|group| role.grant.of(group)).collect(),
        false => vec![role.grant.clone()],
    };
    Ok(roles.iter().flat_map(of_each).collect())
}

/// The line of the file.
fn line(args: &Args, roles: &[Grant], digest: &TokenDigest) -> String {
    let digest = digest.to_string();
    let name = args.name.clone().unwrap_or_else(|| format!("caller-{}", &digest[..8]));
    let roles: Vec<String> =
        roles.iter().map(|role| toml::Value::from(role.to_string()).to_string()).collect();
    let rate = args.rate.map_or_else(String::new, |rate| format!(", rate = {}", rate.get()));
    format!("{name} = {{ sha256 = \"{digest}\", roles = [{}]{rate} }}", roles.join(", "))
}
