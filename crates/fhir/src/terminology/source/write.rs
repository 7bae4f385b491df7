//! The model as the bytes of a table. The same model gives the same bytes.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::layout::{MARK, Section, flags};
use super::model::{Clause, Concept, Designation, Listed, Set, Sources, System};
use super::pool::Pool;

/// The table would need more than 32 bits for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Writes a table.
///
/// # Errors
/// [`TooLarge`], which needs more than four gigabytes of content.
pub(crate) fn write(sources: &Sources<'_>) -> Result<Vec<u8>, TooLarge> {
    let mut writer = Writer { pool: Pool::new(), words: Default::default() };
    let mut systems: Vec<&System<'_>> = sources.systems.iter().collect();
    systems.sort_by_key(|system| (&system.url, &system.version));
    for system in &systems {
        writer.system(system);
    }
    let all_codes = systems.iter().enumerate().filter(|(_, system)| !system.value_set.is_empty());
    let mut all_codes: Vec<(&str, usize)> = all_codes.map(|(number, system)| (&*system.value_set, number)).collect();
    all_codes.sort_unstable();
    for (value_set, number) in all_codes {
        let place = writer.pool.put(value_set);
        writer.put(Section::AllCodes, &[place, number]);
    }
    let mut sets: Vec<&Set<'_>> = sources.sets.iter().collect();
    sets.sort_by_key(|set| (&set.url, &set.version));
    sets.into_iter().for_each(|set| writer.set(set));
    writer.ends();
    let source = writer.pool.put(&sources.source);
    writer.finish(source)
}

struct Writer<'a> {
    pool: Pool<'a>,
    words: [Vec<usize>; Section::COUNT],
}

impl<'a> Writer<'a> {
    fn put(&mut self, section: Section, record: &[usize]) {
        if let Some(words) = self.words.get_mut(section as usize) {
            words.extend_from_slice(record);
        }
    }

    fn next(&self, section: Section) -> usize {
        self.words.get(section as usize).map_or(0, |words| words.len() / section.words())
    }

    fn text(&mut self, text: &'a str) -> usize {
        self.pool.put(text)
    }

    fn system(&mut self, system: &'a System<'_>) {
        let content = system.content & flags::CONTENT;
        let case = if system.any_case { flags::ANY_CASE } else { 0 };
        let meaning = if system.is_a { flags::IS_A } else { 0 };
        let first = self.next(Section::Concepts);
        let record = [
            self.text(&system.url),
            self.text(&system.version),
            self.text(&system.name),
            self.text(&system.title),
            (content | case | meaning) as usize,
            first,
        ];
        self.put(Section::Systems, &record);
        let places: BTreeMap<&str, usize> =
            system.concepts.iter().enumerate().map(|(place, concept)| (&*concept.code, place)).collect();
        for concept in &system.concepts {
            self.concept(concept, &places);
        }
        self.order(Section::ConceptOrder, system.concepts.iter().map(|concept| &*concept.code));
    }

    fn concept(&mut self, concept: &'a Concept<'_>, places: &BTreeMap<&str, usize>) {
        let is_abstract = if concept.is_abstract { flags::ABSTRACT } else { 0 };
        let inactive = if concept.inactive { flags::INACTIVE } else { 0 };
        let record = [
            self.text(&concept.code),
            self.text(&concept.display),
            self.text(&concept.definition),
            (is_abstract | inactive) as usize,
            self.next(Section::Parents),
            self.next(Section::Properties),
            self.next(Section::Designations),
        ];
        self.put(Section::Concepts, &record);
        for parent in concept.parents.iter().filter_map(|parent| places.get(&**parent)) {
            self.put(Section::Parents, &[*parent]);
        }
        for property in &concept.properties {
            let record = [
                self.text(&property.code),
                property.kind as usize,
                self.text(&property.value),
                self.text(&property.system),
                self.text(&property.display),
            ];
            self.put(Section::Properties, &record);
        }
        self.designations(&concept.designations);
    }

