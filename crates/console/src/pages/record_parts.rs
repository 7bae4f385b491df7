//! The parts of a record's page: who, and the lists of what there is.

use crate::context::Context;
use crate::reading::{Record, at, concept, text};
use crate::refusal::Refused;
use crate::ui::{self, mask, value};
use aceso_base::{Caller, LogicalId, Purpose, SubjectId, Timestamp, Version};
use aceso_custodian::{Receipt, Shape};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::{ClassSet, DataClass};
use aceso_repository::{Fault, ViewsCall};
use maud::{Markup, PreEscaped, html};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a list on the page, redacted and opened.
const MASKED_ROWS: usize = 4;
const ROWS: usize = 12;
const LAB_VALUES: usize = 200;
/// Where a medication refers to its drug, and where the reference says its name.
const DRUG: &str = "medicationReference.reference";
const DRUG_NAME: &str = "medicationReference.display";

/// One list: what was found, of how many, and the entry that recorded it.
pub(crate) struct Listed {
    records: Vec<(LogicalId, Timestamp, Record)>,
    total: usize,
    receipt: Option<Receipt>,
}

/// The lists of a record.
pub(crate) struct Sections {
    conditions: Listed,
    medications: Listed,
    /// The drugs that the medications name by reference.
    drugs: Listed,
    labs: Listed,
    encounters: Listed,
    claims: Listed,
}

impl Sections {
    /// Reads the lists, each with a decision and entries of its own. Sorting and filtering read values, so they are asked for only
    /// where those are opened.
    pub(crate) async fn read(
        context: &Context,
        caller: &Caller,
        subject: SubjectId,
        shape: &Shape,
        opened: ClassSet,
    ) -> Result<Self, Refused> {
        let clinical = opened.contains(DataClass::Clinical);
        let financial = opened.contains(DataClass::Financial);
        let list = async |rtype: &str, open: bool, pairs: &[(&str, &str)], rows: usize| {
            let rtype = ResourceType::parse(rtype).ok_or_else(|| Fault::new(500, "exception", "an unknown type"))?;
            let pairs: Vec<(String, String)> =
                pairs.iter().filter(|_| open).map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let call = ViewsCall {
                rtype,
                compartment: Some(subject),
                pairs: &pairs,
                count: if open { rows } else { MASKED_ROWS },
                after: None,
                shape: shape.clone(),
            };
            Listed::of(context.console.inner.repository.views(caller, &call).await?)
        };
        let (conditions, medications, labs, encounters, claims) = tokio::join!(
            list("Condition", clinical, &[("_sort", "-recorded-date")], ROWS),
            list("MedicationRequest", clinical, &[("_sort", "-authoredon")], ROWS),
            list("Observation", clinical, &[("category", "laboratory"), ("_sort", "-date")], LAB_VALUES),
            list("Encounter", clinical, &[("_sort", "-date")], ROWS),
            list("ExplanationOfBenefit", financial, &[("_sort", "-created")], 6),
        );
        let medications = medications?;
        let drugs = drugs(context, caller, shape, if clinical { &medications.records } else { &[] }).await?;
        Ok(Self { conditions: conditions?, medications, drugs, labs: labs?, encounters: encounters?, claims: claims? })
    }

    pub(crate) fn shown(&self, opened: ClassSet) -> Markup {
        html! {
            (labs(&self.labs, opened))
            div class="grid two" {
                (conditions(&self.conditions, opened))
                (medications(&self.medications, &self.drugs, opened))
            }
            (encounters(&self.encounters, opened))
            (claims(&self.claims, opened))
        }
    }

