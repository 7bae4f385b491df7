//! In which notation an answer is written: negotiated from `_format` and `Accept`, done in one place behind all FHIR endpoints.
//!
//! Handlers answer in FHIR JSON. A record is JSON until here, whatever opened it; what cannot be written as XML is not
//! sent in part (decision 0031).

use crate::reply::{FHIR_JSON, Refusal};
use aceso_fhir::Format;
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::xml;
use aceso_repository::{Fault, decode_pairs, operation_outcome};
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

/// What an answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) format: Format,
    media: &'static str,
}

/// What a request gets that asks for nothing, or for what is not served.
impl Default for Wanted {
    fn default() -> Self {
        Self::JSON
    }
}

impl Wanted {
    const JSON: Self = Self { format: Format::Json, media: "application/fhir+json" };
    const XML: Self = Self { format: Format::Xml, media: "application/fhir+xml" };
    /// What can be asked for, the preferred first.
    const ALL: [Self; 6] = [
        Self::JSON,
        Self::XML,
        Self { format: Format::Json, media: "application/json" },
        Self { format: Format::Xml, media: "application/xml" },
        Self { format: Format::Json, media: "text/json" },
        Self { format: Format::Xml, media: "text/xml" },
    ];

    /// What a request asks for by its headers and URL.
    ///
    /// # Errors
    /// See [`Self::by`]; also a query that does not decode.
    pub(crate) fn of(headers: &HeaderMap, uri: &Uri) -> Result<Self, Refusal> {
        match uri.query() {
            None => Self::by(headers, &[]),
            Some(query) => Self::by(headers, &decode_pairs(query)?),
        }
    }

    /// `_format` goes before `Accept` (R4 http.html, section 3.1.0.1.11).
    ///
    /// # Errors
    /// 406 when neither JSON nor XML would do, 400 when `_format` comes twice.
    pub(crate) fn by(headers: &HeaderMap, pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let mut asked = pairs.iter().filter(|(name, _)| name == "_format");
        let Some((_, value)) = asked.next() else {
            let found = accepted(headers);
            let text = "this server answers with application/fhir+json or application/fhir+xml";
            return found.ok_or_else(|| Fault::new(406, "not-supported", text).into());
        };
        if asked.next().is_some() {
            return Err(Fault::at(400, "value", "http._format", "the parameter may come once only").into());
        }
        let known = |wanted: &Self| wanted.media == value;
        let short =
            || Format::of_parameter(value).map(|format| if format == Format::Xml { Self::XML } else { Self::JSON });
        let found = Self::ALL.into_iter().find(known).or_else(short);
        found.ok_or_else(|| Fault::at(406, "not-supported", "http._format", "json or xml is served").into())
    }

    /// Says with the answer what it is to be written as, where only the handler could know.
    pub(crate) fn mark(self, answer: Result<Response, Refusal>) -> Response {
        let mut response = answer.unwrap_or_else(|refusal| refusal.into_response());
        response.extensions_mut().insert(self);
        response
    }

    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_str(&format!("{}; charset=utf-8", self.media)).unwrap_or(FHIR_JSON)
    }
}

/// What `Accept` asks for (RFC 9110 section 12.5.1): the highest quality by the most specific range; of equals, the one
/// named first. Nothing said is JSON.
fn accepted(headers: &HeaderMap) -> Option<Wanted> {
    if !headers.contains_key(ACCEPT) {
        return Some(Wanted::JSON);
    }
    let lines = headers.get_all(ACCEPT).iter().map(|line| line.to_str().unwrap_or_default());
    let ranges: Vec<Range> = lines.flat_map(|line| line.split(',')).map(Range::read).collect();
    let mut best: Option<(u16, usize, Wanted)> = None;
    for wanted in Wanted::ALL {
        let fitting = ranges.iter().enumerate().map(|(at, range)| (range.fit(wanted.media), at, range.quality));
        let Some((_, at, quality)) =
            fitting.filter(|(fit, ..)| *fit > 0).max_by_key(|(fit, at, _)| (*fit, usize::MAX - at))
        else {
            continue;
        };
        let is_better = best.is_none_or(|(known, before, _)| quality > known || (quality == known && at < before));
        if quality > 0 && is_better {
            best = Some((quality, at, wanted));
        }
    }
    best.map(|(_, _, wanted)| wanted)
}

