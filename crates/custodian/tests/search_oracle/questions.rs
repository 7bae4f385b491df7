//! Random questions about what some record holds.

use crate::common::{Record, in_compartment, rtype};
use crate::expected::{Asked, Stored};
use crate::{kind_name, naive, parses};
use aceso_custodian::SearchScope;
use aceso_fhir::search::{SearchParam, param, params_of};
use aceso_testkit::PlannedRandomness;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const KINDS: [&str; 7] = ["token", "string", "date", "number", "quantity", "reference", "uri"];
const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/// Where matches may be.
#[derive(Debug, Clone)]
pub(crate) enum Home {
    Patient(String),
    Directory,
    Everybody,
}

#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) kind: String,
    pub(crate) home: Home,
    pub(crate) asked: Vec<Asked>,
    pub(crate) sort: Option<(&'static str, bool)>,
    pub(crate) page: usize,
}

impl Question {
    pub(crate) fn scope(&self) -> SearchScope {
        match &self.home {
            Home::Patient(patient) => in_compartment(patient),
            Home::Directory => SearchScope::Directory,
            Home::Everybody => SearchScope::Population,
        }
    }

    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<_> = self.asked.iter().map(|asked| asked.pair(&self.kind)).collect();
        if let Some((code, descending)) = self.sort {
            pairs.push(("_sort".into(), format!("{}{code}", if descending { "-" } else { "" })));
        }
        pairs
    }
}

impl Asked {
    fn pair(&self, rtype_name: &str) -> (String, String) {
        let kind = param(rtype(rtype_name), self.code).and_then(|param| kind_name(param.kind)).unwrap_or("composite");
        let name =
            if self.modifier.is_empty() { self.code.to_owned() } else { format!("{}:{}", self.code, self.modifier) };
        let values: Vec<String> = self
            .values
            .iter()
            .map(|value| escape(value, if self.modifier == "text" { "text" } else { kind }))
            .collect();
        (name, values.join(","))
    }
}

fn escape(text: &str, kind: &str) -> String {
    if kind == "composite" {
        // Escaped where it was put together.
        return text.replace(',', r"\,");
    }
    let text = text.replace('\\', r"\\").replace(',', r"\,").replace('$', r"\$");
    if matches!(kind, "string" | "uri" | "text") { text.replace('|', r"\|") } else { text }
}

/// Which records have a value for which parameter, by the kind of parameter, then by type and code.
pub(crate) struct Pool<'s> {
    stored: &'s [Stored],
    by_kind: BTreeMap<&'static str, Vec<(&'static SearchParam, Vec<usize>)>>,
}

