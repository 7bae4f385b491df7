//! What an entry costs: canonical bytes, salt, commitment, tree, seal, and one signature per batch.

#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use aceso_audit::{Action, AppendError, Entry, Frame, LogKeys, Origin, Sequencer};
use aceso_base::{LogicalId, Purpose, Role, SubjectId, Timestamp, Token16, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::ClassSet;
use aceso_testkit::{PlannedRandomness, caller};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

#[derive(Debug)]
struct NotMade;

impl From<AppendError> for NotMade {
    fn from(_: AppendError) -> Self {
        Self
    }
}

fn entry() -> Entry {
    let id = LogicalId::parse("057aa36e-b892-9964-75b9-ffb46b097e34").unwrap();
    Entry::by(&caller(&[Role::Physician], Purpose::Treatment), Action::Read)
        .with_grant(Token16([5; 16]))
        .with_classes(ClassSet::ALL)
        .with_subject(SubjectId::of_patient(id.as_str()).unwrap())
        .with_record(ResourceType::parse("Patient").unwrap(), &id, Version(3))
        .with_key(Token16([6; 16]), 1)
        .with_policy("2026-11-22.1")
}

fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("append");
    for batch in [1_usize, 64, 512] {
        let mut log = Sequencer::create(
            &LogKeys::generate(&PlannedRandomness::default()),
            &Origin::parse("log.example/bench").unwrap(),
        )
        .unwrap();
        let entries = vec![entry(); batch];
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::from_parameter(batch), |b| {
            b.iter(|| {
                let write = |frame: &Frame| {
                    black_box(frame);
                    Ok::<(), NotMade>(())
                };
                log.append(Timestamp(1), black_box(&entries), write).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
