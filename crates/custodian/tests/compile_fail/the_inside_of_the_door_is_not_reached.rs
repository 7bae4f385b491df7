use aceso_custodian::Custodian;

fn main() {
    let _: fn(Custodian) = |door| drop(door.inner);
}
