//! What may be looked up across a whole tenant, how much each index gives away, and the guard against indexes that
//! give away too much.
//!
//! An attacker who has the database sees equal tokens and counts them. So: near-unique values (identifiers, contact
//! points, family name with birth date) get full-length tokens, which have no frequencies to count; names and birth
//! years get tokens of so few bits that hundreds of patients share each; sets of fewer than [`MIN_DISTINCT`] values
//! (gender, active, marital status, any code) get none. No order is ever kept. Every hit is a candidate only: its
//! opened values are checked.
//!
//! Bits add up (research note 3.2): all truncated tokens of one value are one fingerprint, and so are all of one row.

mod normal;
mod patient;

pub use normal::{contact, family_name, folded, identifier, letters};
pub use patient::{
    Lookup, PatientValues, birth_date_lookup, contact_lookup, family_birth_date_lookup, family_lookup, given_lookup,
    identifier_lookup, identifier_tokens, name_lookup, patient_tokens,
};

/// How an index makes its tokens, and what follows from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IndexClass {
    /// Near-unique values: 128 bits, tenant-wide. Shows when two rows have the same value.
    Identifier,
    /// Names: a few bits of the first letters, tenant-wide. Shows coarse buckets.
    Name,
    /// Birth dates: a few bits of the year, tenant-wide, unordered.
    BirthDate,
    /// Several values joined until they are near-unique: 128 bits, tenant-wide.
    Compound,
    /// Anything of one subject: 64 bits under his own key. Shows repetition inside one record set only.
    PatientScoped,
}

impl IndexClass {
    /// The first byte of a token.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Identifier => b'I',
            Self::Name => b'N',
            Self::BirthDate => b'D',
            Self::Compound => b'C',
            Self::PatientScoped => b'P',
        }
    }

    /// Whether tokens are cut so short that they collide on purpose.
    #[must_use]
    pub const fn is_truncated(self) -> bool {
        matches!(self, Self::Name | Self::BirthDate)
    }
}

/// One planned index. Can only be made here, so no token exists without a line in [`TABLE`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Index {
    /// Its name in reports.
    pub name: &'static str,
    /// The type whose records it finds; `None`: every type, each apart.
    pub rtype: Option<&'static str>,
    /// The search parameter.
    pub param: &'static str,
    /// What of the value is taken.
    pub form: &'static str,
    /// The kind of token.
    pub class: IndexClass,
    /// Bits of each token.
    pub bits: u8,
    /// The element that the value comes from: indexes with the same source share one budget.
    pub source: &'static str,
    /// Tokens of this index that a row has, as a rule.
    pub per_row: u8,
    /// Distinct canonical values in a large population, estimated low.
    pub distinct: u64,
}

static IDENTIFIER: Index = Index {
    name: "identifier system and value",
    rtype: None,
    param: "identifier",
    form: "system|value",
    class: IndexClass::Identifier,
    bits: 128,
    source: "identifier",
    per_row: 2,
    distinct: 1 << 20,
};
static IDENTIFIER_VALUE: Index = Index {
    name: "identifier value",
    rtype: None,
    param: "identifier",
    form: "value",
    class: IndexClass::Identifier,
    bits: 128,
    source: "identifier",
    per_row: 2,
    distinct: 1 << 20,
};
static CONTACT: Index = Index {
    name: "phone and email",
    rtype: Some("Patient"),
    param: "telecom",
    form: "value",
    class: IndexClass::Identifier,
    bits: 128,
    source: "telecom.value",
    per_row: 2,
    distinct: 1 << 20,
};
static FAMILY_BIRTH_DATE: Index = Index {
    name: "family name with birth date",
    rtype: Some("Patient"),
    param: "family+birthdate",
    form: "joined",
    class: IndexClass::Compound,
    bits: 128,
    source: "name.family with birthDate",
    per_row: 1,
    distinct: 1 << 20,
};
static FAMILY: Index = Index {
    name: "family name, first three letters",
    rtype: Some("Patient"),
    param: "family",
    form: "prefix-3",
    class: IndexClass::Name,
    bits: 6,
    source: "name.family",
    per_row: 1,
    distinct: 800,
};
static BIRTH_YEAR: Index = Index {
    name: "birth year",
    rtype: Some("Patient"),
    param: "birthdate",
    form: "year",
    class: IndexClass::BirthDate,
    bits: 3,
    source: "birthDate",
    per_row: 1,
    distinct: 90,
};
static GIVEN: Index = Index {
    name: "given name, first three letters",
    rtype: Some("Patient"),
    param: "given",
    form: "prefix-3",
    class: IndexClass::Name,
    bits: 2,
    source: "name.given",
    per_row: 2,
    distinct: 400,
};
static NAME_REST: Index = Index {
    name: "other name parts, first three letters",
    rtype: Some("Patient"),
    param: "name",
    form: "prefix-3",
    class: IndexClass::Name,
    bits: 2,
    source: "name.text",
    per_row: 1,
    distinct: 400,
};

