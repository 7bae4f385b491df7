//! Every search through the door is compared with a naive reading of the plain records.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;
mod expected;
#[path = "../../../fhir/tests/search_oracle/naive.rs"]
mod naive;
mod questions;

use aceso_base::Interaction;
use aceso_custodian::{DoorError, Plan, SearchScope, Shape};
use aceso_fhir::search::{ParamKind, Query};
use aceso_testkit::PlannedRandomness;
use common::*;
use expected::Stored;
use questions::{Pool, Question};
use std::collections::{BTreeMap, BTreeSet};

/// Questions of each kind in a compartment or the directory.
const EACH: usize = 300;
/// Questions across patients.
const ACROSS: usize = 600;

struct World {
    house: House,
    stored: Vec<Stored>,
    /// Matches that are another patient's records.
    linked: std::sync::atomic::AtomicUsize,
}

async fn world(plan: Plan) -> World {
    world_in(House::with_plan(plan).await).await
}

async fn world_in(house: House) -> World {
    let mut records = synthea(&[0, 5, 9]);
    records.extend(awkward());
    // Many patients, so that names and years collide.
    records.extend((0..150).map(questions::somebody));
    // Records that name two patients: sealed for one, found under both.
    let patients: Vec<String> = records
        .iter()
        .filter(|record| record.kind() == "Patient")
        .take(5)
        .map(|record| record.id().to_owned())
        .collect();
    records.extend((0..120).map(|number| questions::shared(number, &patients)));
    let mut stored = Vec::new();
    for (at, block) in records.chunks(150).enumerate() {
        house.clock.advance(i64::try_from(at).unwrap() * 977 + 1);
        house.load(block).await;
        stored.extend(block.iter().map(|record| (record.subject.clone(), record.body.clone())));
    }
    let dice = PlannedRandomness::seeded(99);
    // Some records get a second version, some go: what is searched is what is current.
    for _ in 0..120 {
        let at = dice.below(stored.len());
        let (_, body) = &mut stored[at];
        if body["resourceType"] == "Patient" {
            continue;
        }
        house.clock.advance(3);
        let (kind, name) = (body["resourceType"].as_str().unwrap().to_owned(), body["id"].as_str().unwrap().to_owned());
        if dice.below(3) == 0 {
            house.delete(&physician(), &kind, &name).await.unwrap();
            stored.remove(at);
        } else {
            questions::change(body, &dice);
            house.put(&integration(), body).await.unwrap();
        }
    }
    let mut all = Vec::new();
    for (subject, body) in stored {
        let kind = body["resourceType"].as_str().unwrap().to_owned();
        let key =
            aceso_store::RecordKey { tenant: tenant(), rtype: rtype(&kind), id: id(body["id"].as_str().unwrap()) };
        let updated = aceso_store::Reader::head(&*house.store, &key).unwrap().unwrap().updated;
        all.push(Stored { kind, subject, body, updated: updated.0 });
    }
    World { house, stored: all, linked: std::sync::atomic::AtomicUsize::new(0) }
}

impl World {
    /// Asks, walks the pages and compares with the naive opinion. The number of matches; none when the question reads prices,
    /// which physicians do not see.
    async fn compare(&self, question: &Question) -> Option<usize> {
        let pairs = question.pairs();
        let ask = Ask { scope: question.scope(), kind: &question.kind, pairs: &pairs, count: question.page };
        // In a compartment the patient himself asks: he sees every class, and of his own records only.
        let who = match &question.home {
            questions::Home::Patient(own) => patient(own),
            questions::Home::Directory | questions::Home::Everybody => physician(),
        };
        let found = self.compare_as(&who, question, &ask, &self.expected(question, false)).await;
        if let questions::Home::Patient(_) = &question.home {
            // A physician sees those too that name the patient beside their own.
            let all = self.expected(question, true);
            let seen = self.compare_as(&physician(), question, &ask, &all).await;
            let more = seen.unwrap_or_default().saturating_sub(found.unwrap_or_default());
            self.linked.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
        }
        found
    }

