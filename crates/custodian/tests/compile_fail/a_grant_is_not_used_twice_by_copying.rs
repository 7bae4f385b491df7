use aceso_policy::Grant;

fn main() {
    let _: fn(&Grant) -> Grant = |grant| grant.clone();
}
