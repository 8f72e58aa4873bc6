//! The same over TLS, or why not.

use super::{REJECTED, Site, UNAVAILABLE, client, node, refused, serve_by, value};
use crate::certificates::{Authority, Valid};
use crate::harness::ServedNode;

/// Sites with these certificates, and the authority that signed them.
async fn sites<const N: usize>(
    wanted: [(&str, Valid); N],
) -> (Authority, Vec<Site>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("an authority of sites");
    let mut sites = Vec::new();
    for (at, (host, valid)) in wanted.into_iter().enumerate() {
        let signed = authority.sign(folder.path(), &format!("site{at}"), &[host], valid);
        sites.push(Site::start_secure(&signed).await);
    }
    (authority, sites, folder)
}

#[tokio::test]
async fn a_value_comes_over_tls_and_the_connection_is_kept() {
    let (authority, sites, folder) = sites([("localhost", Valid::Now)]).await;
    let ca = format!("@{}", authority.write(folder.path(), "ca.pem").display());
    let node = node(&sites[0], "/scores/{key}", &[("ca", &ca)]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    assert_eq!(value(&client, "Jack").await, "589");
    assert_eq!(sites[0].connections(), 1);
    let large = super::node(&sites[0], "/zeros/{key}", &[("ca", &ca)]);
    assert_eq!(value(&crate::scores::client(&large).await, "1000000").await, "0".repeat(1_000_000));
}

#[tokio::test]
async fn a_certificate_that_is_not_right_is_told_with_the_reason() {
    let wanted = [("localhost", Valid::Now), ("other", Valid::Now), ("localhost", Valid::Before)];
    let (authority, sites, _folder) = sites(wanted).await;
    let another = Authority::new("another");
    for (site, more, part) in [
        (&sites[0], &[("ca", another.pem())][..], "no CA that is trusted here"),
        (&sites[0], &[], "TLS: "),
        (&sites[1], &[("ca", authority.pem())], "for other, not for localhost"),
        (&sites[2], &[("ca", authority.pem())], "has expired"),
    ] {
        let node = node(site, "/scores/{key}", more);
        refused(&client(&node).await, "Tom", REJECTED, &[site.place(), part]).await;
        assert_eq!(site.requests().len(), 0, "nothing is said before the certificate is right");
    }
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_and_so_is_who_does() {
    let plain = Site::start().await;
    let mut command = serve_by(&format!("https://{}/scores/{{key}}", plain.place()), &[]);
    command.args(["--allow-net", plain.place()]);
    let node = ServedNode::spawn(command);
    refused(&client(&node).await, "Tom", REJECTED, &["does not speak TLS"]).await;
    let (_, sites, _folder) = sites([("localhost", Valid::Now)]).await;
    let mut command = serve_by(&format!("http://{}/scores/{{key}}", sites[0].place()), &[]);
    command.args(["--allow-net", sites[0].place()]);
    let node = ServedNode::spawn(command);
    let told = super::get(&client(&node).await, "Tom").await.unwrap_err();
    assert!(matches!(told.code(), code if code == REJECTED.0 || code == UNAVAILABLE.0), "{told}");
}

#[tokio::test]
async fn no_redirect_leads_from_tls_to_none() {
    let (authority, sites, _folder) = sites([("localhost", Valid::Now)]).await;
    let plain = Site::start().await;
    let node = node(&sites[0], "/to/{key}", &[("ca", authority.pem())]);
    let place = format!("{}/scores/Tom", plain.url());
    refused(&client(&node).await, &place, REJECTED, &["from https to http"]).await;
    assert_eq!(plain.connections(), 0);
}