    fn all(&self) -> [(&'static str, &Listed); 6] {
        [
            ("Condition", &self.conditions),
            ("MedicationRequest", &self.medications),
            ("Medication", &self.drugs),
            ("Observation", &self.labs),
            ("Encounter", &self.encounters),
            ("ExplanationOfBenefit", &self.claims),
        ]
    }
}

/// Reads the drugs that medications refer to: a decision and entries of their own, as for every list.
async fn drugs(
    context: &Context,
    caller: &Caller,
    shape: &Shape,
    medications: &[(LogicalId, Timestamp, Record)],
) -> Result<Listed, Refused> {
    let referred = medications.iter().filter(|(_, _, record)| record.node(DRUG_NAME).is_none());
    let ids: BTreeSet<String> = referred
        .filter_map(|(_, _, record)| Some(record.text(DRUG)?.strip_prefix("Medication/")?.to_owned()))
        .collect();
    let Some(rtype) = ResourceType::parse("Medication").filter(|_| !ids.is_empty()) else {
        return Ok(Listed::none());
    };
    let pairs = [("_id".to_owned(), ids.iter().map(String::as_str).collect::<Vec<_>>().join(","))];
    let call =
        ViewsCall { rtype, compartment: None, pairs: &pairs, count: ids.len(), after: None, shape: shape.clone() };
    match context.console.inner.repository.views(caller, &call).await {
        Ok(found) => Ok(Listed::of(found)?),
        // Who may not read the directory sees that a drug is named elsewhere.
        Err(fault) if fault.status == 403 => Ok(Listed::none()),
        Err(fault) => Err(fault.into()),
    }
}

impl Listed {
    const fn none() -> Self {
        Self { records: Vec::new(), total: 0, receipt: None }
    }

