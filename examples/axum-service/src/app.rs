//! The service: a shop with a few faults.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::{Router, routing::get};
use bytes::Bytes;
use http_body::Frame;
use sentry::User;
use sentry::integrations::tower::SentryRequestLayer;
use tokio::sync::mpsc::{Receiver, channel};

pub(crate) fn app() -> Router {
    Router::new()
        .route("/articles/{id}", get(article))
        .route("/orders/{id}", get(order))
        .route("/report", get(report))
        .route("/health", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        // All there is to do. Inside the router it knows the routes.
        .layer(SentryRequestLayer::new())
}

/// Knows the articles up to 99; above, it panics: the one who asks is cut off, all others are served.
async fn article(Path(id): Path<u32>) -> Result<String, StatusCode> {
    match id {
        0 => Err(StatusCode::NOT_FOUND),
        1..=99 => Ok(format!("article {id}")),
        _ => panic!("no shelf for article {id}"),
    }
}

/// Fails where the order is no number, and says for whom.
async fn order(Path(id): Path<String>) -> Result<String, StatusCode> {
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User { id: Some("17".to_owned()), ..User::default() }));
        scope.set_tag("order", &id);
    });
    // Other requests run on this thread meanwhile, and see nothing of it.
    tokio::task::yield_now().await;
    id.parse::<u32>().map(|id| format!("order {id}")).map_err(|error| {
        sentry::capture_error(&error);
        StatusCode::BAD_REQUEST
    })
}

/// Comes line by line: the transaction is as long as that takes.
async fn report() -> Body {
    let (lines, receiver) = channel(1);
    tokio::spawn(async move {
        for line in ["customers 3\n", "orders 2\n", "shelves 99\n"] {
            tokio::time::sleep(Duration::from_millis(50)).await;
            // Nobody reads on: the client is gone.
            if lines.send(line).await.is_err() {
                break;
            }
        }
    });
    Body::new(Lines(receiver))
}

struct Lines(Receiver<&'static str>);

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|line| line.map(|line| Ok(Frame::data(Bytes::from_static(line.as_bytes())))))
    }
}
