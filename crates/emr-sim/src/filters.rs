//! The filters of lists (note, section 1.3). What a type does not know is ignored, as the real one does: a list asked for by a
//! filter that does not exist is the whole list.

use crate::facts::{DAY, Seconds};
use crate::kind::Kind;
use crate::reply::Reply;
use crate::store::Store;
use serde_json::{Value, json};

/// Name and value, decoded, in the order of the query.
pub(crate) type Query = Vec<(String, String)>;

/// Takes a query or form apart (`application/x-www-form-urlencoded`).
pub(crate) fn query(text: &str) -> Query {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, further @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit =
                    |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
                out.push(digit(high) * 16 + digit(low));
                rest = further;
            }
            _ => out.push(*first),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The last value of this name, as Django takes it.
pub(crate) fn last<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// What objects of a list must meet.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    /// Only of these patients.
    pub(crate) patients: Option<Vec<i64>>,
    tests: Vec<Test>,
}

#[derive(Debug)]
enum Test {
    Changed(Compare, Seconds),
    Time(&'static str, Compare, Seconds),
    Null(&'static str, bool),
    Ids(&'static str, Vec<i64>),
    Text(&'static str, Vec<String>),
}

#[derive(Debug, Clone, Copy)]
enum Compare {
    After,
    From,
    Before,
    Until,
}

const COMPARES: [(&str, Compare); 4] =
    [("gt", Compare::After), ("gte", Compare::From), ("lt", Compare::Before), ("lte", Compare::Until)];

impl Compare {
    const fn holds(self, value: Seconds, bound: Seconds) -> bool {
        match self {
            Self::After => value > bound,
            Self::From => value >= bound,
            Self::Before => value < bound,
            Self::Until => value <= bound,
        }
    }
}

/// Members that a type's list can be filtered by as a time, with `__gt`, `__gte`, `__lt`, `__lte`.
const fn times(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Reports => &["document_date", "reported_date"],
        Kind::Medications | Kind::LabOrders | Kind::VisitNotes | Kind::Vitals => &["document_date"],
        Kind::DiscontinuedMedications => &["document_date", "discontinue_date"],
        Kind::PrescriptionFills => &["fill_date"],
        _ => &[],
    }
}

/// Parameters that bound a member, both ends included.
const fn bounds(kind: Kind) -> &'static [(&'static str, &'static str, Compare)] {
    match kind {
        Kind::Appointments => {
            &[("from_date", "/scheduled_date", Compare::From), ("to_date", "/scheduled_date", Compare::Until)]
        }
        Kind::LabOrders => {
            &[("from_signed_date", "/signed_date", Compare::From), ("to_signed_date", "/signed_date", Compare::Until)]
        }
        _ => &[],
    }
}

/// Parameters that take ids, several by comma; `patient` is apart.
const fn ids(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Patients => &[("practice", "/caregiver_practice"), ("master_patient", "/master_patient")],
        Kind::Practices => &[],
        Kind::Medications => &[("practice", "/practice"), ("thread", "/thread/id")],
        Kind::DiscontinuedMedications => &[("practice", "/practice"), ("thread", "/thread")],
        Kind::Vitals => &[("practice", "/practice"), ("visit_note", "/visit_note")],
        Kind::Appointments => &[("practice", "/practice"), ("physician", "/physician")],
        _ => &[("practice", "/practice")],
    }
}

/// Parameters that take words, several by comma.
const fn words(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Patients => &["first_name", "last_name", "dob", "sex"],
        Kind::Problems => &["status"],
        Kind::Appointments => &["time_slot_type"],
        Kind::PrescriptionFills => &["fill_status"],
        Kind::Reports => &["report_type"],
        Kind::Physicians => &["npi"],
        _ => &[],
    }
}

impl Filters {
    /// The filters of this query that this type knows.
    ///
    /// # Errors
    /// 400 with the parameter's name when a value is not what the parameter takes.
    pub(crate) fn of(kind: Kind, query: &Query) -> Result<Self, Reply> {
        let mut filters = Self::default();
        if matches!(kind, Kind::Patients | Kind::VisitNotes) {
            for (ending, compare) in COMPARES {
                let name = format!("last_modified__{ending}");
                if let Some(text) = last(query, &name) {
                    filters.tests.push(Test::Changed(compare, time(&name, text, compare)?));
                }
            }
        }
        for member in times(kind) {
            filters.time_tests(member, query)?;
        }
        for (name, member, compare) in bounds(kind) {
            if let Some(text) = last(query, name) {
                filters.tests.push(Test::Time(member, *compare, time(name, text, *compare)?));
            }
        }
        for (name, pointer) in ids(kind) {
            if let Some(text) = last(query, name) {
                filters.tests.push(Test::Ids(pointer, numbers(name, text)?));
            }
        }
        for name in words(kind) {
            if let Some(text) = last(query, name) {
                filters.tests.push(Test::Text(name, text.split(',').map(str::to_owned).collect()));
            }
        }
        if !matches!(kind, Kind::Practices | Kind::Physicians | Kind::Patients) {
            filters.patients = last(query, "patient").map(|text| numbers("patient", text)).transpose()?;
        }
        Ok(filters)
    }