/// Every index across a tenant, the most useful truncated ones first. Changing a line is a new index version.
pub static TABLE: [&Index; 8] =
    [&IDENTIFIER, &IDENTIFIER_VALUE, &CONTACT, &FAMILY_BIRTH_DATE, &FAMILY, &BIRTH_YEAR, &GIVEN, &NAME_REST];

/// Most bits that all truncated tokens of one value may have together (simulated: at 7 bits a frequency attack does no
/// better than always guessing the most common name; research note 3.3).
pub const MAX_BITS_PER_VALUE: u32 = 7;
/// Fewest distinct values that may have tokens at all (AWS Database Encryption SDK guide, "choosing beacon length").
pub const MIN_DISTINCT: u64 = 32;
/// Fewest rows that share a truncated token on average.
pub const MIN_ROWS_PER_TOKEN: u64 = 2;
/// Below this many patients a scan of the search parts takes under a millisecond, and no truncated index pays.
pub const MIN_POPULATION: u64 = 1024;
/// On average at least `2^SPARE_BITS_PER_ROW` patients share all truncated tokens of a row.
pub const SPARE_BITS_PER_ROW: u32 = 3;

/// An index that would give away too much.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlannerError {
    /// Too few patients for any truncated index.
    #[error("{population} patients are too few for truncated indexes")]
    Population {
        /// The population that was given.
        population: u64,
    },
    /// Too few distinct values to have tokens.
    #[error("index '{index}': too few distinct values")]
    TooFewValues {
        /// The index.
        index: &'static str,
    },
    /// A full-length token on a class that is to be truncated, the other way round, or no bits at all.
    #[error("index '{index}': the number of bits does not fit its class")]
    Bits {
        /// The index.
        index: &'static str,
    },
    /// So many bits that tokens would not collide.
    #[error("index '{index}': too few rows or values share a token")]
    TooSelective {
        /// The index.
        index: &'static str,
    },
    /// The truncated tokens of one value have too many bits together.
    #[error("the indexes of '{source_element}' have {bits} bits together")]
    BitsPerValue {
        /// The element.
        source_element: &'static str,
        /// The sum.
        bits: u32,
    },
    /// The truncated tokens of one row have too many bits together.
    #[error("all indexes of a row have {bits} bits together, {allowed} are allowed at this population")]
    BitsPerRow {
        /// The sum.
        bits: u32,
        /// What is allowed.
        allowed: u32,
    },
}

/// Whether all of [`TABLE`] is safe for a population of this many patients.
///
/// # Errors
/// The first bound that is crossed.
pub fn check(population: u64) -> Result<(), PlannerError> {
    check_indexes(TABLE.iter().copied(), population)
}

fn check_indexes(indexes: impl Iterator<Item = &'static Index> + Clone, population: u64) -> Result<(), PlannerError> {
    for index in indexes.clone() {
        check_one(index, population)?;
    }
    let truncated = indexes.filter(|index| index.class.is_truncated());
    for index in truncated.clone() {
        let same = truncated.clone().filter(|other| other.source == index.source);
        let bits = same.map(|other| u32::from(other.bits)).sum();
        if bits > MAX_BITS_PER_VALUE {
            return Err(PlannerError::BitsPerValue { source_element: index.source, bits });
        }
    }
    let bits = truncated.clone().map(|index| u32::from(index.bits) * u32::from(index.per_row)).sum();
    let allowed = population.max(1).ilog2().saturating_sub(SPARE_BITS_PER_ROW);
    if bits > allowed {
        return Err(PlannerError::BitsPerRow { bits, allowed });
    }
    Ok(())
}

fn check_one(index: &Index, population: u64) -> Result<(), PlannerError> {
    let name = index.name;
    if index.distinct < MIN_DISTINCT {
        return Err(PlannerError::TooFewValues { index: name });
    }
    if !index.class.is_truncated() {
        return if index.bits == 128 { Ok(()) } else { Err(PlannerError::Bits { index: name }) };
    }
    if index.bits == 0 || u32::from(index.bits) > MAX_BITS_PER_VALUE {
        return Err(PlannerError::Bits { index: name });
    }
    if population < MIN_POPULATION {
        return Err(PlannerError::Population { population });
    }
    let tokens = 1_u64 << index.bits;
    if tokens * MIN_ROWS_PER_TOKEN > population || tokens * 2 > index.distinct {
        return Err(PlannerError::TooSelective { index: name });
    }
    Ok(())
}

/// Which indexes a tenant has. Chosen from a *configured* population, not from a count: tokens of rows that were
/// written under a smaller plan are not there, so a larger plan is a rebuild of the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan(u8);