impl<'s> Pool<'s> {
    pub(crate) fn new(stored: &'s [Stored]) -> Self {
        let mut by_param: BTreeMap<(&'static str, &str, &str), (&'static SearchParam, Vec<usize>)> = BTreeMap::new();
        for (at, record) in stored.iter().enumerate() {
            for param in params_of(rtype(&record.kind)) {
                let Some(kind) = kind_name(param.kind).filter(|_| judged(param)) else { continue };
                if !naive::eval(param.expression, &record.body).is_empty() {
                    by_param.entry((kind, &record.kind, param.code)).or_insert_with(|| (param, Vec::new())).1.push(at);
                }
            }
        }
        let mut by_kind: BTreeMap<&'static str, Vec<(&'static SearchParam, Vec<usize>)>> = BTreeMap::new();
        for ((kind, ..), list) in by_param {
            by_kind.entry(kind).or_default().push(list);
        }
        Self { stored, by_kind }
    }

    /// A question by one parameter of this kind about a compartment or the directory.
    pub(crate) fn inside(&self, kind: &'static str, dice: &PlannedRandomness) -> Question {
        loop {
            let (param, with) = pick(&self.by_kind[kind], dice);
            let record = &self.stored[*pick(with, dice)];
            let mut values = Vec::new();
            let modifier = pick_modifier(kind, dice);
            values.extend(value_of(param, record, modifier, dice));
            if dice.below(4) == 0 {
                values.extend(value_of(param, &self.stored[*pick(with, dice)], modifier, dice));
            }
            let asked = Asked { code: param.code, modifier, values };
            if let Some(question) = whole(record, vec![asked], None, dice) {
                return question;
            }
        }
    }

    /// Two or three parameters of one type together, in an order.
    pub(crate) fn several(&self, dice: &PlannedRandomness) -> Question {
        loop {
            let (param, with) = pick(&self.by_kind[pick(&["token", "date", "reference"], dice)], dice);
            let record = &self.stored[*pick(with, dice)];
            let mut asked = vec![];
            for at in 0..2 + dice.below(2) {
                let param = if at == 0 { param } else { pick(params_of(rtype(&record.kind)), dice) };
                let Some(kind) = kind_name(param.kind).filter(|_| judged(param)) else { continue };
                let modifier = pick_modifier(kind, dice);
                // Mostly of the same record, so that something is left.
                let values: Vec<String> = value_of(param, record, modifier, dice).into_iter().collect();
                if !values.is_empty() {
                    asked.push(Asked { code: param.code, modifier, values });
                }
            }
            if dice.below(4) == 0 {
                asked.push(by_facts(record, dice));
            }
            let dates = params_of(rtype(&record.kind)).iter().filter(|p| {
                kind_name(p.kind) == Some("date") && judged(p) && p.code != "_lastUpdated" && p.code != "occurrence"
            });
            let mut rules: Vec<&'static str> = vec!["_id", "_lastUpdated", "_lastUpdated"];
            rules.extend(dates.map(|param| param.code));
            rules.extend(params_of(rtype(&record.kind)).iter().filter(|p| p.code == "status").map(|p| p.code));
            let rule = (*pick(&rules, dice), dice.below(2) == 0);
            if asked.len() > 1
                && let Some(question) = whole(record, asked, Some(rule), dice)
            {
                return question;
            }
        }
    }

    /// By a code and a value together.
    pub(crate) fn composite(&self, dice: &PlannedRandomness) -> Question {
        loop {
            let record = pick(self.stored, dice);
            if record.kind != "Observation" {
                continue;
            }
            let code = *pick(
                &[
                    "code-value-quantity",
                    "component-code-value-quantity",
                    "combo-code-value-quantity",
                    "code-value-concept",
                    "combo-code-value-concept",
                    "code-value-date",
                    "code-value-string",
                ],
                dice,
            );
            if dice.below(8) == 0 {
                let values = vec![(*pick(&["true", "false"], dice)).to_owned()];
                let asked = Asked { code, modifier: "missing", values };
                if let Some(question) = whole(record, vec![asked], None, dice) {
                    return question;
                }
                continue;
            }
            let own = [&record.body];
            let components: Vec<&Value> = record.body["component"].as_array().into_iter().flatten().collect();
            let contexts: Vec<&Value> = own.into_iter().chain(components).collect();
            let (first, second) = (pick(&contexts, dice), pick(&contexts, dice));
            // Mostly of the same place; sometimes a code of one and a value of another.
            let second = if dice.below(3) == 0 { second } else { first };
            let (kind, key) = match code.rsplit('-').next().unwrap() {
                "quantity" => ("quantity", "valueQuantity"),
                "concept" => ("token", "valueCodeableConcept"),
                "date" => ("date", "valueDateTime"),
                _ => ("string", "valueString"),
            };
            let Some(node) = second.get(key) else { continue };
            let (Some(code_value), Some(value)) =
                (make_value("token", "code", &first["code"], dice, ""), make_value(kind, key, node, dice, ""))
            else {
                continue;
            };
            if [&code_value, &value].iter().any(|text| text.is_empty() || text.contains(['$', '\\', ','])) {
                continue;
            }
            let asked = Asked { code, modifier: "", values: vec![format!("{code_value}${value}")] };
            if let Some(question) = whole(record, vec![asked], None, dice) {
                return question;
            }
        }
    }

    /// Across patients: by what is indexed, by what is not, together and in order.
    pub(crate) fn across(&self, dice: &PlannedRandomness) -> Question {
        loop {
            let patients = dice.below(6) != 0;
            let record = pick(self.stored, dice);
            if patients && (record.kind != "Patient" || record.body.get("name").is_none() && dice.below(4) != 0) {
                continue;
            }
            let mut asked = vec![];
            if !patients {
                let code = *pick(&["identifier", "_id", "_lastUpdated"], dice);
                asked.push(if code == "identifier" {
                    let Some(param) = param(rtype(&record.kind), "identifier") else { continue };
                    let values = value_of(param, record, "", dice).into_iter().collect();
                    Asked { code, modifier: "", values }
                } else {
                    by_facts(record, dice)
                });
            }
            for _ in 0..if patients { 1 + dice.below(3) } else { 0 } {
                let code = *pick(
                    &[
                        "identifier",
                        "family",
                        "family",
                        "given",
                        "name",
                        "birthdate",
                        "birthdate",
                        "phone",
                        "email",
                        "telecom",
                        "gender",
                        "address-city",
                        "_facts",
                    ],
                    dice,
                );
                if code == "_facts" {
                    asked.push(by_facts(record, dice));
                    continue;
                }
                let param = param(rtype("Patient"), code).unwrap();
                let modifier = pick_modifier(kind_name(param.kind).unwrap(), dice);
                let mut values: Vec<String> = value_of(param, record, modifier, dice).into_iter().collect();
                if dice.below(5) == 0 {
                    values.extend(value_of(param, pick(self.stored, dice), modifier, dice));
                }
                if !values.is_empty() {
                    asked.push(Asked { code: param.code, modifier, values });
                }
            }
            let rule = (*pick(&["family", "birthdate", "_id", "_lastUpdated", "gender"], dice), dice.below(2) == 0);
            let rule = (patients && dice.below(2) == 0).then_some(rule);
            if let Some(question) = whole(record, asked, rule, dice) {
                return Question { home: Home::Everybody, ..question };
            }
        }
    }
}

