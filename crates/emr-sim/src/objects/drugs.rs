//! The `medication` inside of an order.

use crate::random::{mix, within};
use crate::world::{Space, World};
use serde_json::{Value, json};

/// Drugs that the Controlled Substances Act schedules, as far as the synthetic patients get any.
const CONTROLLED: &[&str] = &["meperidine", "oxycodone", "hydrocodone", "codeine", "fentanyl"];

/// Drugs that are sold without a prescription.
const OVER_THE_COUNTER: &[&str] = &["acetaminophen", "loratadine", "aspirin", "naproxen", "ibuprofen", "ferrous"];

const UNITS: &[&str] = &["MG", "ML", "MG/ML", "MCG", "UNT", "MG/ACTUAT", "MEQ"];

/// The drug of this RxNorm code and name. NDCs are invented, under the labeller 99999.
pub(crate) fn drug(world: &World, rxnorm: &str, name: &str) -> Value {
    let code = rxnorm.bytes().fold(0_u64, |sum, byte| sum * 10 + u64::from(byte.wrapping_sub(b'0')));
    let hash = mix(&[world.seed, code, 0xd6]);
    let ndc = format!("99999-{:04}-{:02}", within(code, 10_000), within(hash, 100));
    let lower = name.to_lowercase();
    let any = |of: &[&str]| of.iter().any(|word| lower.contains(word));
    let (route, form) = route_and_form(&lower);
    let over_the_counter = any(OVER_THE_COUNTER) && !lower.contains('/');
    json!({
        "id": world.id_in(Space::Drug, code % 1_000_000_000),
        "name": name,
        "brand_name": brand(name),
        "generic_name": (within(hash >> 8, 4) != 0).then(|| lower.clone()),
        "form": form,
        "route": route,
        "strength": strength(name),
        "type": if over_the_counter { "otc" } else { "prescription" },
        "is_controlled": any(CONTROLLED),
        "ndcs": [ndc],
        "active_ndcs": if within(hash >> 16, 3) == 0 { json!([]) } else { json!([ndc]) },
        "rxnorm_cuis": [rxnorm],
    })
}

fn route_and_form(lower: &str) -> (Option<&'static str>, Option<&'static str>) {
    let forms = [
        ("chewable tablet", "Oral", "Chewable Tablet"),
        ("oral tablet", "Oral", "Tablet"),
        ("oral capsule", "Oral", "Capsule"),
        ("oral solution", "Oral", "Solution"),
        ("day pack", "Oral", "Pack"),
        ("inhaler", "Inhalation", "Aerosol Powder Breath Activated"),
        ("auto-injector", "Injection", "Auto-Injector"),
        ("injection", "Injection", "Solution"),
    ];
    let found = forms.into_iter().find(|(word, ..)| lower.contains(word));
    (found.map(|(_, route, _)| route), found.map(|(.., form)| form))
}

/// The first number with its unit.
fn strength(name: &str) -> Option<String> {
    let words: Vec<&str> = name.split(' ').collect();
    let pair = words.windows(2).find_map(|pair| match pair {
        [number, unit] if number.parse::<f64>().is_ok() && UNITS.contains(unit) => Some(format!("{number} {unit}")),
        _ => None,
    })?;
    Some(pair)
}

/// Packs are known by their brand.
fn brand(name: &str) -> Option<&str> {
    name.contains("Day Pack").then(|| name.split(' ').next()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_form_and_brand_come_out_of_the_name() {
        assert_eq!(strength("Acetaminophen 325 MG Oral Tablet").as_deref(), Some("325 MG"));
        assert_eq!(strength("Jolivette 28 Day Pack"), None);
        assert_eq!(brand("Jolivette 28 Day Pack"), Some("Jolivette"));
        assert_eq!(route_and_form("loratadine 5 mg chewable tablet"), (Some("Oral"), Some("Chewable Tablet")));
    }
}
