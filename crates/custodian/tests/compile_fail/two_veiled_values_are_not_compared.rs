use aceso_phi::Phi;

fn main() {
    let _: fn(Phi<String>, Phi<String>) -> bool = |one, other| one == other;
}
