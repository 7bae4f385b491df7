use aceso_audit::Receipt;

fn main() {
    let _: fn(Receipt) -> Receipt = |receipt| Receipt { index: 0, ..receipt };
}
