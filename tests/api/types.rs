//! `sentry::types`: the DSN and its parts, authentication, ids.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;
use std::time::SystemTime;

use sentry::protocol::{OrganizationId, Url};
use sentry::types::{
    Auth, Dsn, IndexedEnum, ParseAuthError, ParseDsnError, ParseProjectIdError, ProjectId, Scheme, Uuid, UuidVariant,
    UuidVersion, protocol, random_uuid,
};

has!(Auth; Debug + Clone + Display + FromStr<Err = ParseAuthError>);
has!(ParseAuthError; Debug + Display + Error + Copy + Eq);
has!(Dsn; Debug + Clone + Eq + Hash + Display + FromStr<Err = ParseDsnError> + Send + Sync);
has!(ParseDsnError; Debug + Display + Error + From<ParseProjectIdError>);
has!(Scheme; Copy + Ord + Hash + Debug + Display);
has!(ProjectId; Clone + Debug + Ord + Hash + Display + FromStr<Err = ParseProjectIdError>);
has!(ParseProjectIdError; Debug + Display + Error + Ord);
has_serde!(Auth, ProjectId);

fn auth(error: ParseAuthError) {
    let _: Result<Auth, ParseAuthError> = Auth::from_pairs([("sentry_key", "key")]);
    let _: Result<Auth, ParseAuthError> = Auth::from_pairs(vec![(String::from("sentry_key"), String::from("key"))]);
    let _: Result<Auth, ParseAuthError> = Auth::from_pairs([("sentry_key", Cow::Borrowed("key"))]);
    let _: fn(&[u8]) -> Result<Auth, ParseAuthError> = Auth::from_querystring;
    let _: fn(&Auth) -> Option<SystemTime> = Auth::timestamp;
    let _: fn(&Auth) -> u16 = Auth::version;
    let _: fn(&Auth) -> &str = Auth::public_key;
    let _: fn(&Auth) -> Option<&str> = Auth::secret_key;
    let _: fn(&Auth) -> bool = Auth::is_public;
    let _: fn(&Auth) -> Option<&str> = Auth::client_agent;
    match error {
        ParseAuthError::NonSentryAuth | ParseAuthError::InvalidVersion | ParseAuthError::MissingPublicKey => {}
    }
}

fn dsn(error: ParseDsnError, scheme: Scheme) {
    let _: fn(&Dsn, Option<&str>) -> Auth = Dsn::to_auth;
    let _: fn(&Dsn) -> Url = Dsn::store_api_url;
    let _: fn(&Dsn) -> Url = Dsn::envelope_api_url;
    let _: fn(&Dsn) -> Scheme = Dsn::scheme;
    let _: fn(&Dsn) -> &str = Dsn::public_key;
    let _: fn(&Dsn) -> Option<&str> = Dsn::secret_key;
    let _: fn(&Dsn) -> &str = Dsn::host;
    let _: fn(&Dsn) -> u16 = Dsn::port;
    let _: fn(&Dsn) -> &str = Dsn::path;
    let _: fn(&Dsn) -> &ProjectId = Dsn::project_id;
    let _: fn(&Dsn) -> Option<OrganizationId> = Dsn::org_id;
    let _: fn(Scheme) -> u16 = Scheme::default_port;
    match scheme {
        Scheme::Http | Scheme::Https => {}
    }
    match error {
        ParseDsnError::InvalidUrl
        | ParseDsnError::InvalidScheme
        | ParseDsnError::NoUsername
        | ParseDsnError::NoProjectId => {}
        ParseDsnError::InvalidProjectId(error) => project(error),
    }
}

fn project(error: ParseProjectIdError) {
    let _: fn(&str) -> ProjectId = ProjectId::new;
    let _: fn(&ProjectId) -> &str = ProjectId::value;
    match error {
        ParseProjectIdError::EmptyValue => {}
    }
}

fn ids() {
    let _: fn() -> Uuid = random_uuid;
    let _: Option<UuidVersion> = Uuid::nil().get_version();
    let _: UuidVariant = Uuid::nil().get_variant();
    let _: Option<sentry::types::DebugId> = "c0bcc3f1-9827-fe65-3058-404b2831d9e6".parse().ok();
    let _: sentry::types::CodeId = sentry::types::CodeId::nil();
    let _: fn(sentry::types::BreakpadFormat<'_>) -> String = |id| id.to_string();
    let _: Option<sentry::types::ParseDebugIdError> = "".parse::<sentry::types::DebugId>().err();
}

/// One module under four names.
fn paths(event: sentry::protocol::Event<'static>) {
    let event: protocol::v7::Event<'static> = event;
    let event: protocol::latest::Event<'static> = event;
    let _: sentry::types::protocol::v7::Event<'static> = event;
}

/// Whether a value's own enum can be listed.
fn indexed<T: IndexedEnum>(value: &T) -> (usize, &'static [T]) {
    (value.as_index(), T::VARIANTS)
}