/// One media range with its quality in thousandths.
struct Range {
    media: String,
    quality: u16,
}

impl Range {
    fn read(text: &str) -> Self {
        let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
        let media = match parts.next().unwrap_or_default() {
            short if short == "json" => Wanted::JSON.media.to_owned(),
            short if short == "xml" => Wanted::XML.media.to_owned(),
            media => media,
        };
        let mut quality = 1000;
        for part in parts {
            if let Some(value) = part.strip_prefix("q=") {
                // What is no number is not what somebody wants.
                let value = value.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0);
                quality = (value * 1000.0).round() as u16;
            }
            // Another release of FHIR (R4 http.html, section 3.1.0.1.9).
            if part.strip_prefix("fhirversion=").is_some_and(|version| version.trim_matches('"') != "4.0") {
                quality = 0;
            }
        }
        Self { media, quality }
    }

    /// How specifically the range names the media type; 0 when it does not.
    fn fit(&self, media: &str) -> u8 {
        match self.media.as_str() {
            "*/*" => 1,
            range if range == media => 3,
            range => match (range.strip_suffix("/*"), media.split_once('/')) {
                (Some(kind), Some((of_media, _))) if kind == of_media => 2,
                _ => 0,
            },
        }
    }
}

/// Writes an answer in FHIR JSON as what the request asked for. Answers of other kinds stay as they are.
///
/// An answer without an XML form becomes a 406 where the request changed nothing (`is_safe`). A write that was done stands: its
/// answer is sent in JSON, as its `Content-Type` says.
pub(crate) async fn as_asked(mut response: Response, asked: Wanted, is_safe: bool, json_depth: usize) -> Response {
    if response.headers().get(CONTENT_TYPE).is_none_or(|media| media != FHIR_JSON) {
        return response;
    }
    let asked = response.extensions_mut().remove::<Wanted>().unwrap_or(asked);
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    if asked.format == Format::Json {
        response.headers_mut().insert(CONTENT_TYPE, asked.header());
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(json) = to_bytes(body, usize::MAX).await else {
        return Refusal(Fault::new(500, "exception", "the answer was cut")).into_response();
    };
    let body = match to_xml(json.into(), json_depth) {
        Ok(xml) => xml,
        Err((fault, _)) if is_safe => {
            parts.status = StatusCode::NOT_ACCEPTABLE;
            parts.headers.remove(ETAG);
            parts.headers.remove(LAST_MODIFIED);
            match to_xml(operation_outcome(&fault), json_depth) {
                Ok(xml) => xml,
                Err((_, json)) => return Response::from_parts(parts, Body::from(json)),
            }
        }
        Err((_, json)) => return Response::from_parts(parts, Body::from(json)),
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, asked.header());
    Response::from_parts(parts, Body::from(body))
}

/// How deep a page of records is deeper than a record.
const AROUND_A_RECORD: usize = 16;

/// The same in XML; the JSON is wiped. Else why not, and the JSON.
pub(crate) fn to_xml(json: Vec<u8>, json_depth: usize) -> Result<Vec<u8>, (Fault, Vec<u8>)> {
    let limits = Limits { max_bytes: usize::MAX, max_depth: json_depth + AROUND_A_RECORD, max_nodes: usize::MAX };
    let doc = match Doc::parse(json, &limits) {
        Ok(doc) => doc,
        Err(error) => return Err((Fault::from(error), Vec::new())),
    };
    xml::from_json(&doc).map_err(|error| {
        let text = format!("this cannot be written as XML ({}); ask for application/fhir+json", error.problem);
        (Fault::at(406, "not-supported", error.path, text), doc.text().to_vec())
    })
}