    async fn compare_as(
        &self,
        who: &aceso_base::Caller,
        question: &Question,
        ask: &Ask<'_>,
        expected: &[String],
    ) -> Option<usize> {
        let (found, total) = match self.house.search(who, ask).await {
            Ok(answer) => answer,
            Err(DoorError::ParameterForbidden { .. }) if who.own_patient.is_none() => return None,
            Err(error) => panic!("{}: {question:?}", name_of(&error)),
        };
        assert_eq!(total, found.len(), "{question:?}");
        if question.sort.is_some() {
            assert_eq!(found, expected, "{question:?}");
        } else {
            let mut sorted = expected.to_vec();
            sorted.sort();
            // Without a rule the order is by type and id.
            assert_eq!(found, sorted, "{question:?}");
        }
        Some(found.len())
    }

    /// `linked`: those that name the patient beside their own too.
    fn expected(&self, question: &Question, linked: bool) -> Vec<String> {
        let in_scope = |stored: &&Stored| {
            stored.kind == question.kind
                && match &question.home {
                    questions::Home::Patient(patient) if linked => stored.is_in(patient),
                    questions::Home::Patient(patient) => stored.subject.as_ref() == Some(patient),
                    questions::Home::Directory => stored.subject.is_none(),
                    questions::Home::Everybody => true,
                }
        };
        let mut found: Vec<&Stored> = self
            .stored
            .iter()
            .filter(in_scope)
            .filter(|stored| question.asked.iter().all(|asked| stored.matches(asked)))
            .collect();
        found.sort_by(|a, b| a.order(b, question.sort.as_ref()));
        found.into_iter().map(|stored| stored.body["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[derive(Default, Debug)]
struct Tally {
    asked: usize,
    empty: usize,
    matches: usize,
    forbidden: usize,
}

/// `indexes`: the classes of tokens that must be there, so that no plan is tested by scanning alone.
async fn ask_all(plan: Plan, indexes: &str, seed: u64) {
    let world = world(plan).await;
    let measured = world.house.door.leakage(&tenant()).unwrap().measured;
    let found: BTreeSet<char> = measured.iter().filter(|index| index.stats.rows > 0).map(|index| index.class).collect();
    assert_eq!(found, indexes.chars().collect());
    let dice = PlannedRandomness::seeded(seed);
    let pool = Pool::new(&world.stored);
    let mut tally: BTreeMap<&'static str, Tally> = BTreeMap::new();
    let mut count = |kind: &'static str, found: Option<usize>| {
        let line = tally.entry(kind).or_default();
        let Some(found) = found else {
            line.forbidden += 1;
            return;
        };
        line.asked += 1;
        line.matches += found;
        line.empty += usize::from(found == 0);
    };
    for kind in questions::KINDS {
        for _ in 0..EACH {
            let question = pool.inside(kind, &dice);
            count(kind, world.compare(&question).await);
        }
    }
    for _ in 0..EACH {
        count("composite", world.compare(&pool.composite(&dice)).await);
    }
    for _ in 0..EACH {
        count("several with _sort", world.compare(&pool.several(&dice)).await);
    }
    for _ in 0..ACROSS {
        count("across patients", world.compare(&pool.across(&dice)).await);
    }
    let total: usize = tally.values().map(|line| line.asked).sum();
    let linked = world.linked.load(std::sync::atomic::Ordering::Relaxed);
    assert!(linked > 100, "records of several patients were found {linked} times only");
    println!("{} records, {total} searches compared, 0 differences; {linked} linked matches", world.stored.len());
    for (kind, line) in &tally {
        println!("  {kind}: {} asked, {} with matches, {} matches", line.asked, line.asked - line.empty, line.matches);
        assert!(line.asked - line.empty > line.asked / 10, "{kind} asks too often about nothing");
        assert!(line.forbidden < line.asked / 5, "{kind}: {} questions were refused", line.forbidden);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_a_naive_reading_with_full_length_indexes_only() {
    ask_all(Plan::STRICT, "CIP", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_a_naive_reading_with_truncated_indexes() {
    ask_all(Plan::for_population(100_000), "CDINP", 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_a_naive_reading_with_every_index() {
    let plan = Plan::for_population(100_000_000);
    assert_eq!(plan.indexes().count(), aceso_seal::index::TABLE.len());
    ask_all(plan, "CDINP", 3).await;
}

/// The same questions again and again while records come, change and go: what the door keeps open is never older than the store.
/// A room that is too small for all and none at all give the same answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_between_writes_are_those_of_a_naive_reading() {
    for kept in [16 << 20, 60_000, 0] {
        let mut world = world_in(House::keeping(Plan::for_population(100_000), kept).await).await;
        let dice = PlannedRandomness::seeded(7);
        let questions: Vec<Question> = {
            let pool = Pool::new(&world.stored);
            let kinds = questions::KINDS.iter().cycle().take(60);
            let inside = kinds.map(|kind| pool.inside(kind, &dice)).collect::<Vec<_>>();
            inside.into_iter().chain((0..20).map(|_| pool.several(&dice))).collect()
        };
        let mut with_matches = 0;
        for round in 0..8 {
            for question in &questions {
                with_matches += usize::from(world.compare(question).await.is_some_and(|found| found > 0));
            }
            for _ in 0..8 {
                world.write_something(round, &questions, &dice).await;
            }
        }
        assert!(with_matches > 200, "the questions ask too often about nothing: {with_matches}");
    }
}

impl World {
    /// Changes, deletes, moves or copies a record of a kind and home that is asked about.
    async fn write_something(&mut self, round: usize, questions: &[Question], dice: &PlannedRandomness) {
        self.house.clock.advance(3);
        let question = &questions[dice.below(questions.len())];
        let near: Vec<usize> = (0..self.stored.len())
            .filter(|at| self.stored[*at].kind == question.kind && self.stored[*at].kind != "Patient")
            .collect();
        if near.is_empty() {
            return;
        }
        let at = near[dice.below(near.len())];
        let Stored { kind, subject, mut body, .. } = self.stored[at].clone();
        let name = body["id"].as_str().unwrap().to_owned();
        match dice.below(3) {
            0 => {
                self.house.delete(&physician(), &kind, &name).await.unwrap();
                self.stored.remove(at);
                return;
            }
            1 => {
                questions::change(&mut body, dice);
                self.stored.remove(at);
            }
            _ => body["id"] = format!("{round}-{}-{}", dice.below(1_000_000), self.stored.len()).into(),
        }
        self.house.put(&integration(), &body).await.unwrap();
        let key =
            aceso_store::RecordKey { tenant: tenant(), rtype: rtype(&kind), id: id(body["id"].as_str().unwrap()) };
        let head = aceso_store::Reader::head(&*self.house.store, &key).unwrap().unwrap();
        self.stored.push(Stored { kind, subject, body, updated: head.updated.0 });
    }
}

/// `$everything`: all types of a compartment in one walk.
#[tokio::test]
async fn everything_is_everything() {
    let world = world(Plan::STRICT).await;
    for person in world.stored.iter().filter(|stored| stored.kind == "Patient").take(6) {
        let home = person.subject.clone().unwrap();
        let mut expected: Vec<String> = world
            .stored
            .iter()
            .filter(|s| s.is_in(&home))
            .map(|s| format!("{}/{}", s.kind, s.body["id"].as_str().unwrap()))
            .collect();
        expected.sort();
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let request = aceso_custodian::SearchRequest {
                scope: SearchScope::Compartment(subject(&home)),
                types: &[],
                filters: &[],
                sort: &[],
                count: 97,
                after: after.as_ref(),
                include: &[],
                shape: &Shape::WHOLE,
                interaction: Interaction::Everything,
            };
            let page = world.house.door.search(&physician(), &request).await.unwrap();
            found.extend(page.matches.iter().map(|view| format!("{}/{}", view.resource_type().name(), view.id())));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        found.sort();
        assert_eq!(found, expected);
    }
}

fn kind_name(kind: ParamKind) -> Option<&'static str> {
    Some(match kind {
        ParamKind::Token => "token",
        ParamKind::String => "string",
        ParamKind::Date => "date",
        ParamKind::Number => "number",
        ParamKind::Quantity => "quantity",
        ParamKind::Reference => "reference",
        ParamKind::Uri => "uri",
        ParamKind::Composite | ParamKind::Special => return None,
    })
}

fn parses(kind: &str, pairs: &[(String, String)]) -> bool {
    Query::parse(rtype(kind), pairs).is_ok()
}
