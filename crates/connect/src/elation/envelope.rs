//! What is around the objects: pages, deliveries, past events, subscriptions, error bodies.

use aceso_fhir::json::{Doc, Kind, Limits, Node, write_string};

use crate::pattern::VendorError;

/// One page of a list, of either style: `{next, previous, results}` by cursor, with `count` when the query had an offset.
pub struct Page {
    doc: Doc,
}

/// One object of a page.
pub struct Listed<'a> {
    /// Its id; `None` where there is none, which no object should have.
    pub id: Option<String>,
    /// When it was changed last, as sent; `None` for kinds that do not say.
    pub modified: Option<String>,
    /// Whether it is deleted.
    pub deleted: bool,
    /// Its JSON text, byte for byte.
    pub raw: &'a [u8],
}

impl Page {
    /// Reads the body of an answer; it is wiped when the page is dropped.
    ///
    /// # Errors
    /// [`VendorError::Garbled`] when the text is cut short or has no list of results.
    pub fn parse(body: Vec<u8>) -> Result<Self, VendorError> {
        let doc = parse(body)?;
        let results = doc.root().get("results").map(Node::kind);
        if results == Some(Kind::Array) { Ok(Self { doc }) } else { Err(VendorError::Garbled) }
    }

    /// The whole address of the next page, `None` on the last.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        string(self.doc.root(), "next")
    }

    /// The whole address of the page before.
    #[must_use]
    pub fn previous(&self) -> Option<String> {
        string(self.doc.root(), "previous")
    }

    /// How many objects the list has; only pages by offset say.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.doc.root().get("count")?.number_text()?.parse().ok()
    }

    /// The objects, in the order of the page.
    pub fn objects(&self) -> impl Iterator<Item = Listed<'_>> {
        let results = self.doc.root().get("results");
        results.into_iter().flat_map(Node::items).map(|node| Listed {
            id: string(node, "id"),
            modified: string(node, "last_modified").or_else(|| string(node, "last_modified_date")),
            deleted: string(node, "deleted_date").is_some(),
            raw: node.raw(),
        })
    }
}

/// What has happened to an object. `saved` does not tell a new one from a changed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Made or changed.
    Saved,
    /// Deleted.
    Deleted,
    /// A word that this version does not know: the object is read anew.
    Other,
}

impl Action {
    fn of(word: Option<&str>) -> Self {
        match word {
            Some("saved") => Self::Saved,
            Some("deleted") => Self::Deleted,
            _ => Self::Other,
        }
    }
}

/// The body of a webhook delivery. Its signature is checked on the raw bytes before this.
pub struct Delivery {
    doc: Doc,
    /// Kind of the object, one of [`super::CAPABILITIES`] or another.
    pub resource: String,
    /// What has happened.
    pub action: Action,
    /// The older id of the event, unique within 30 days.
    pub event_id: Option<String>,
    /// The newer id (UUID version 7).
    pub event_uuid: Option<String>,
    /// The application that it is for: with `resource` it names the key of the subscription.
    pub application_id: Option<String>,
    /// Where to fetch the object; `None`: it is in the body.
    pub resource_url: Option<String>,
    /// Id of the object.
    pub object_id: Option<String>,
}

impl Delivery {
    /// Reads a delivery; it is wiped when dropped.
    ///
    /// # Errors
    /// [`VendorError::Garbled`] when it is no JSON object, or names no resource or no event.
    pub fn parse(body: Vec<u8>) -> Result<Self, VendorError> {
        let doc = parse(body)?;
        let root = doc.root();
        let resource = string(root, "resource").ok_or(VendorError::Garbled)?;
        let (event_id, event_uuid) = (string(root, "event_id"), string(root, "event_uuid"));
        if event_id.is_none() && event_uuid.is_none() {
            return Err(VendorError::Garbled);
        }
        Ok(Self {
            resource,
            action: Action::of(string(root, "action").as_deref()),
            event_id,
            event_uuid,
            application_id: string(root, "application_id"),
            resource_url: string(root, "resource_url"),
            object_id: root.get("data").and_then(|data| string(data, "id")),
            doc,
        })
    }

