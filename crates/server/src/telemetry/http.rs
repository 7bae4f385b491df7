//! Measures every request by route template, never by path.

use super::{Gauge, Histogram, Metrics, names};
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// The router with a measurement around each of its routes. Requests that no route takes count under `http_route="none"`.
pub fn measured(router: Router, metrics: &Arc<Metrics>) -> Router {
    let watch = Arc::new(Watch {
        active: metrics.gauge(&names::HTTP_ACTIVE, &[]),
        metrics: Arc::clone(metrics),
        known: RwLock::default(),
    });
    router.layer(from_fn_with_state(watch, measure))
}

/// Method, route template, status class.
type Series = (&'static str, Option<MatchedPath>, &'static str);

struct Watch {
    metrics: Arc<Metrics>,
    active: Arc<Gauge>,
    known: RwLock<HashMap<(&'static str, Arc<str>, &'static str), Arc<Histogram>>>,
}

async fn measure(State(watch): State<Arc<Watch>>, request: Request, next: Next) -> Response {
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let running = Running::start(&watch.active);
    let start = Instant::now();
    let response = next.run(request).await;
    drop(running);
    let class = status_class(response.status().as_u16());
    watch.histogram(&(method, route, class)).observe_duration(start.elapsed());
    response
}

/// Counts a request as running until it is answered or its connection is gone.
struct Running(Arc<Gauge>);

impl Running {
    fn start(active: &Arc<Gauge>) -> Self {
        active.add(1);
        Self(Arc::clone(active))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

impl Watch {
    fn histogram(&self, (method, route, class): &Series) -> Arc<Histogram> {
        let route: Arc<str> = Arc::from(route.as_ref().map_or("none", MatchedPath::as_str));
        let key = (*method, route, *class);
        if let Some(found) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(found);
        }
        let labels = vec![
            ("http_request_method", Cow::Borrowed(*method)),
            ("http_response_status_class", Cow::Borrowed(*class)),
            ("http_route", Cow::Owned(key.1.to_string())),
        ];
        let made = self.metrics.histogram_labelled(&names::HTTP_DURATION, labels);
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        made
    }
}

/// Known methods by name; every other is `_OTHER`, as the semantic conventions ask, so that callers cannot make up labels.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

fn status_class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn a_request_is_counted_under_its_template_and_not_its_path() {
        let metrics = Arc::new(Metrics::default());
        let router = measured(Router::new().route("/patients/{id}", get(async || "x")), &metrics);
        for path in ["/patients/canary-1", "/patients/canary-2", "/nowhere/canary-3"] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap();
        }
        let text = metrics.render();
        assert!(!text.contains("canary"), "{text}");
        let count = "http_server_request_duration_seconds_count{http_request_method=\"GET\",http_response_status_class=\"2xx\",\
                     http_route=\"/patients/{id}\"} 2";
        assert!(text.contains(count), "{text}");
        assert!(text.contains("http_route=\"none\"} 1"), "{text}");
        assert!(text.contains("http_server_active_requests 0"), "{text}");
    }
}
