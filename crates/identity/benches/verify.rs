//! A warm verification: what every request pays.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise and prints"
)]

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/identity/support.rs"]
mod support;

use aceso_testkit::percentiles;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn verify(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let token = runtime.block_on(async {
        let house = support::House::open().await;
        let token = house.log_in("nora.nurse").await.access_token;
        (house, token)
    });
    let (house, token) = token;
    criterion.bench_function("verify, warm", |bench| {
        bench.iter(|| black_box(house.identity.verify(black_box(token.reveal()))));
    });
    println!("{}", percentiles("verify, warm", || house.identity.verify(black_box(token.reveal()))));
}

criterion_group!(benches, verify);
criterion_main!(benches);