    /// The object as it was when the event happened. It may be older than what is stored: read it anew.
    #[must_use]
    pub fn data(&self) -> Option<&[u8]> {
        self.doc.root().get("data").filter(|data| data.kind() == Kind::Object).map(Node::raw)
    }
}

/// One row of `published_events`: a past delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedEvent {
    /// Id of the event.
    pub event_id: String,
    /// What has happened.
    pub action: Action,
    /// Kind of the object.
    pub resource: String,
    /// Id of the object.
    pub resource_id: Option<String>,
    /// When it was sent, as text.
    pub processed: Option<String>,
    /// What the receiver answered.
    pub status: Option<u16>,
}

impl PublishedEvent {
    /// Reads one object of a page of events.
    ///
    /// # Errors
    /// [`VendorError::Garbled`] when it names no event or no resource.
    pub fn parse(object: &[u8]) -> Result<Self, VendorError> {
        let doc = parse(object.to_vec())?;
        let root = doc.root();
        let status = root.get("status_code").and_then(Node::number_text).and_then(|digits| digits.parse().ok());
        Ok(Self {
            event_id: string(root, "event_id").or_else(|| string(root, "id")).ok_or(VendorError::Garbled)?,
            action: Action::of(string(root, "event_type").as_deref()),
            resource: string(root, "resource").ok_or(VendorError::Garbled)?,
            resource_id: string(root, "resource_id"),
            processed: string(root, "processed_date"),
            status,
        })
    }
}

/// A subscription, as Elation answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// Kind of the objects that it tells of.
    pub resource: String,
    /// Where deliveries go.
    pub target: String,
    /// The public key of its deliveries: Ed25519, base64.
    pub signing_pub_key: Option<String>,
}

impl Subscription {
    /// Reads the answer to a request for a subscription, or one of a list.
    ///
    /// # Errors
    /// [`VendorError::Garbled`] when id, resource or target is absent.
    pub fn parse(object: &[u8]) -> Result<Self, VendorError> {
        let doc = parse(object.to_vec())?;
        let need = |name| string(doc.root(), name).ok_or(VendorError::Garbled);
        Ok(Self {
            id: need("id")?,
            resource: need("resource")?,
            target: need("target")?,
            signing_pub_key: string(doc.root(), "signing_pub_key"),
        })
    }
}

/// The body of a request for a subscription. The same resource and target twice is answered with 409.
#[must_use]
pub fn subscription_request(resource: &str, target: &str) -> Vec<u8> {
    let mut out = b"{\"resource\":".to_vec();
    write_string(resource, &mut out);
    out.extend_from_slice(b",\"target\":");
    write_string(target, &mut out);
    out.extend_from_slice(b",\"properties\":null}");
    out
}

/// What an error body says that a program can use. Its texts quote requests, so none of them is taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorBody {
    /// The id of the object that exists already (409).
    pub redirect: Option<String>,
    /// How many members the answer complains about.
    pub members: usize,
}

impl ErrorBody {
    /// Reads `{"detail": …}`, `{"detail": …, "redirect": 1}` or `{"member": "…" | ["…"]}`; anything else says nothing.
    #[must_use]
    pub fn parse(body: Vec<u8>) -> Self {
        let Ok(doc) = parse(body) else { return Self::default() };
        let root = doc.root();
        let members = root.members().filter(|member| !matches!(&*member.key, "detail" | "redirect")).count();
        Self { redirect: string(root, "redirect"), members }
    }
}

fn parse(body: Vec<u8>) -> Result<Doc, VendorError> {
    let doc = Doc::parse(body, &Limits::default()).map_err(|_| VendorError::Garbled)?;
    if doc.root().kind() == Kind::Object { Ok(doc) } else { Err(VendorError::Garbled) }
}

