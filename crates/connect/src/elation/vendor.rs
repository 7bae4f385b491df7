//! Elation as the common part sees it.

use super::{CAPABILITIES, Delivery, ERRORS, Page, PublishedEvent, Subscription, map, subscription_request};
use crate::http::form_text;
use crate::pattern::{
    Capabilities, ErrorRow, MapCode, MapContext, MapError, Mapped, ResourceCapability, SourceRef, VendorError,
};
use crate::vendor::{Ask, News, Page as ObjectPage, Vendor, WebhookError};
use ::http::HeaderMap;
use aceso_fhir::json::{Doc, Limits, Node};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::BASE64;
use zeroize::Zeroizing;

/// Elation's API 2.0.
pub struct Elation;

/// Ed25519 over the raw body, base64.
const SIGNATURE: &str = "el8-ed25519-signature";
const SUBSCRIPTIONS: &str = "app/subscriptions/";
/// The largest page.
const PAGE: (&str, &str) = ("limit", "100");

impl Vendor for Elation {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn errors(&self) -> &'static [ErrorRow] {
        ERRORS
    }

    fn error_code(&self, _body: &[u8]) -> Option<String> {
        // Its error bodies hold sentences that quote requests, and no codes.
        None
    }

    fn lists(&self, resource: &ResourceCapability, ask: &Ask<'_>) -> Vec<String> {
        let since = resource.listing.filters.changed_since.zip(ask.since);
        let query: Vec<(&str, &str)> = since.into_iter().chain([PAGE]).collect();
        vec![format!("{}?{}", resource.path, form_text(&query))]
    }

    fn feed(&self, path: &str) -> String {
        format!("{path}?{}", form_text(&[PAGE]))
    }

    fn object_path(&self, resource: &ResourceCapability, id: &str) -> String {
        // Without the slash at its end the source answers with a redirect.
        format!("{}{id}/", resource.path)
    }

    fn page(&self, body: &[u8]) -> Result<ObjectPage, VendorError> {
        let page = Page::parse(body.to_vec())?;
        let objects = page.objects().map(|listed| Zeroizing::new(listed.raw.to_vec())).collect();
        Ok(ObjectPage { objects, next: page.next(), ..ObjectPage::default() })
    }

    fn source(&self, kind: &'static str, object: &[u8]) -> Result<SourceRef, MapError> {
        let failed = |path: &str, code| MapError { kind, path: path.to_owned(), code };
        let doc = Doc::parse(object.to_vec(), &Limits::default()).map_err(|_| failed("", MapCode::Shape))?;
        let id = text(doc.root(), "id").ok_or_else(|| failed("id", MapCode::Missing))?;
        let modified = CAPABILITIES.resource(kind).and_then(|resource| resource.listing.modified);
        Ok(SourceRef { kind, id, version: modified.and_then(|member| text(doc.root(), member)) })
    }

    fn map(&self, kind: &'static str, object: &[u8], context: &MapContext<'_>) -> Result<Mapped, MapError> {
        map(kind, object.to_vec(), context)
    }

    fn changes(&self, body: &[u8]) -> Result<(Vec<News>, Option<String>), VendorError> {
        let page = Page::parse(body.to_vec())?;
        let mut news = Vec::new();
        for listed in page.objects() {
            let event = PublishedEvent::parse(listed.raw)?;
            let known = CAPABILITIES.resource(&event.resource);
            if let (Some(resource), Some(id)) = (known, event.resource_id) {
                news.push(News { event: event.event_id, kind: resource.kind, id });
            }
        }
        Ok((news, page.next()))
    }

    fn webhook(&self, headers: &HeaderMap, body: &[u8], keys: &[Vec<u8>]) -> Result<Option<News>, WebhookError> {
        let signature = headers.get(SIGNATURE).and_then(|value| BASE64.decode(value.as_bytes()).ok());
        let signature = signature.ok_or(WebhookError::Signature)?;
        let genuine = keys.iter().any(|key| UnparsedPublicKey::new(&ED25519, key).verify(body, &signature).is_ok());
        if !genuine {
            return Err(WebhookError::Signature);
        }
        let delivery = Delivery::parse(body.to_vec()).map_err(|_| WebhookError::Body)?;
        let Some(resource) = CAPABILITIES.resource(&delivery.resource) else { return Ok(None) };
        let named =
            delivery.resource_url.as_deref().and_then(|address| address.trim_end_matches('/').rsplit('/').next());
        let id = delivery.object_id.as_deref().or(named).ok_or(WebhookError::Body)?.to_owned();
        // The older id is the one that the list of past events names, too.
        let event = delivery.event_id.or(delivery.event_uuid).ok_or(WebhookError::Body)?;
        Ok(Some(News { event, kind: resource.kind, id }))
    }

    fn subscription(&self, kind: &str, target: &str) -> Option<(&'static str, Vec<u8>)> {
        Some((SUBSCRIPTIONS, subscription_request(kind, target)))
    }

    fn subscribed(&self, body: &[u8]) -> Result<Vec<u8>, VendorError> {
        let key = Subscription::parse(body)?.signing_pub_key.ok_or(VendorError::Garbled)?;
        BASE64.decode(key.as_bytes()).map_err(|_| VendorError::Garbled)
    }
}

/// A text, or the digits of a number.
fn text(node: Node<'_>, name: &str) -> Option<String> {
    let value = node.get(name)?;
    let text = value.number_text().map(str::to_owned).or_else(|| value.as_str().map(|text| text.into_owned()))?;
    (!text.is_empty()).then_some(text)
}
