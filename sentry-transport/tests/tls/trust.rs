//! Which certificates are accepted, and what is said about the others.

use std::fs;

use sentry_core::protocol::client_report::Reason;

use crate::authority::Authority;
use crate::child::certificate_file;
use crate::program::Program;
use crate::server::Server;

#[test]
fn an_unknown_authority_is_refused_and_said_once() {
    let server = Server::start(Authority::new().identity(HOST));
    let program = Program::new(&server.dsn());
    for _ in 0..3 {
        program.capture("not for strangers");
    }
    program.give_up();
    expect_refused(&server, &program, 3, "UnknownIssuer");
}

#[test]
fn accept_invalid_certs_accepts_them() {
    let authority = Authority::new();
    for identity in [authority.identity(HOST), authority.identity("other.example"), authority.expired(HOST)] {
        let server = Server::start(identity);
        let program = Program::with(&server.dsn(), |options| options.accept_invalid_certs(true));
        expect_delivered(&server, &program);
    }
}

#[test]
fn an_authority_in_ssl_cert_file_is_trusted() {
    let Some(authority) = trusted_authority("an_authority_in_ssl_cert_file_is_trusted") else { return };
    let server = Server::start(authority.identity(HOST));
    expect_delivered(&server, &Program::new(&server.dsn()));
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let Some(authority) = trusted_authority("a_certificate_for_another_host_is_refused") else { return };
    let server = Server::start(authority.identity("other.example"));
    let program = Program::new(&server.dsn());
    program.capture("not for others");
    program.give_up();
    expect_refused(&server, &program, 1, "not valid for name \"127.0.0.1\"");
}

#[test]
fn an_expired_certificate_is_refused() {
    let Some(authority) = trusted_authority("an_expired_certificate_is_refused") else { return };
    let server = Server::start(authority.expired(HOST));
    let program = Program::new(&server.dsn());
    program.capture("too late");
    program.give_up();
    expect_refused(&server, &program, 1, "certificate expired");
}

/// The bundled certificates take the place of none: an unknown authority is no better off.
#[test]
fn an_empty_ssl_cert_file_means_the_bundled_certificates() {
    if certificate_file("an_empty_ssl_cert_file_means_the_bundled_certificates").is_none() {
        return;
    }
    let server = Server::start(Authority::new().identity(HOST));
    let program = Program::new(&server.dsn());
    program.capture("not for strangers");
    program.give_up();
    expect_refused(&server, &program, 1, "UnknownIssuer");

    let debugging = Program::with(&server.dsn(), |options| options.debug(true));
    debugging.capture("not for strangers");
    debugging.give_up();
    let said = debugging.said();
    let bundled: Vec<_> = said.iter().filter(|line| line.contains("using the bundled ones")).collect();
    assert_eq!(bundled.len(), 1, "{said:?}");
}

/// Its alert names a certificate too, but not the server's: nothing the user could do to that would help.
#[test]
fn a_server_that_wants_our_certificate_does_not_have_a_bad_one() {
    let Some(authority) = trusted_authority("a_server_that_wants_our_certificate_does_not_have_a_bad_one") else {
        return;
    };
    let server = Server::for_known_clients(authority.identity(HOST), &authority);
    let program = Program::with(&server.dsn(), |options| options.debug(true));
    program.capture("nobody");
    program.give_up();
    assert!(server.rest().is_empty());
    program.expect_books(1, 0, 0, &[(Reason::NetworkError, 1)]);
    let said = program.said();
    let about_it: Vec<_> = said.iter().filter(|line| line.to_ascii_lowercase().contains("certificate")).collect();
    assert_eq!(
        about_it,
        ["sentry: the server was not reached: io: received fatal alert: CertificateRequired"],
        "of {said:?}"
    );
}

/// Twice, on one connection.
#[track_caller]
fn expect_delivered(server: &Server, program: &Program) {
    for text in ["over TLS", "and again"] {
        program.capture(text);
        program.flush();
        let (connection, body) = server.next();
        assert_eq!(connection, 0);
        assert!(body.contains(text), "{body}");
    }
    program.expect_books(2, 2, 0, &[]);
    assert!(program.said().is_empty(), "{:?}", program.said());
}

#[track_caller]
fn expect_refused(server: &Server, program: &Program, events: u64, why: &str) {
    assert!(server.rest().is_empty(), "nothing is told to a server that is not trusted");
    program.expect_books(events, 0, 0, &[(Reason::NetworkError, events)]);
    let said = program.said();
    assert_eq!(said.len(), 1, "{said:?}");
    let line = &said[0];
    assert!(line.starts_with("sentry: the server's certificate was refused: io: invalid peer certificate: "), "{line}");
    assert!(line.contains(why), "{line}");
    assert!(line.ends_with("; check the DSN's host, this machine's clock and its certificates (SSL_CERT_FILE names a file to trust instead of them)"), "{line}");
    assert!(!line.contains("publickey"), "{line}");
}

/// In a child, an authority that it trusts.
#[track_caller]
fn trusted_authority(test: &str) -> Option<Authority> {
    let file = certificate_file(test)?;
    let authority = Authority::new();
    // The certificates are read with the first request.
    fs::write(file, authority.pem()).unwrap();
    Some(authority)
}

const HOST: &str = "127.0.0.1";
