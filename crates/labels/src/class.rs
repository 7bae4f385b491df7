//! The data classes: what a part of a record is about, and so who may need it.

/// What an element tells about a patient. Every element of every R4 type has exactly one class.
///
/// The number is part of the stored format (markers in a skeleton, associated data of a sealed part) and never changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum DataClass {
    /// What a fully redacted read still shows: type, id, version, states and links between records.
    Structure = 0,
    /// Who the patient is: names, identifiers, birth and death, sex as administered, photo.
    Identity = 1,
    /// How to reach the patient: addresses, telecom, contact persons, geolocation.
    Contact = 2,
    /// What was found, done or planned, and when.
    Clinical = 3,
    /// What law or custom guards more: genetics, race, gender identity, and everything unknown.
    Sensitive = 4,
    /// Claims, coverage, accounts, prices.
    Financial = 5,
    /// Text that a person wrote and documents: may hold anything.
    Narrative = 6,
}

impl DataClass {
    /// How many classes there are.
    pub const COUNT: usize = 7;

    /// Every class, in the order of its number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Structure,
        Self::Identity,
        Self::Contact,
        Self::Clinical,
        Self::Sensitive,
        Self::Financial,
        Self::Narrative,
    ];

    /// The name as it stands in the table, in policies and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Identity => "identity",
            Self::Contact => "contact",
            Self::Clinical => "clinical",
            Self::Sensitive => "sensitive",
            Self::Financial => "financial",
            Self::Narrative => "narrative",
        }
    }

    /// The class with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }

    /// The number that stored formats hold.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The class with this number; `None` when there is none, which in a stored format means damage.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Structure),
            1 => Some(Self::Identity),
            2 => Some(Self::Contact),
            3 => Some(Self::Clinical),
            4 => Some(Self::Sensitive),
            5 => Some(Self::Financial),
            6 => Some(Self::Narrative),
            _ => None,
        }
    }
}

impl std::fmt::Display for DataClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of data classes: what a grant opens, what a search parameter reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ClassSet(u8);

impl ClassSet {
    /// No class.
    pub const NONE: Self = Self(0);

    /// Only the structure: what a redacted read shows.
    pub const STRUCTURE: Self = Self(1);

    /// Every class.
    pub const ALL: Self = Self((1 << DataClass::COUNT) - 1);

    /// This set with one class more.
    #[must_use]
    pub const fn with(self, class: DataClass) -> Self {
        Self(self.0 | 1 << class.code())
    }

    /// This set with one class less.
    #[must_use]
    pub const fn without(self, class: DataClass) -> Self {
        Self(self.0 & !(1 << class.code()))
    }

    /// Whether the class is in the set.
    #[must_use]
    pub const fn contains(self, class: DataClass) -> bool {
        self.0 & 1 << class.code() != 0
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many classes are in the set.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether this set is exactly one class.
    #[must_use]
    pub const fn only(self, class: DataClass) -> bool {
        self.0 == 1 << class.code()
    }

    /// Whether the other set has everything that this one has.
    #[must_use]
    pub const fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The classes of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The classes of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The classes of this set that the other has not.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The classes in the set, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = DataClass> {
        DataClass::ALL.into_iter().filter(move |class| self.contains(*class))
    }

    /// The set as one byte: bit n is the class with number n.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set of this byte; `None` when it has a bit of no class.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 { Some(Self(bits)) } else { None }
    }
}

impl FromIterator<DataClass> for ClassSet {
    fn from_iter<I: IntoIterator<Item = DataClass>>(classes: I) -> Self {
        classes.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<DataClass> for ClassSet {
    fn from(class: DataClass) -> Self {
        Self::NONE.with(class)
    }
}

impl std::fmt::Display for ClassSet {
    /// The names with commas between; `none` when empty.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        self.iter().enumerate().try_for_each(|(at, class)| write!(f, "{}{class}", if at == 0 { "" } else { "," }))
    }
}

impl std::fmt::Debug for ClassSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClassSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back_to_their_class() {
        for (at, class) in DataClass::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(class.code()), at);
            assert_eq!(DataClass::from_code(class.code()), Some(class));
            assert_eq!(DataClass::parse(class.as_str()), Some(class));
        }
        assert_eq!(DataClass::from_code(7), None);
        assert_eq!(DataClass::parse("inherit"), None);
    }

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let billing = ClassSet::STRUCTURE.with(DataClass::Identity).with(DataClass::Financial);
        assert!(billing.contains(DataClass::Financial) && !billing.contains(DataClass::Clinical));
        assert_eq!(billing.len(), 3);
        assert!(ClassSet::STRUCTURE.is_subset_of(billing) && !billing.is_subset_of(ClassSet::STRUCTURE));
        assert_eq!(billing.without(DataClass::Identity).to_string(), "structure,financial");
        assert_eq!(ClassSet::from_bits(billing.bits()), Some(billing));
        assert_eq!(ClassSet::from_bits(0x80), None);
        assert_eq!(billing.iter().collect::<ClassSet>(), billing);
    }
}