    fn of(found: Option<aceso_custodian::Page>) -> Result<Self, Fault> {
        let Some(found) = found else { return Ok(Self::none()) };
        let records = found.matches.into_iter().map(|view| {
            let (id, updated) = (view.id().clone(), view.updated());
            Record::of(view).map(|record| (id, updated, record))
        });
        Ok(Self { records: records.collect::<Result<_, _>>()?, total: found.total, receipt: Some(found.receipt) })
    }
}

/// Who it is: name first, then what identifies and how to reach.
pub(crate) fn header(
    patient: &Record,
    opened: ClassSet,
    (id, version, updated): (&LogicalId, Version, Timestamp),
) -> Markup {
    use DataClass::{Contact, Identity, Sensitive};
    let fact = |label: &str, text: Option<String>, class: DataClass, width: u8| {
        html! { div { dt { (label) } dd { (value(text.as_deref(), class, opened, width)) } } }
    };
    let redacted = opened == ClassSet::STRUCTURE;
    html! {
        section class={ "card patient" @if redacted { " redacted" } } {
            div class="patient-name" {
                h1 { (value(patient.name().as_deref(), Identity, opened, 4)) }
                span class={ "pill " @if redacted { "shut" } @else { "open" } } { @if redacted { "redacted" } @else { "opened" } }
                (ui::badges(opened))
            }
            dl class="patient-facts" {
                (fact("Born", patient.day("birthDate"), Identity, 2))
                (fact("Sex", patient.text("gender"), Identity, 1))
                (fact("Record number", patient.record_number(), Identity, 3))
                (fact("Phone", patient.text("telecom.0.value"), Contact, 2))
                (fact("Address", patient.address(), Contact, 4))
                (fact("Race", patient.extension("us-core-race"), Sensitive, 2))
                (fact("Language", patient.concept("communication.0.language"), class_of("Patient.communication.language"), 2))
                div { dt { "Record" } dd class="num" { span title=(id) { (ui::short(id.as_str())) } " · version " (version) } }
                div { dt { "Last change (UTC)" } dd { (ui::moment(updated)) } }
            }
        }
    }
}

/// The class of an element of Patient, by its path, for its mask.
fn class_of(path: &str) -> DataClass {
    let classes = aceso_labels::classes_of_element(ResourceType::PATIENT, path);
    classes.without(DataClass::Structure).iter().next().unwrap_or(DataClass::Structure)
}

/// The frame of a list.
fn section(title: &str, listed: &Listed, open: bool, class: DataClass, body: &Markup) -> Markup {
    let shown = listed.records.len();
    html! {
        section class="card flush" {
            div class="table-head" {
                h2 { (title) " " span class="count num" { (listed.total) } }
                span class="muted" {
                    @if !open { "sealed " (ui::badge(class)) }
                    @else if shown < listed.total { "the newest " (shown) }
                }
            }
            @if listed.total == 0 { p class="empty muted" { "No records." } } @else { (body) }
        }
    }
}

/// Rows of which only the structure is shown.
fn masked_rows(listed: &Listed, class: DataClass) -> Markup {
    html! {
        ul class="lines" {
            @for (at, (id, _, record)) in listed.records.iter().enumerate() {
                li {
                    span class="line-main" { (mask(class, if at % 2 == 0 { 4 } else { 3 })) }
                    span class="line-side" {
                        @if let Some(status) = record.text("status") { span class="muted" { (status) " · " } }
                        span class="id" title=(id) { (ui::short(id.as_str())) }
                    }
                }
            }
            @if let Some(more) = listed.total.checked_sub(listed.records.len()).filter(|more| *more > 0) {
                li { span class="muted" { "and " (more) " more, sealed" } }
            }
        }
    }
}

fn conditions(listed: &Listed, opened: ClassSet) -> Markup {
    let open = opened.contains(DataClass::Clinical);
    let body = html! {
        @if open {
            ul class="lines" {
                @for (_, _, record) in &listed.records {
                    @let status = record.concept("clinicalStatus").unwrap_or_default();
                    li {
                        span class="line-main" { (record.concept("code").unwrap_or_default()) }
                        span class="line-side" {
                            @if !status.is_empty() { span class={ "state " @if status == "active" { "ok" } @else { "past" } } { (status) } " " }
                            span class="num muted" { (record.day("onsetDateTime").or_else(|| record.day("recordedDate")).unwrap_or_default()) }
                        }
                    }
                }
            }
        } @else { (masked_rows(listed, DataClass::Clinical)) }
    };
    section("Conditions", listed, open, DataClass::Clinical, &body)
}

/// What a medication is of: said in the record, in what it contains, or in the drug that it refers to.
fn drug(record: &Record, drugs: &Listed) -> Option<String> {
    let referred = || {
        let place = record.text(DRUG)?;
        if let Some(inside) = place.strip_prefix('#') {
            let mut contained = record.items("contained");
            let found = contained.find(|node| at(*node, "id").and_then(text).as_deref() == Some(inside))?;
            return at(found, "code").and_then(concept);
        }
        let id = place.strip_prefix("Medication/")?;
        let (_, _, found) = drugs.records.iter().find(|(known, _, _)| known.as_str() == id)?;
        found.concept("code")
    };
    record.concept("medicationCodeableConcept").or_else(|| record.text(DRUG_NAME)).or_else(referred)
}

fn medications(listed: &Listed, drugs: &Listed, opened: ClassSet) -> Markup {
    let open = opened.contains(DataClass::Clinical);
    let body = html! {
        @if open {
            ul class="lines" {
                @for (_, _, record) in &listed.records {
                    @let status = record.text("status").unwrap_or_default();
                    li {
                        span class="line-main" {
                            @if let Some(drug) = drug(record, drugs) { (drug) } @else { span class="muted" { "named in another record" } }
                            @if let Some(dose) = record.text("dosageInstruction.0.text") { " " span class="muted" { (dose) } }
                        }
                        span class="line-side" {
                            span class={ "state " @if status == "active" { "ok" } @else { "past" } } { (status) } " "
                            span class="num muted" { (record.day("authoredOn").unwrap_or_default()) }
                        }
                    }
                }
            }
        } @else { (masked_rows(listed, DataClass::Clinical)) }
    };
    section("Medications", listed, open, DataClass::Clinical, &body)
}

fn encounters(listed: &Listed, opened: ClassSet) -> Markup {
    let open = opened.contains(DataClass::Clinical);
    let body = html! {
        @if open {
            ol class="timeline" {
                @for (_, _, record) in &listed.records {
                    li {
                        span class="num when" { (record.day("period.start").unwrap_or_default()) }
                        span class="what" {
                            b { (record.concept("type.0").unwrap_or_else(|| "Encounter".to_owned())) }
                            @if let Some(reason) = record.concept("reasonCode.0") { " " span class="muted" { (reason) } }
                        }
                    }
                }
            }
        } @else { (masked_rows(listed, DataClass::Clinical)) }
    };
    section("Timeline", listed, open, DataClass::Clinical, &body)
}

fn claims(listed: &Listed, opened: ClassSet) -> Markup {
    let open = opened.contains(DataClass::Financial);
    let body = html! {
        @if open {
            ul class="lines" {
                @for (_, _, record) in &listed.records {
                    li {
                        span class="line-main" {
                            (record.concept("type").or_else(|| record.text("use")).unwrap_or_else(|| "Statement".to_owned()))
                            @if let Some(status) = record.text("status") { " " span class="muted" { (status) } }
                        }
                        span class="line-side num" { (amount(record)) }
                    }
                }
            }
        } @else { (masked_rows(listed, DataClass::Financial)) }
    };
    section("Statements of benefits", listed, open, DataClass::Financial, &body)
}

/// What was billed or paid, in the currency of the record, to the hundredth.
pub(crate) fn amount(record: &Record) -> String {
    let place = |path: &str| {
        let node = record.node(path)?;
        let value = at(node, "value").and_then(text)?.parse::<f64>().ok()?;
        Some(format!("{value:.2} {}", at(node, "currency").and_then(text).unwrap_or_default()))
    };
    let found = place("payment.amount").or_else(|| place("total.0.amount")).or_else(|| place("total"));
    found.unwrap_or_else(|| "–".to_owned())
}

/// One kind of laboratory value over time, newest first.
struct Series {
    unit: String,
    values: Vec<(String, f64)>,
    range: Option<(f64, f64)>,
}

/// Kinds of values with the most of them, as small plots.
const PLOTS: usize = 8;

fn labs(listed: &Listed, opened: ClassSet) -> Markup {
    let open = opened.contains(DataClass::Clinical);
    let series = if open { series(listed) } else { Vec::new() };
    let body = html! {
        @if open {
            div class="labs" { @for (name, series) in series.iter().take(PLOTS) { (lab(name, series)) } }
            @if series.is_empty() { p class="empty muted" { "No numbers among the newest values." } }
            @if series.len() > PLOTS { p class="more muted" { "The " (PLOTS) " kinds with the most values, of " (series.len()) "." } }
        } @else {
            div class="labs" {
                @for (id, _, _) in &listed.records {
                    div class="lab" { div class="lab-name" { (mask(DataClass::Clinical, 3)) } div class="lab-plot sealed" {} div class="lab-now muted" { span class="id" title=(id) { (ui::short(id.as_str())) } } }
                }
            }
        }
    };
    let title = if open { "Laboratory" } else { "Observations" };
    section(title, listed, open, DataClass::Clinical, &body)
}

fn series(listed: &Listed) -> Vec<(String, Series)> {
    let mut by_name: BTreeMap<String, Series> = BTreeMap::new();
    for (_, _, record) in &listed.records {
        let (Some(name), Some((number, unit)), Some(day)) =
            (record.concept("code"), record.quantity("valueQuantity"), record.day("effectiveDateTime"))
        else {
            continue;
        };
        let series = by_name.entry(name).or_insert_with(|| Series { unit, values: Vec::new(), range: None });
        series.values.push((day, number));
        let bound = |path: &str| record.text(path).and_then(|text| text.parse::<f64>().ok());
        series.range = series.range.or(bound("referenceRange.0.low.value").zip(bound("referenceRange.0.high.value")));
    }
    let mut all: Vec<(String, Series)> = by_name.into_iter().collect();
    all.sort_by_key(|(_, series)| std::cmp::Reverse(series.values.len()));
    all
}

fn lab(name: &str, series: &Series) -> Markup {
    let newest = series.values.first();
    let short = name.split(" [").next().unwrap_or(name);
    html! {
        div class="lab" {
            div class="lab-name" title=(name) { (short) }
            div class="lab-plot" { (plot(name, series)) }
            @if let Some((day, number)) = newest {
                div class="lab-now" {
                    b class="num" { (rounded(*number)) } " " span class="muted" { (series.unit) }
                    span class="num muted lab-day" { (day) }
                }
            }
        }
    }
}

/// Three figures that matter, as people read them.
fn rounded(number: f64) -> String {
    if number.abs() >= 100.0 {
        format!("{number:.0}")
    } else if number.abs() >= 10.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    }
}

