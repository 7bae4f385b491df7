//! The functions by name: how many arguments they take, what they are for, and how they run.

use super::eval::{Run, conversion, existence, fhir, filtering, math, strings, subsetting, tree};

/// One function.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) least: usize,
    pub(super) most: usize,
    /// What its input has to be.
    pub(super) input: Input,
    /// What it gives.
    pub(super) output: Output,
    pub(super) run: Run,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What the input of a function has to be, for the check against types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Any,
    Text,
    /// Any, in an order that means something.
    Ordered,
}

/// What a function gives, for the check against types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// Items of its input.
    Input,
    /// What its first argument gives for each item.
    First,
    /// Values of a System type.
    System(&'static str),
    Unordered,
    Unknown,
}

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    let at = FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok()?;
    FUNCTIONS.get(at)
}

const fn row(
    name: &'static str,
    arguments: std::ops::RangeInclusive<usize>,
    input: Input,
    output: Output,
    run: Run,
) -> Function {
    Function { name, least: *arguments.start(), most: *arguments.end(), input, output, run }
}

use Input::{Any, Ordered, Text};
use Output::{First, Input as Same, System as S, Unknown, Unordered};

/// In order of names. `is`, `as` and `ofType` take a type and are operations of their own.
static FUNCTIONS: [Function; 98] = [
    row("abs", 0..=0, Any, Unknown, math::abs),
    row("aggregate", 1..=2, Any, Unknown, filtering::aggregate),
    row("all", 1..=1, Any, S("Boolean"), existence::all),
    row("allFalse", 0..=0, Any, S("Boolean"), existence::all_false),
    row("allTrue", 0..=0, Any, S("Boolean"), existence::all_true),
    row("anyFalse", 0..=0, Any, S("Boolean"), existence::any_false),
    row("anyTrue", 0..=0, Any, S("Boolean"), existence::any_true),
    row("ceiling", 0..=0, Any, S("Integer"), math::ceiling),
    row("checkModifiers", 1..=20, Any, Same, fhir::check_modifiers),
    row("children", 0..=0, Any, Unordered, tree::children),
    row("combine", 1..=1, Any, Unknown, subsetting::combine),
    row("comparable", 1..=1, Any, S("Boolean"), math::comparable),
    row("conformsTo", 1..=1, Any, S("Boolean"), fhir::conforms_to),
    row("contains", 1..=1, Text, S("Boolean"), strings::contains),
    row("convertsToBoolean", 0..=0, Any, S("Boolean"), conversion::converts),
    row("convertsToDate", 0..=0, Any, S("Boolean"), conversion::converts),
    row("convertsToDateTime", 0..=0, Any, S("Boolean"), conversion::converts),
    row("convertsToDecimal", 0..=0, Any, S("Boolean"), conversion::converts),
    row("convertsToInteger", 0..=0, Any, S("Boolean"), conversion::converts),
    row("convertsToQuantity", 0..=1, Any, S("Boolean"), conversion::converts),
    row("convertsToString", 0..=0, Any, S("Boolean"), conversion::converts),
    row("convertsToTime", 0..=0, Any, S("Boolean"), conversion::converts),
    row("count", 0..=0, Any, S("Integer"), existence::count),
    row("decode", 1..=1, Text, S("String"), strings::decode),
    row("defineVariable", 1..=2, Any, Same, filtering::define_variable),
    row("descendants", 0..=0, Any, Unordered, tree::descendants),
    row("distinct", 0..=0, Any, Same, existence::distinct),
    row("empty", 0..=0, Any, S("Boolean"), existence::empty),
    row("encode", 1..=1, Text, S("String"), strings::encode),
    row("endsWith", 1..=1, Text, S("Boolean"), strings::ends_with),
    row("escape", 1..=1, Text, S("String"), strings::escape),
    row("exclude", 1..=1, Any, Same, subsetting::exclude),
    row("exists", 0..=1, Any, S("Boolean"), existence::exists),
    row("exp", 0..=0, Any, S("Decimal"), math::exp),
    row("extension", 1..=1, Any, Unknown, fhir::extension),
    row("first", 0..=0, Ordered, Same, subsetting::first),
    row("floor", 0..=0, Any, S("Integer"), math::floor),
    row("getValue", 0..=0, Any, Unknown, fhir::get_value),
    row("hasValue", 0..=0, Any, S("Boolean"), fhir::has_value),
    row("highBoundary", 0..=1, Any, Unknown, math::high_boundary),
    row("htmlChecks", 0..=0, Any, S("Boolean"), fhir::html_checks),
    row("iif", 2..=3, Any, Unknown, filtering::iif),
    row("indexOf", 1..=1, Text, S("Integer"), strings::index_of),
    row("intersect", 1..=1, Any, Same, subsetting::intersect),
    row("isDistinct", 0..=0, Any, S("Boolean"), existence::is_distinct),
    row("join", 0..=1, Text, S("String"), strings::join),
    row("last", 0..=0, Ordered, Same, subsetting::last),
    row("lastIndexOf", 1..=1, Text, S("Integer"), strings::last_index_of),
    row("length", 0..=0, Text, S("Integer"), strings::length),
    row("ln", 0..=0, Any, S("Decimal"), math::ln),
    row("log", 1..=1, Any, S("Decimal"), math::log),
    row("lowBoundary", 0..=1, Any, Unknown, math::low_boundary),
    row("lower", 0..=0, Text, S("String"), strings::lower),
    row("matches", 1..=1, Text, S("Boolean"), strings::matches),
    row("matchesFull", 1..=1, Text, S("Boolean"), strings::matches_full),
    row("memberOf", 1..=1, Any, S("Boolean"), fhir::member_of),
    row("not", 0..=0, Any, S("Boolean"), existence::not),
    row("now", 0..=0, Any, S("DateTime"), tree::now),
    row("power", 1..=1, Any, Unknown, math::power),
    row("precision", 0..=0, Any, S("Integer"), math::precision),
    row("repeat", 1..=1, Any, Unknown, filtering::repeat),
    row("replace", 2..=2, Text, S("String"), strings::replace),
    row("replaceMatches", 2..=2, Text, S("String"), strings::replace_matches),
    row("resolve", 0..=0, Any, Unknown, fhir::resolve),
    row("round", 0..=1, Any, S("Decimal"), math::round),
    row("select", 1..=1, Any, First, filtering::select),
    row("single", 0..=0, Any, Same, subsetting::single),
    row("skip", 1..=1, Ordered, Same, subsetting::skip),
    row("sort", 0..=10, Any, Same, filtering::sort),
    row("split", 1..=1, Text, S("String"), strings::split),
    row("sqrt", 0..=0, Any, S("Decimal"), math::sqrt),
    row("startsWith", 1..=1, Text, S("Boolean"), strings::starts_with),
    row("subsetOf", 1..=1, Any, S("Boolean"), existence::subset_of),
    row("substring", 1..=2, Text, S("String"), strings::substring),
    row("subsumedBy", 1..=1, Any, S("Boolean"), fhir::subsumed_by),
    row("subsumes", 1..=1, Any, S("Boolean"), fhir::subsumes),
    row("supersetOf", 1..=1, Any, S("Boolean"), existence::superset_of),
    row("tail", 0..=0, Ordered, Same, subsetting::tail),
    row("take", 1..=1, Ordered, Same, subsetting::take),
    row("timeOfDay", 0..=0, Any, S("Time"), tree::time_of_day),
    row("toBoolean", 0..=0, Any, S("Boolean"), conversion::to),
    row("toChars", 0..=0, Text, S("String"), strings::to_chars),
    row("toDate", 0..=0, Any, S("Date"), conversion::to),
    row("toDateTime", 0..=0, Any, S("DateTime"), conversion::to),
    row("toDecimal", 0..=0, Any, S("Decimal"), conversion::to),
    row("toInteger", 0..=0, Any, S("Integer"), conversion::to),
    row("toQuantity", 0..=1, Any, S("Quantity"), conversion::to),
    row("toString", 0..=0, Any, S("String"), conversion::to),
    row("toTime", 0..=0, Any, S("Time"), conversion::to),
    row("today", 0..=0, Any, S("Date"), tree::today),
    row("trace", 1..=2, Any, Same, tree::trace),
    row("trim", 0..=0, Text, S("String"), strings::trim),
    row("truncate", 0..=0, Any, S("Integer"), math::truncate),
    row("type", 0..=0, Any, Unknown, tree::type_of),
    row("unescape", 1..=1, Text, S("String"), strings::unescape),
    row("union", 1..=1, Any, Unknown, subsetting::union),
    row("upper", 0..=0, Text, S("String"), strings::upper),
    row("where", 1..=1, Any, Same, filtering::filter),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
        for function in &FUNCTIONS {
            assert!(std::ptr::eq(find(function.name).unwrap(), function));
        }
    }
}