    fn designations(&mut self, designations: &'a [Designation<'_>]) {
        for designation in designations {
            let record = [
                self.text(&designation.language),
                self.text(&designation.use_system),
                self.text(&designation.use_code),
                self.text(&designation.use_display),
                self.text(&designation.value),
            ];
            self.put(Section::Designations, &record);
        }
    }

    fn set(&mut self, set: &'a Set<'_>) {
        let composed = if set.composed { flags::COMPOSED } else { 0 };
        let only_active = if set.only_active { flags::ONLY_ACTIVE } else { 0 };
        let record = [
            self.text(&set.url),
            self.text(&set.version),
            self.text(&set.name),
            self.text(&set.title),
            (composed | only_active | set.status << flags::STATUS_SHIFT) as usize,
            self.next(Section::Clauses),
        ];
        self.put(Section::Sets, &record);
        set.clauses.iter().for_each(|clause| self.clause(clause));
    }

    fn clause(&mut self, clause: &'a Clause<'_>) {
        let exclude = if clause.exclude { flags::EXCLUDE } else { 0 };
        let listed = if clause.listed.is_some() { flags::LISTED } else { 0 };
        let record = [
            (exclude | listed) as usize,
            self.text(&clause.system),
            self.text(&clause.version),
            self.next(Section::Listed),
            self.next(Section::Filters),
            self.next(Section::Imports),
        ];
        self.put(Section::Clauses, &record);
        let codes: &[Listed<'_>] = clause.listed.as_deref().unwrap_or_default();
        for listed in codes {
            let record = [self.text(&listed.code), self.text(&listed.display), self.next(Section::Designations)];
            self.put(Section::Listed, &record);
            self.designations(&listed.designations);
        }
        self.order(Section::ListedOrder, codes.iter().map(|listed| &*listed.code));
        for filter in &clause.filters {
            let record = [self.text(&filter.property), self.text(&filter.op), self.text(&filter.value)];
            self.put(Section::Filters, &record);
        }
        for import in &clause.imports {
            let place = self.text(import);
            self.put(Section::Imports, &[place]);
        }
    }

    fn order<'s>(&mut self, section: Section, codes: impl Iterator<Item = &'s str>) {
        let mut order: Vec<(usize, &str)> = codes.enumerate().collect();
        order.sort_by(|(_, a), (_, b)| compare_codes(a, b));
        for (place, _) in order {
            self.put(section, &[place]);
        }
    }

    /// The records that say where the last of the others end.
    fn ends(&mut self) {
        let of = |section| self.next(section);
        let system = [0, 0, 0, 0, 0, of(Section::Concepts)];
        let (parents, properties) = (of(Section::Parents), of(Section::Properties));
        let concept = [0, 0, 0, 0, parents, properties, of(Section::Designations)];
        let set = [0, 0, 0, 0, 0, of(Section::Clauses)];
        let clause = [0, 0, 0, of(Section::Listed), of(Section::Filters), of(Section::Imports)];
        let listed = [0, 0, of(Section::Designations)];
        self.put(Section::Systems, &system);
        self.put(Section::Concepts, &concept);
        self.put(Section::Sets, &set);
        self.put(Section::Clauses, &clause);
        self.put(Section::Listed, &listed);
    }

    fn finish(self, source: usize) -> Result<Vec<u8>, TooLarge> {
        let strings = self.pool.into_bytes();
        let mut head = vec![source];
        let mut start = MARK.len() + 4 * (1 + 2 * Section::COUNT);
        let mut body = Vec::new();
        for (number, words) in self.words.iter().enumerate() {
            let last = number == Section::Strings as usize;
            head.extend([start, if last { strings.len() } else { words.len() }]);
            start += 4 * words.len();
            body.extend_from_slice(words);
        }
        let mut bytes = MARK.to_vec();
        for word in head.into_iter().chain(body) {
            bytes.extend_from_slice(&u32::try_from(word).map_err(|_| TooLarge)?.to_le_bytes());
        }
        bytes.extend_from_slice(&strings);
        Ok(bytes)
    }
}

/// The order of codes in a table: without regard to case, and then with it, so that both kinds of systems can be searched.
pub(crate) fn compare_codes(a: &str, b: &str) -> Ordering {
    folded(a).cmp(folded(b)).then_with(|| a.cmp(b))
}

/// A code without regard to case.
pub(crate) fn folded(code: &str) -> impl Iterator<Item = char> {
    code.chars().flat_map(char::to_lowercase)
}
