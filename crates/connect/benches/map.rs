//! What mapping costs: each example, from JSON text to FHIR texts.

use std::hint::black_box;

use aceso_base::Timestamp;
use aceso_connect::elation::{CAPABILITIES, map};
use aceso_connect::pattern::{ConnectionId, IdMinter, MapContext};
use aws_lc_rs::hmac;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

struct Ids(hmac::Key);

impl IdMinter for Ids {
    fn keyed(&self, input: &[u8]) -> [u8; 16] {
        let tag = hmac::sign(&self.0, input);
        let mut out = [0; 16];
        out.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        out
    }
}

fn examples(c: &mut Criterion) {
    let ids = Ids(hmac::Key::new(hmac::HMAC_SHA256, b"a key for benchmarks"));
    let Ok(connection) = ConnectionId::parse("bench") else { return };
    let ctx = MapContext {
        connection: &connection,
        ids: &ids,
        received: Timestamp(1_790_000_000_000),
        is_known: &|_, _| true,
    };
    let mut group = c.benchmark_group("elation");
    for resource in CAPABILITIES.resources {
        let path = format!("{}/testdata/elation/{}.json", env!("CARGO_MANIFEST_DIR"), resource.kind);
        let Ok(text) = std::fs::read(path) else { continue };
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(resource.kind, |b| b.iter(|| map(resource.kind, black_box(text.clone()), &ctx)));
    }
    group.finish();
}

criterion_group!(benches, examples);
criterion_main!(benches);
