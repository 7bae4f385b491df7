use super::*;
use crate::json::{Doc, Limits as JsonLimits};

fn doc(text: &str) -> Doc {
    Doc::parse(text.as_bytes().to_vec(), &JsonLimits::default()).ok().unwrap()
}

fn texts(doc: &Doc, text: &str) -> Vec<String> {
    let context = Context::of_resource(doc.root());
    let items = Expression::compile(text).unwrap().evaluate(&Item::resource(doc.root()), &context).unwrap();
    items
        .iter()
        .map(|item| item.value().map_or_else(|| item.type_info().to_string(), |value| value.to_text()))
        .collect()
}

#[test]
fn a_path_gives_places_in_the_document() {
    let doc = doc(r#"{"resourceType":"Patient","name":[{"given":["Ann"]},{"given":["Bea","Cid"]}]}"#);
    let expression = Expression::compile("Patient.name.given").unwrap();
    let items = expression.evaluate(&Item::resource(doc.root()), &Context::empty()).unwrap();
    assert_eq!(items.len(), 3);
    assert_eq!(items[1].node().unwrap().raw(), b"\"Bea\"");
    assert_eq!(items[1].definition().unwrap().path, "HumanName.given");
}

#[test]
fn what_stands_beside_a_primitive_belongs_to_it() {
    let doc = doc(r#"{"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueString":"x"}]},
            "name":[{"given":[null,"B"],"_given":[{"id":"i"},null]}]}"#);
    assert_eq!(texts(&doc, "birthDate.extension('u').value"), ["x"]);
    assert_eq!(texts(&doc, "birthDate.hasValue()"), ["false"]);
    assert_eq!(texts(&doc, "birthDate.exists()"), ["true"]);
    assert_eq!(texts(&doc, "name.given.id"), ["i"]);
    assert_eq!(texts(&doc, "name.given.count()"), ["2"]);
    assert_eq!(texts(&doc, "children().count()"), ["2"]);
}

#[test]
fn a_choice_is_found_by_its_name_only() {
    let doc = doc(r#"{"resourceType":"Observation","valueQuantity":{"value":1.10}}"#);
    assert_eq!(texts(&doc, "value.value"), ["1.10"]);
    assert!(texts(&doc, "valueQuantity").is_empty());
    assert_eq!(texts(&doc, "value is Quantity"), ["true"]);
    assert_eq!(texts(&doc, "value is Element"), ["true"]);
    assert_eq!(texts(&doc, "$this is DomainResource"), ["true"]);
    let error = Expression::compile("valueQuantity.unit").unwrap();
    let root = TypeRef::of_resource(crate::definitions::ResourceType::OBSERVATION);
    let error = error.check(root, CheckOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "no such element in Observation at line 1 column 1");
}

#[test]
fn what_has_no_order_is_sorted_or_refused_without_a_panic() {
    let doc = doc(r#"{"resourceType":"Patient"}"#);
    // Years, months and days in turn: a year is neither before nor after a month of it.
    let dates: Vec<String> = (0..60_i32)
        .map(|n| match n % 3 {
            0 => format!("@{}", 2000 + n * 7 % 11),
            1 => format!("@{}-{:02}", 2000 + n * 5 % 11, 1 + n % 12),
            _ => format!("@{}-{:02}-{:02}", 2000 + n * 3 % 11, 1 + n % 12, 1 + n % 28),
        })
        .collect();
    let all = format!("({})", dates.join("|"));
    for keys in ["", "$this", "-$this"] {
        let text = format!("{all}.sort({keys}).count() = {all}.count()");
        assert_eq!(texts(&doc, &text), ["true"], "{keys}");
    }
    assert_eq!(texts(&doc, "(5|3|4|1|2).sort()"), ["1", "2", "3", "4", "5"]);
    let mixed: Vec<String> = (0..60).map(|n| if n % 3 == 0 { format!("'{n}'") } else { n.to_string() }).collect();
    let mixed = Expression::compile(&format!("({}).sort(-$this)", mixed.join("|"))).unwrap();
    let error = mixed.evaluate(&Item::resource(doc.root()), &Context::empty()).unwrap_err();
    assert_eq!(error.problem, EvaluationProblem::Type("sort"));
}

#[test]
fn a_variable_holds_in_its_chain_only() {
    let doc = doc(r#"{"resourceType":"Patient","name":[{"family":"A","given":["B"]}]}"#);
    assert_eq!(texts(&doc, "name.defineVariable('n').given.select($this + %n.family)"), ["BA"]);
    assert_eq!(texts(&doc, "defineVariable('n', 1).select(%n) | defineVariable('n', 2).select(%n)"), ["1", "2"]);
    let twice = Expression::compile("defineVariable('n').defineVariable('n')").unwrap();
    let error = twice.evaluate(&Item::resource(doc.root()), &Context::empty()).unwrap_err();
    assert_eq!(error.problem, EvaluationProblem::Redefined);
}

#[test]
fn quantities_of_a_document_are_durations_of_the_calendar_where_one_is_needed() {
    let doc = doc(
        r#"{"resourceType":"Condition","recordedDate":"2020-01-31","onsetAge":{"value":2.0,"system":"http://unitsofmeasure.org",
            "code":"a"},"abatementAge":{"value":30,"comparator":"<","system":"http://unitsofmeasure.org","code":"a"}}"#,
    );
    assert_eq!(texts(&doc, "recordedDate + onset"), ["2022-01-31"]);
    assert_eq!(texts(&doc, "onset > 18 months"), ["true"]);
    assert_eq!(texts(&doc, "onset = 2 'a'"), ["true"]);
    assert_eq!(texts(&doc, "onset = 24 'mo'"), ["true"]);
    assert_eq!(texts(&doc, "onset is Quantity and onset is Age"), ["true"]);
    assert!(texts(&doc, "2 'a' = 2 years").is_empty());
    assert_eq!(texts(&doc, "1 'a' ~ 1 year"), ["true"]);
    assert_eq!(texts(&doc, "recordedDate + 1 month"), ["2020-02-29"]);
    assert_eq!(
        texts(&doc, "12 '[in_i]' = 1 '[ft_i]' and 37 'Cel' = 98.6 '[degF]' and 1 '[lb_av]' > 453 'g'"),
        ["true"]
    );
    assert_eq!(texts(&doc, "1.10 'm' + 5 'cm'"), ["115.00 'cm'"]);
}

#[test]
fn references_are_found_in_the_bundle_and_among_the_contained() {
    let doc = doc(r##"{"resourceType":"Bundle","entry":[
            {"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"p","active":true}},
            {"fullUrl":"http://x/Observation/o","resource":{"resourceType":"Observation","subject":{"reference":"urn:uuid:1"},
             "performer":[{"reference":"Organization/z"},{"reference":"#c"}],"contained":[{"resourceType":"Practitioner","id":"c"}]}}]}"##);
    assert_eq!(texts(&doc, "entry.resource.subject.resolve().active"), ["true"]);
    assert_eq!(texts(&doc, "entry.resource.performer.resolve().count()"), ["0"]);
    let observation = doc.root().get("entry").unwrap().items().nth(1).unwrap().get("resource").unwrap();
    let context = Context { bundle: Some(doc.root()), ..Context::of_resource(observation) };
    let expression = Expression::compile("(subject | performer).resolve().select(type().name)").unwrap();
    let found = expression.evaluate(&Item::resource(observation), &context).unwrap();
    let names: Vec<_> = found.iter().map(|item| item.value().unwrap().to_text()).collect();
    assert_eq!(names, ["Patient", "Practitioner"]);
}

#[test]
fn an_expensive_expression_ends_in_an_error_with_its_place() {
    let doc = doc(r#"{"resourceType":"Patient","name":[{"given":["a","b","c","d","e","f"]}]}"#);
    let limits = Limits { steps: 20_000, depth: 50, items: 200, text: 100 };
    let context = Context { limits, ..Context::of_resource(doc.root()) };
    for (text, problem) in [
        ("name.given.first().repeat($this + 'a')", EvaluationProblem::TextTooLong),
        ("name.given.first().repeat($this & 'a').count()", EvaluationProblem::TextTooLong),
        (
            "name.given.select(%context.name.given).select(%context.name.given).select(%context.name.given)",
            EvaluationProblem::TooManyItems,
        ),
        (
            "name.given.all(%context.name.given.all(%context.name.given.all(%context.name.given.all(%context.name.given.all(true)))))",
            EvaluationProblem::TooManySteps,
        ),
        (
            "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
            EvaluationProblem::TextTooLong,
        ),
    ] {
        let expression = Expression::compile(text).unwrap();
        let error = expression.evaluate(&Item::resource(doc.root()), &context).unwrap_err();
        assert_eq!(error.problem, problem, "{text}");
        assert!(error.position.offset > 0);
    }
}

#[test]
fn the_deepest_expression_fits_on_the_stack_of_a_thread() {
    let doc = doc(r#"{"resourceType":"Patient","active":true}"#);
    for text in [
        format!("{}active{}", "iif(true, ".repeat(58), ")".repeat(58)),
        format!("{}active{}", "where(true and ".repeat(58), ")".repeat(58)),
        format!("active{}", ".select($this)".repeat(118)),
        vec!["1"; 119].join(" + "),
    ] {
        let expression = Expression::compile(&text).unwrap();
        let found = expression.evaluate(&Item::resource(doc.root()), &Context::empty());
        assert_eq!(found.unwrap().len(), 1, "{text}");
    }
}

#[test]
fn a_trace_is_kept_only_where_it_is_asked_for() {
    let doc = doc(r#"{"resourceType":"Patient","name":[{"family":"A"}]}"#);
    let trace = Trace::default();
    let context = Context { trace: Some(&trace), ..Context::of_resource(doc.root()) };
    let expression = Expression::compile("name.trace('n', family).exists()").unwrap();
    assert!(expression.evaluate_bool(&Item::resource(doc.root()), &context).unwrap());
    assert_eq!(trace.entries(), [("n".to_owned(), vec!["A".to_owned()])]);
    assert!(expression.evaluate_bool(&Item::resource(doc.root()), &Context::empty()).unwrap());
}

#[test]
fn a_compiled_expression_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Expression>();
}
