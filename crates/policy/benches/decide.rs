//! A warm decision: what every read pays.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use aceso_base::{
    Caller, Interaction, LogicalId, Purpose, Randomness, Region, Role, RoleSet, SubjectId, TenantId, Timestamp,
    Token16, UserId,
};
use aceso_fhir::definitions::ResourceType;
use aceso_policy::{Engine, Scope, Target};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

struct Zeros;
impl Randomness for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn decide(criterion: &mut Criterion) {
    let engine = Engine::load().unwrap();
    let caller = Caller {
        tenant: TenantId::parse("clinic").unwrap(),
        region: Region::parse("us").unwrap(),
        user: UserId::parse("u1").unwrap(),
        client: UserId::parse("console").unwrap(),
        session: Token16([1; 16]),
        roles: RoleSet::NONE.with(Role::Nurse),
        own_patient: None,
        purpose: Purpose::Treatment,
        request: Token16([2; 16]),
    };
    let target = Target {
        rtype: ResourceType::parse("Observation"),
        subject: SubjectId([7; 16]),
        scope: Scope::Record(LogicalId::parse("057aa36e-b892-4964-b5b9-ffb46b097e34").unwrap()),
    };
    criterion.bench_function("decide, warm", |bench| {
        bench.iter(|| black_box(engine.decide(&caller, Interaction::Read, black_box(&target), Timestamp(0), &Zeros)));
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