impl Plan {
    /// Full-length indexes only: names and birth dates are found by scanning. Nothing to count at rest.
    pub const STRICT: Self = Self(0b0000_1111);

    /// The full-length indexes, and of the truncated ones as many, in the order of [`TABLE`], as stay inside all
    /// budgets for this many patients.
    #[must_use]
    pub fn for_population(population: u64) -> Self {
        let mut plan = Self::STRICT;
        for at in 0..TABLE.len() {
            let larger = Self(plan.0 | 1 << at);
            if check_indexes(larger.indexes(), population).is_ok() {
                plan = larger;
            }
        }
        plan
    }

    /// The indexes of the plan.
    pub fn indexes(self) -> impl Iterator<Item = &'static Index> + Clone {
        TABLE.iter().copied().enumerate().filter(move |(at, _)| self.0 & 1 << at != 0).map(|(_, index)| index)
    }

    pub(crate) fn has(self, index: &'static Index) -> bool {
        self.indexes().any(|planned| std::ptr::eq(planned, index))
    }
}

/// One line of the leakage report.
#[derive(Clone, Copy, Debug)]
pub struct Leakage {
    /// The index.
    pub index: &'static Index,
    /// Whether the plan has it.
    pub planned: bool,
    /// Tokens that can occur; `None` for full-length ones.
    pub tokens: Option<u64>,
    /// Patients that share one token on average; 1 for full-length ones.
    pub rows_per_token: u64,
    /// Other distinct values that share a value's token on average.
    pub coincidences: u64,
}

/// What each index of a plan gives away at this many patients, by design; counts of real rows are the caller's.
pub fn leakage(plan: Plan, population: u64) -> impl Iterator<Item = Leakage> {
    TABLE.iter().copied().map(move |index| {
        let tokens = index.class.is_truncated().then(|| 1_u64 << index.bits);
        Leakage {
            index,
            planned: plan.has(index),
            tokens,
            rows_per_token: tokens.map_or(1, |tokens| population * u64::from(index.per_row) / tokens),
            coincidences: tokens.map_or(0, |tokens| (index.distinct / tokens).saturating_sub(1)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static WIDE: Index = Index { name: "wide", bits: 2, form: "word", ..copy(&FAMILY) };
    static GENDER: Index = Index { name: "gender", distinct: 4, bits: 1, ..copy(&BIRTH_YEAR) };
    static FINE: Index = Index { name: "fine", distinct: 100, bits: 7, ..copy(&BIRTH_YEAR) };
    static FULL_NAME: Index = Index { name: "full", bits: 128, ..copy(&FAMILY) };

    const fn copy(index: &Index) -> Index {
        Index { ..*index }
    }

    #[test]
    fn the_whole_table_is_safe_for_a_large_population_only() {
        assert_eq!(check(262_144), Ok(()));
        assert_eq!(check(262_143), Err(PlannerError::BitsPerRow { bits: 15, allowed: 14 }));
        assert_eq!(check(1000), Err(PlannerError::Population { population: 1000 }));
    }

    #[test]
    fn an_unsafe_index_is_refused() {
        let big = 1 << 30;
        let with = |index: &'static Index| check_indexes(TABLE.iter().copied().chain([index]), big);
        assert_eq!(with(&GENDER), Err(PlannerError::TooFewValues { index: "gender" }));
        assert_eq!(with(&FINE), Err(PlannerError::TooSelective { index: "fine" }));
        assert_eq!(with(&FULL_NAME), Err(PlannerError::Bits { index: "full" }));
        assert_eq!(with(&WIDE), Err(PlannerError::BitsPerValue { source_element: "name.family", bits: 8 }));
    }

    #[test]
    fn a_plan_grows_with_the_population_and_is_always_safe() {
        assert_eq!(Plan::for_population(0), Plan::STRICT);
        assert_eq!(Plan::for_population(1023), Plan::STRICT);
        assert!(Plan::for_population(1024).has(&FAMILY));
        assert!(!Plan::for_population(1024).has(&BIRTH_YEAR));
        assert!(Plan::for_population(100_000).has(&GIVEN));
        assert_eq!(Plan::for_population(1 << 20).indexes().count(), TABLE.len());
        for exponent in 0..40 {
            let plan = Plan::for_population(1 << exponent);
            let truncated = plan.indexes().any(|i| i.class.is_truncated());
            assert!(!truncated || check_indexes(plan.indexes(), 1 << exponent).is_ok());
        }
    }

    #[test]
    fn the_leakage_report_names_every_index() {
        let lines: Vec<_> = leakage(Plan::for_population(100_000), 100_000).collect();
        assert_eq!(lines.len(), TABLE.len());
        let family = lines.iter().find(|l| std::ptr::eq(l.index, &raw const FAMILY)).unwrap();
        assert_eq!((family.tokens, family.rows_per_token, family.coincidences), (Some(64), 1562, 11));
    }
}