/// A question that can be asked, or none.
fn whole(
    record: &Stored,
    asked: Vec<Asked>,
    sort: Option<(&'static str, bool)>,
    dice: &PlannedRandomness,
) -> Option<Question> {
    let home = record.subject.clone().map_or(Home::Directory, Home::Patient);
    let page = if dice.below(3) == 0 { 1 + dice.below(7) } else { 500 };
    if asked.is_empty() || asked.iter().any(|asked| asked.values.is_empty()) {
        return None;
    }
    let question = Question { kind: record.kind.clone(), home, asked, sort, page };
    parses(&question.kind, &question.pairs()).then_some(question)
}

/// `_id` or `_lastUpdated`.
fn by_facts(record: &Stored, dice: &PlannedRandomness) -> Asked {
    let name = record.body["id"].as_str().unwrap().to_owned();
    if dice.below(2) == 0 {
        let modifier = *pick(&["", "", "", "not", "missing"], dice);
        let values = match modifier {
            "missing" => vec![(*pick(&["true", "false"], dice)).to_owned()],
            _ => {
                let mut values = vec![
                    [name.clone(), name.clone(), format!("|{name}"), format!("urn:x|{name}"), "nobody".to_owned()]
                        [dice.below(5)]
                    .clone(),
                ];
                if dice.below(3) == 0 {
                    values.push("another".to_owned());
                }
                values
            }
        };
        return Asked { code: "_id", modifier, values };
    }
    if dice.below(8) == 0 {
        return Asked {
            code: "_lastUpdated",
            modifier: "missing",
            values: vec![(*pick(&["true", "false"], dice)).to_owned()],
        };
    }
    let text = aceso_base::Timestamp(record.updated).to_string();
    let cut = [4, 7, 10, 16, 19, 99][dice.below(6)];
    let text: String = text.chars().take(cut).collect();
    let text = if cut == 16 || cut == 19 { format!("{text}Z") } else { text };
    Asked { code: "_lastUpdated", modifier: "", values: vec![format!("{}{text}", pick(&PREFIXES, dice))] }
}

/// `deceased` is a boolean expression, version-like tokens fold case: not for the naive opinion. `_id` and `_lastUpdated` are of
/// the row, not of the body.
fn judged(param: &SearchParam) -> bool {
    param.is_served() && !["deceased", "version", "_id", "_lastUpdated"].contains(&param.code)
}

fn pick_modifier(kind: &str, dice: &PlannedRandomness) -> &'static str {
    let modifiers: &[&'static str] = match kind {
        "token" => &["", "", "", "", "not", "text", "missing"],
        "string" => &["", "", "", "exact", "contains", "missing"],
        "reference" => &["", "", "", "", "identifier", "text", "missing"],
        "uri" => &["", "", "", "below", "above", "missing"],
        _ => &["", "", "", "", "missing"],
    };
    modifiers[dice.below(modifiers.len())]
}

