use aceso_custodian::View;
use aceso_phi::Phi;

fn answer(_: View) {}

fn main() {
    let _: fn(Phi<Vec<u8>>) = |opened| answer(opened);
}
