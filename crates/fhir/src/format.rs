/// A notation of resources on the wire (R4 http.html, section 3.1.0.1.9, and `_format` in 3.1.0.1.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// R4 json.html.
    Json,
    /// R4 xml.html.
    Xml,
}

impl Format {
    /// The notation that a value of `_format` names. A `+` in a query string arrives as a space.
    #[must_use]
    pub fn of_parameter(value: &str) -> Option<Self> {
        match value {
            "json" | "application/fhir json" => Some(Self::Json),
            "xml" | "application/fhir xml" => Some(Self::Xml),
            media => Self::of_media_type(media),
        }
    }

    /// The short name, as `_format` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }

    /// The notation of a media type in lower case and without parameters, the generic ones included.
    #[must_use]
    pub fn of_media_type(media: &str) -> Option<Self> {
        match media {
            "application/fhir+json" | "application/json" | "text/json" => Some(Self::Json),
            "application/fhir+xml" | "application/xml" | "text/xml" => Some(Self::Xml),
            _ => None,
        }
    }
}