    fn time_tests(&mut self, member: &'static str, query: &Query) -> Result<(), Reply> {
        for (ending, compare) in COMPARES {
            let name = format!("{member}__{ending}");
            if let Some(text) = last(query, &name) {
                self.tests.push(Test::Time(member, compare, time(&name, text, compare)?));
            }
        }
        let name = format!("{member}__isnull");
        if member == "fill_date"
            && let Some(text) = last(query, &name)
        {
            self.tests.push(Test::Null(member, text.eq_ignore_ascii_case("true") || text == "1"));
        }
        Ok(())
    }

    /// Whether an object that is not deleted meets all of them.
    pub(crate) fn admit(&self, store: &Store, kind: Kind, ordinal: u64) -> bool {
        if self.tests.is_empty() {
            return !store.is_deleted(kind, ordinal);
        }
        let Some(facts) = store.facts(kind, ordinal).filter(|facts| !facts.deleted) else { return false };
        let quick = self.tests.iter().all(|test| match test {
            Test::Changed(compare, bound) => compare.holds(facts.changed, *bound),
            _ => true,
        });
        let slow = self.tests.iter().any(|test| !matches!(test, Test::Changed(..)));
        quick && (!slow || store.get(kind, ordinal).is_some_and(|stored| self.admit_body(&stored.body)))
    }

    fn admit_body(&self, body: &Value) -> bool {
        self.tests.iter().all(|test| match test {
            Test::Changed(..) => true,
            Test::Time(member, compare, bound) => {
                let text = member_of(body, member).as_str();
                text.and_then(moment).is_some_and(|at| compare.holds(at, *bound))
            }
            Test::Null(member, wanted) => member_of(body, member).is_null() == *wanted,
            Test::Ids(pointer, ids) => {
                body.pointer(pointer).and_then(Value::as_i64).is_some_and(|found| ids.contains(&found))
            }
            Test::Text(member, texts) => {
                member_of(body, member).as_str().is_some_and(|found| texts.iter().any(|text| text == found))
            }
        })
    }
}

fn member_of<'a>(body: &'a Value, member: &str) -> &'a Value {
    body.get(member.trim_start_matches('/')).unwrap_or(&Value::Null)
}

fn numbers(name: &str, text: &str) -> Result<Vec<i64>, Reply> {
    let parsed: Result<Vec<i64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    parsed.map_err(|_| Reply::json(400, &json!({ name: ["Enter a whole number."] })))
}

fn time(name: &str, text: &str, compare: Compare) -> Result<Seconds, Reply> {
    let at = moment(text).ok_or_else(|| Reply::json(400, &json!({ name: ["Enter a valid date/time."] })))?;
    // A day given as the end of a period is meant as a whole.
    let whole_day = text.len() == 10 && matches!(compare, Compare::Until) && !name.contains("__");
    Ok(if whole_day { at + DAY - 1 } else { at })
}

/// A date (its first moment, UTC), or a date with a time; without a zone it is UTC.
pub(crate) fn moment(text: &str) -> Option<Seconds> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_second());
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_the_last_value_counts() {
        let query = query("patient=1%2C2&limit=5&limit=6&a=b+c&broken=%zz");
        assert_eq!(last(&query, "patient"), Some("1,2"));
        assert_eq!(last(&query, "limit"), Some("6"));
        assert_eq!(last(&query, "a"), Some("b c"));
        assert_eq!(last(&query, "broken"), Some("%zz"));
    }

    #[test]
    fn dates_and_times_with_and_without_a_zone_are_moments() {
        assert_eq!(moment("1970-01-02"), Some(86_400));
        assert_eq!(moment("1970-01-01T01:00:00Z"), Some(3600));
        assert_eq!(moment("1970-01-01T01:00:00"), Some(3600));
        assert_eq!(moment("1970-01-01T01:00:00-01:00"), Some(7200));
        assert_eq!(moment("yesterday"), None);
    }
}