const WIDE: f64 = 200.0;
const HIGH: f64 = 44.0;

/// The values over time as a line; oldest left. Numbers only go in, so nothing has to be escaped.
fn plot(name: &str, series: &Series) -> Markup {
    let numbers: Vec<f64> = series.values.iter().rev().map(|(_, number)| *number).collect();
    let (low, high) = numbers.iter().fold((f64::MAX, f64::MIN), |(low, high), n| (low.min(*n), high.max(*n)));
    let (low, high) = series.range.map_or((low, high), |(from, to)| (low.min(from), high.max(to)));
    let span = if high > low { high - low } else { 1.0 };
    let steps = (numbers.len().max(2) - 1) as f64;
    let y = |number: f64| 4.0 + (HIGH - 8.0) * (1.0 - (number - low) / span);
    let x = |at: usize| if numbers.len() == 1 { WIDE / 2.0 } else { 4.0 + (WIDE - 8.0) * at as f64 / steps };
    let points: Vec<(f64, f64)> = numbers.iter().enumerate().map(|(at, n)| (x(at), y(*n))).collect();
    let line: String = points.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
    let (from, to) =
        (series.values.last().map(|(day, _)| day.as_str()), series.values.first().map(|(day, _)| day.as_str()));
    let told = format!(
        "{name}: {} values from {} to {}, between {} and {} {}",
        numbers.len(),
        from.unwrap_or_default(),
        to.unwrap_or_default(),
        rounded(low),
        rounded(high),
        series.unit
    );
    html! {
        svg viewBox={ "0 0 " (WIDE) " " (HIGH) } role="img" aria-label=(told) preserveAspectRatio="none" {
            @if let Some((from, to)) = series.range {
                rect class="range" x="0" width=(WIDE) y=(format!("{:.1}", y(to))) height=(format!("{:.1}", (y(from) - y(to)).max(0.5))) {}
            }
            (PreEscaped(format!("<polyline class=\"trend\" points=\"{}\"/>", line.trim_end())))
            @if let Some((x, y)) = points.last() {
                // A line of no length with round ends stays round, however the plot is stretched.
                path class="tip" d=(format!("M{x:.1} {y:.1}h0")) {}
            }
        }
    }
}

/// What this very page wrote into the log, before it showed anything.
pub(crate) fn written(receipt: &Receipt, sections: &Sections, opened: ClassSet, purpose: Purpose) -> Markup {
    let others = sections
        .all()
        .into_iter()
        .filter_map(|(name, listed)| Some((name, listed.records.len(), listed.receipt.as_ref()?)));
    html! {
        section class="card receipts" {
            h2 { "This page's receipts" }
            p class="muted" { "Entries that were on the disk before you saw anything, for " b { (purpose) } "." }
            table class="plain" {
                thead { tr { th scope="col" { "Read" } th scope="col" class="num" { "Records" } th scope="col" class="num" { "Entry" } } }
                tbody {
                    tr { td { "Patient" } td class="num" { "1" } td class="num" { "#" (receipt.index()) } }
                    @for (name, count, receipt) in others {
                        tr { td { (name) } td class="num" { (count) } td class="num" { "#" (receipt.index()) } }
                    }
                }
            }
            p { "Opened: " (ui::badges(opened)) }
        }
    }
}

/// The words of a coded element, for the side-by-side view.
pub(crate) fn words(record: &Record, path: &str) -> Option<String> {
    record.node(path).and_then(concept)
}