/// A text or the digits of a number; nothing for null and for the empty text.
fn string(node: Node<'_>, name: &str) -> Option<String> {
    let value = node.get(name)?;
    let text = value.number_text().map(str::to_owned).or_else(|| value.as_str().map(|text| text.into_owned()))?;
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_styles_of_pages_are_read() {
        let cursor = br#"{"next":"https://x.test/p/?cursor=cD0x","previous":null,"results":[{"id":142857632874497,"last_modified":"2026-01-02T03:04:05Z"},{"id":"7","deleted_date":"2026-01-02T03:04:05Z"}]}"#;
        let page = Page::parse(cursor.to_vec()).unwrap();
        assert_eq!(page.next().as_deref(), Some("https://x.test/p/?cursor=cD0x"));
        assert_eq!((page.previous(), page.count()), (None, None));
        let objects: Vec<Listed<'_>> = page.objects().collect();
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[0].id.as_deref(), Some("142857632874497"));
        assert_eq!(objects[0].modified.as_deref(), Some("2026-01-02T03:04:05Z"));
        assert!(!objects[0].deleted && objects[1].deleted);
        assert_eq!(objects[1].raw, br#"{"id":"7","deleted_date":"2026-01-02T03:04:05Z"}"#);

        let counted = br#"{"count":3,"next":null,"previous":"https://x.test/p/?limit=1","results":[]}"#;
        let page = Page::parse(counted.to_vec()).unwrap();
        assert_eq!((page.count(), page.next()), (Some(3), None));
    }

    #[test]
    fn a_page_that_is_cut_short_is_garbled() {
        let whole = br#"{"next":null,"previous":null,"results":[{"id":1}]}"#;
        for length in 0..whole.len() {
            assert!(matches!(Page::parse(whole[..length].to_vec()), Err(VendorError::Garbled)), "{length}");
        }
        assert!(Page::parse(br#"{"detail":"no"}"#.to_vec()).is_err());
    }

    #[test]
    fn a_delivery_names_event_object_and_action() {
        let body = br#"{"data":{"id":5,"x":1.10},"action":"deleted","event_id":9,"event_uuid":"01890000-0000-7000-8000-000000000000","application_id":"app","resource":"patients","resource_url":null}"#;
        let delivery = Delivery::parse(body.to_vec()).unwrap();
        assert_eq!((delivery.resource.as_str(), delivery.action), ("patients", Action::Deleted));
        assert_eq!((delivery.event_id.as_deref(), delivery.object_id.as_deref()), (Some("9"), Some("5")));
        assert_eq!(delivery.data(), Some(&br#"{"id":5,"x":1.10}"#[..]));
        assert_eq!(delivery.resource_url, None);
        assert!(Delivery::parse(br#"{"resource":"patients","data":{}}"#.to_vec()).is_err());
    }

    #[test]
    fn a_past_event_and_a_subscription_are_read() {
        let event = br#"{"id":1,"event_id":77,"event_type":"saved","resource":"reports","resource_id":8,"processed_date":"2026-01-01T00:00:00Z","status_code":200,"target":"https://x.test/","error_content":null}"#;
        let event = PublishedEvent::parse(event).unwrap();
        assert_eq!((event.event_id.as_str(), event.action, event.status), ("77", Action::Saved, Some(200)));
        let made =
            br#"{"id":3,"resource":"patients","target":"https://x.test/h","signing_pub_key":"a2V5","properties":null}"#;
        assert_eq!(Subscription::parse(made).unwrap().signing_pub_key.as_deref(), Some("a2V5"));
        let asked = subscription_request("patients", "https://x.test/\"");
        assert_eq!(asked, br#"{"resource":"patients","target":"https://x.test/\"","properties":null}"#);
    }

    #[test]
    fn an_error_body_gives_ids_and_counts_and_no_text() {
        let duplicate = br#"{"detail":"Duplicated object","redirect":142857632874497}"#;
        assert_eq!(ErrorBody::parse(duplicate.to_vec()).redirect.as_deref(), Some("142857632874497"));
        let fields = br#"{"first_name":["required"],"dob":"wrong: 1970-01-01"}"#;
        assert_eq!(ErrorBody::parse(fields.to_vec()), ErrorBody { redirect: None, members: 2 });
        assert_eq!(ErrorBody::parse(b"<html>".to_vec()), ErrorBody::default());
    }
}
