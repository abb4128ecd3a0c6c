//! How the service fails: with a status for the client, and a source for the developer.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;

use actix_web::ResponseError;
use actix_web::http::StatusCode;

#[derive(Debug)]
pub(crate) enum OrderError {
    /// The client's mistake: not reported.
    Unknown(u32),
    /// Ours: answered with 500, and reported with its source.
    Stock { id: u32, source: ParseIntError },
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(id) => write!(f, "there is no order {id}"),
            Self::Stock { id, .. } => write!(f, "the stock of order {id} is not known"),
        }
    }
}

impl Error for OrderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unknown(_) => None,
            Self::Stock { source, .. } => Some(source),
        }
    }
}

impl ResponseError for OrderError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Stock { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