fn value_of(param: &SearchParam, record: &Stored, modifier: &str, dice: &PlannedRandomness) -> Option<String> {
    if modifier == "missing" {
        return Some((*pick(&["true", "false"], dice)).to_owned());
    }
    let found = naive::eval(param.expression, &record.body);
    if found.is_empty() {
        return None;
    }
    let (key, node) = pick(&found, dice);
    make_value(kind_name(param.kind)?, key, node, dice, modifier).filter(|value| !value.is_empty() && value != "|")
}

/// A value to ask for, made from what some record holds.
fn make_value(kind: &str, key: &str, node: &Value, dice: &PlannedRandomness, modifier: &str) -> Option<String> {
    let some = |list: Vec<String>| (!list.is_empty()).then(|| list[dice.below(list.len())].clone());
    match modifier {
        "text" => {
            let text = some(naive::texts(node))?;
            return Some(text.chars().take(1 + dice.below(12)).collect());
        }
        "identifier" => {
            let (system, value) = naive::codes("identifier", node.get("identifier")?).pop()?;
            return Some([value.clone(), format!("{system}|{value}"), format!("{system}|")][dice.below(3)].clone());
        }
        _ => {}
    }
    let end = |n: usize, text: &str| text.chars().take(n).collect::<String>();
    Some(match kind {
        "token" => {
            let list = naive::codes(key, node);
            if list.is_empty() {
                return None;
            }
            let (system, code) = list[dice.below(list.len())].clone();
            let upper = code.to_uppercase();
            [
                code.clone(),
                code.clone(),
                format!("{system}|{code}"),
                format!("{system}|{code}"),
                format!("|{code}"),
                format!("{system}|"),
                upper,
                format!("http://no|{code}"),
                code.replace([' ', '-'], ""),
            ][dice.below(9)]
            .clone()
        }
        "string" => {
            let text = some(naive::strings(node)).filter(|text| !text.is_empty())?;
            let length = text.chars().count();
            let skip = if modifier == "contains" { dice.below(length) } else { 0 };
            let part: String = text.chars().skip(skip).take(1 + dice.below(length)).collect();
            [part.clone(), part.to_uppercase(), naive::fold(&part), text][dice.below(4)].clone()
        }
        "date" => {
            let mut list = vec![];
            dates(node, &mut list);
            let text = some(list)?;
            let cut = [4, 7, 10, 16, 19, 99][dice.below(6)];
            let cut = if text.len() <= 10 && cut > 10 { 10 } else { cut };
            let shown = end(cut, &text);
            let shown =
                if cut == 16 || cut == 19 { format!("{shown}{}", ["", "Z", "+05:30"][dice.below(3)]) } else { shown };
            format!("{}{shown}", pick(&PREFIXES, dice))
        }
        "number" | "quantity" => {
            let holder = ["low", "high"].iter().find_map(|end| node.get(*end)).unwrap_or(node);
            let number = if holder.is_number() { holder } else { &holder["value"] };
            let mut text = number.as_number()?.to_string();
            if text.contains('.') && dice.below(3) == 0 {
                text = end(text.find('.').unwrap() + [0, 2, 3][dice.below(3)], &text);
            } else if dice.below(6) == 0 && !text.contains(['.', 'e']) {
                text.push_str(".0");
            }
            let text = format!("{}{text}", pick(&PREFIXES, dice));
            let part = |name: &str| holder[name].as_str().unwrap_or_default().to_owned();
            let (system, code, unit) = (part("system"), part("code"), part("unit"));
            if kind == "number" || unit.is_empty() || code.is_empty() || dice.below(3) == 0 {
                text
            } else {
                let all = [
                    format!("{text}|{system}|{code}"),
                    format!("{text}||{unit}"),
                    format!("{text}||{code}"),
                    format!("{text}|{system}|x"),
                ];
                all[dice.below(4)].clone()
            }
        }
        "reference" => {
            let text = node.as_str().or(node["reference"].as_str())?;
            let bare = text.split("/_history/").next()?;
            if text.contains(':') {
                [text, text.split('|').next()?][dice.below(2)].to_owned()
            } else if text.starts_with('#') {
                return None;
            } else {
                [bare, bare.rsplit('/').next()?, text][dice.below(3)].to_owned()
            }
        }
        _ => {
            let text = node.as_str()?;
            let cuts: Vec<usize> =
                text.char_indices().filter(|(_, c)| *c == '/' || *c == '|').map(|(at, _)| at).collect();
            let at = if cuts.is_empty() { text.len() } else { *pick(&cuts, dice) };
            [
                text.to_owned(),
                text.to_owned(),
                text[..at].to_owned(),
                format!("{text}/x"),
                text[..text.len() - 1].to_owned(),
            ][dice.below(5)]
            .clone()
        }
    })
}

