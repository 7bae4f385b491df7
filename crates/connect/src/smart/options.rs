//! What an operator says about one connection beyond its address.

use ::http::{HeaderMap, HeaderName, HeaderValue};
use aceso_base::LogicalId;

/// Options of a connection to a FHIR source.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Groups whose members are the patients.
    pub groups: Vec<String>,
    /// The patients, by their ids at the source.
    pub patients: Vec<String>,
    /// The records of a chart are listed for one patient at a time, whatever the profile says.
    pub by_patient: bool,
    /// Query parameters of every search: tenancy.
    pub parameters: Vec<(String, String)>,
    /// Headers of every request.
    pub headers: HeaderMap,
}

/// What is wrong with options. Names no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Not one of the names.
    #[error("an option is group=ID, patient=ID, lists=by-patient, parameter.NAME=VALUE or header.NAME=VALUE")]
    Name,
    /// Not a FHIR id.
    #[error("group and patient are ids at the source: 1 to 64 of A-Z, a-z, 0-9, '-' and '.'")]
    Id,
    /// Not a parameter.
    #[error("a parameter has a name of letters, digits, '-', '_' and ':', and a value")]
    Parameter,
    /// Not a header that an operator may set.
    #[error(
        "not a header that can be set: the connection sets authorization, accept, host and those of the body itself"
    )]
    Header,
    /// The patients are to be named.
    #[error("this vendor gives out no list of all patients: say group=ID or patient=ID")]
    NoPatients,
    /// A group cannot be read.
    #[error("this vendor lets no group be read: say patient=ID")]
    NoGroup,
    /// A parameter without which nothing can be searched.
    #[error("this vendor wants to know the practice: say parameter.ah-practice=VALUE")]
    NoPractice,
    /// The vendor has none.
    #[error("this vendor has no options")]
    None,
}

/// Headers that are not the operator's.
const OWN_HEADERS: &[&str] =
    &["authorization", "accept", "host", "content-type", "content-length", "transfer-encoding", "connection", "cookie"];

impl Options {
    /// Reads pairs of name and value.
    ///
    /// # Errors
    /// [`OptionError`].
    pub fn parse(pairs: &[(String, String)]) -> Result<Self, OptionError> {
        let mut options = Self::default();
        for (name, value) in pairs {
            match (name.as_str(), name.split_once('.')) {
                ("group", _) => options.groups.push(id(value)?),
                ("patient", _) => options.patients.push(id(value)?),
                ("lists", _) if value == "by-patient" => options.by_patient = true,
                (_, Some(("parameter", parameter))) => options.parameters.push(pair(parameter, value)?),
                (_, Some(("header", header))) => {
                    let (header, value) = header_pair(header, value)?;
                    options.headers.insert(header, value);
                }
                _ => return Err(OptionError::Name),
            }
        }
        Ok(options)
    }

    /// Whether the patients are named one way or the other.
    pub(super) fn name_patients(&self) -> bool {
        !self.groups.is_empty() || !self.patients.is_empty()
    }
}

fn id(value: &str) -> Result<String, OptionError> {
    LogicalId::parse(value).map(|id| id.as_str().to_owned()).map_err(|_| OptionError::Id)
}

fn pair(name: &str, value: &str) -> Result<(String, String), OptionError> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':'));
    let good = plain && !name.is_empty() && !value.is_empty() && !value.contains(char::is_control);
    if good { Ok((name.to_owned(), value.to_owned())) } else { Err(OptionError::Parameter) }
}

fn header_pair(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), OptionError> {
    let name: HeaderName = name.parse().map_err(|_| OptionError::Header)?;
    let value = HeaderValue::from_str(value).map_err(|_| OptionError::Header)?;
    if OWN_HEADERS.contains(&name.as_str()) { Err(OptionError::Header) } else { Ok((name, value)) }
}
