//! A warm decision: what every read pays.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use aceso_base::{Interaction, LogicalId, Purpose, Role, SubjectId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use aceso_policy::{Engine, Scope, Target};
use aceso_testkit::{PlannedRandomness, caller};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn decide(criterion: &mut Criterion) {
    let engine = Engine::load().unwrap();
    let (caller, rng) = (caller(&[Role::Nurse], Purpose::Treatment), PlannedRandomness::default());
    let target = Target {
        rtype: ResourceType::parse("Observation"),
        subject: SubjectId([7; 16]),
        scope: Scope::Record(LogicalId::parse("057aa36e-b892-4964-b5b9-ffb46b097e34").unwrap()),
    };
    criterion.bench_function("decide, warm", |bench| {
        bench.iter(|| black_box(engine.decide(&caller, Interaction::Read, black_box(&target), Timestamp(0), &rng)));
    });
    criterion.bench_function("decide, cold engine question", |bench| {
        bench.iter_with_large_drop(|| {
            engine.explain(
                aceso_policy::Question {
                    roles: caller.roles,
                    purpose: caller.purpose,
                    interaction: Interaction::Read,
                    kind: aceso_policy::Kind::PatientData,
                    rtype: None,
                },
                false,
            )
        });
    });
}

criterion_group!(benches, decide);
criterion_main!(benches);