fn dates(node: &Value, out: &mut Vec<String>) {
    match node {
        Value::String(text) if text.as_bytes().first().is_some_and(u8::is_ascii_digit) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| dates(item, out)),
        Value::Object(members) => members.values().for_each(|value| dates(value, out)),
        _ => {}
    }
}

fn pick<'l, T>(list: &'l [T], dice: &PlannedRandomness) -> &'l T {
    &list[dice.below(list.len())]
}

/// A record of one patient that names another: as performer, author or second participant.
pub(crate) fn shared(number: usize, patients: &[String]) -> Record {
    let own = patients[number % patients.len()].clone();
    let other = &patients[(number + 1 + number / patients.len() % (patients.len() - 1)) % patients.len()];
    let (of, by) = (json!({"reference": format!("Patient/{own}")}), json!({"reference": format!("Patient/{other}")}));
    let name = format!("shared{number}");
    let loinc = ["85354-9", "8480-6", "8867-4"][number % 3];
    let code = json!({"coding": [{"system": "http://loinc.org", "code": loinc}]});
    let day = format!("2020-0{}-15", 1 + number % 9);
    let body = match number % 3 {
        0 => json!({"resourceType": "Observation", "id": name, "status": "final", "code": code, "subject": of,
            "performer": [by], "effectiveDateTime": day, "valueQuantity": {"value": number, "unit": "mm", "code": "mm"}}),
        1 => json!({"resourceType": "Appointment", "id": name, "status": "booked", "start": format!("{day}T09:00:00Z"),
            "specialty": [code], "participant": [{"actor": of, "status": "accepted"}, {"actor": by, "status": "declined"}]}),
        _ => json!({"resourceType": "DocumentReference", "id": name, "status": "current", "type": code, "subject": of,
            "author": [by], "date": format!("{day}T10:00:00Z"), "description": "told by another"}),
    };
    Record { body, subject: Some(own) }
}

/// Patients whose names begin alike, are short, or have accents and more than one part.
pub(crate) fn somebody(number: usize) -> Record {
    let families = [
        "Smith",
        "Smythe",
        "Smiley",
        "Ng",
        "O",
        "O'Brien",
        "Obrien",
        "Müller",
        "Muller",
        "van der Berg",
        "Vandenberg",
        "de la Cruz",
        "Ñandú",
        "Nandu",
    ];
    let givens = ["Ann", "Anna", "Annabel", "An", "Zoé", "Zoe", "Jo", "Joanne", "Jo-Ann", "Bob"];
    let name = format!("{number:08x}-1111-4000-8000-00000000abcd");
    let years =
        ["1949", "1950-07", "1950-07-31", "1980-01-01", "1980-01-02", "1980", "1999-12-31", "2000-02-29", "2024-06-15"];
    let mut body = json!({"resourceType": "Patient", "id": name, "gender": (["male", "female"][number % 2]),
        "name": [{"family": (families[number % families.len()]), "given": [(givens[number % givens.len()])]}],
        "birthDate": (years[number % years.len()]),
        "identifier": [{"system": format!("urn:mrn:{}", number % 3), "value": format!("{}", number / 4)}],
        "telecom": [{"system": "phone", "value": format!("+1 555 010-{:04}", number / 2)}, {"system": "email", "value": format!("P{}@Example.org", number / 3)}],
        "address": [{"city": (["Springfield", "Århus", "Spring Hill"][number % 3])}]});
    if number.is_multiple_of(7) {
        body["name"][0]["given"].as_array_mut().unwrap().push(json!("Maria"));
        body["name"].as_array_mut().unwrap().push(json!({"text": "Called Annie", "prefix": ["Dr"]}));
    }
    if number.is_multiple_of(11) {
        body.as_object_mut().unwrap().remove("birthDate");
    }
    Record { subject: Some(name), body }
}

/// Another value for something that searches read.
pub(crate) fn change(body: &mut Value, dice: &PlannedRandomness) {
    body["meta"]["tag"] = json!([{"system": "urn:tag", "code": format!("t{}", dice.below(4))}]);
    if body.get("status").is_some() {
        body["status"] = json!("entered-in-error");
    }
}
